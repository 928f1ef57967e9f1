//! The command line: one command a file. A command's results go to standard output, everything
//! else (logs, errors) to standard error.

mod check;
mod error;
mod serve;
mod token;
mod wal;

#[cfg(test)]
mod tests;

pub use error::CliError;
pub use serve::{PortError, Serve, ServeError, announce_operator_token};

use std::error::Error;

use clap::{Parser, Subcommand};

const ABOUT: &str = "\
An ingest server, write-compatible with the InfluxDB v2 API, that acknowledges a point only when
it is on disk.";

const FIRST_STEPS: &str = "\
First steps:
  tidegate serve                    listens on 127.0.0.1:8086 and prints the operator's token, once
  export TOKEN=…                    that token

  curl -i 'http://127.0.0.1:8086/api/v2/write?bucket=home' \\
    -H \"Authorization: Token $TOKEN\" \\
    --data-binary 'room,floor=1 temperature=21.5'

  The answer 204 means: on disk. A bucket is made by the first write to it.

Anything that writes to InfluxDB v2 can write here: set its URL to http://127.0.0.1:8086, its
token to that token, its organization to any word, its bucket to a name of your choice.

`tidegate help serve` tells where data goes and how everything is configured.";

/// What was asked for on the command line.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    about = ABOUT,
    after_help = FIRST_STEPS,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
    Check(check::Check),
    Wal(wal::Wal),
    Token(token::Token),
}

impl Cli {
    /// Runs the command to its end.
    pub fn run(self) -> Result<(), CliError> {
        match self.command {
            Command::Serve(serve) => Ok(serve.run()?),
            Command::Check(check) => Ok(check.run()?),
            Command::Wal(wal) => Ok(wal.run()?),
            Command::Token(token) => Ok(token.run()?),
        }
    }
}

/// An error with its causes in one line: `what failed: why: why that`.
pub fn one_line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line.replace('\n', " ")
}
