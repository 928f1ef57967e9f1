//! The output of commands: lines, aligned columns for people, or the server's JSON unchanged.

use std::io::{self, Write as _};

use super::CliError;
use crate::client::Answer;

/// Prints one line on standard output.
pub(super) fn line(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(CliError::Output)
}

/// Prints a remark for people on standard error. If that is closed, nobody misses it.
pub(super) fn remark(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints the answer's JSON as the server sent it.
pub(super) fn json(answer: &Answer) -> Result<(), CliError> {
    line(String::from_utf8_lossy(&answer.body).trim_end())
}

/// Prints rows below their heads.
pub(super) fn table<const N: usize>(
    heads: [&str; N],
    rows: &[[String; N]],
) -> Result<(), CliError> {
    line(&super::table::table(heads, rows))
}
