//! The `tidegate` program: parses the command line, runs the command, and says in one line why it
//! failed. Exit codes: 0 done, 1 failed, 2 not understood.

mod allocator;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use tidegate::cli::{Cli, one_line};

fn main() -> ExitCode {
    allocator::give_back_large_blocks();
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &dyn Error) -> ExitCode {
    // If even standard error is gone, the exit code is all that is left to say.
    let _ = writeln!(std::io::stderr().lock(), "tidegate: {}", one_line(error));
    ExitCode::FAILURE
}
