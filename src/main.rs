//! The `tidegate` program: parses the command line, runs the command, and says in one line why it
//! failed. Exit codes: 0 done, 1 failed, 2 not understood.

mod allocator;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tidegate::cli::{Cli, CliError};

fn main() -> ExitCode {
    allocator::give_back();
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &CliError) -> ExitCode {
    if let Some(line) = error.line() {
        // If even standard error is gone, the exit code is all that is left to say.
        let _ = writeln!(std::io::stderr().lock(), "tidegate: {line}");
    }
    ExitCode::from(error.exit_code())
}
