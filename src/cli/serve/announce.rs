//! The two lines of standard output.

use std::io::{self, Write as _};

/// Prints the address of the server; with port 0, the port that was found.
pub(super) fn listening(url: &str) -> io::Result<()> {
    print(&format!("listening on {url}"))
}

/// Prints the operator's token, on the very first start. It is shown only this once and kept as a hash
/// only; an error means that nobody has seen it.
pub fn announce_operator_token(secret: &str) -> io::Result<()> {
    print(&format!("operator token: {secret}"))
}

fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
