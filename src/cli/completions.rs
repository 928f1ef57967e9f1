//! `tidegate completions`: prints a script with which a shell completes commands and flags.

use std::io::{self, Write as _};

use clap::{Args, Command};
use clap_complete::Shell;

use super::CliError;

const HELP: &str = "\
Put it where the shell looks for it, for bash and zsh for example:
  tidegate completions bash \\
    > /etc/bash_completion.d/tidegate
  tidegate completions zsh > ~/.zfunc/_tidegate

Examples:
  tidegate completions bash
  tidegate completions fish > tidegate.fish";

/// Print completions for a shell.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    /// Prints the script for this command line.
    pub(super) fn run(self, mut line: Command) -> Result<(), CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut line, "tidegate", &mut script);
        io::stdout().write_all(&script).map_err(CliError::Output)
    }
}
