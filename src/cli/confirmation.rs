//! A question before something that cannot be undone. Scripts cannot be asked: they pass `--yes`.

use std::io::{self, IsTerminal as _, Write as _};

use super::{CliError, output};

/// Asks on the terminal. If there is none, it is an error that names the danger: what the command does,
/// for example `this deletes data for good`.
pub(super) fn is_confirmed(question: &str, danger: &str) -> Result<bool, CliError> {
    if !io::stdin().is_terminal() {
        return Err(CliError::Usage(format!(
            "{danger}: confirm with --yes, there is no terminal to ask on"
        )));
    }
    let mut answer = String::new();
    let asked = write!(io::stderr().lock(), "{question} [y/N] ")
        .and_then(|()| io::stdin().read_line(&mut answer));
    asked.map_err(CliError::system("ask on the terminal"))?;
    if !answer.ends_with('\n') {
        // The terminal was closed, or Ctrl-D pressed: what follows starts on a line of its own.
        output::remark("");
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
