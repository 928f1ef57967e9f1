//! The command line, one command per file. A command's results go to standard output, everything
//! else (logs, errors) to standard error.
//!
//! A command knows its flags and its texts. It does not know how the server works: it talks to a server
//! through [`crate::client`] and writes rows through `render`, and opens the folder of a stopped one through [`crate::storage`].

mod bucket;
mod check;
mod completions;
mod confirmation;
mod connection;
mod error;
mod export;
mod files;
mod import;
mod lake;
#[cfg(feature = "query")]
mod line_editor;
mod output;
mod ping;
mod plain_text;
mod progress;
#[cfg(feature = "query")]
mod query;
mod serve;
mod signals;
mod table;
mod terminal;
mod token;
mod values;
mod wal;

#[cfg(test)]
mod tests;

pub use error::CliError;
pub use import::ImportError;
pub use serve::{PortError, Serve, ServeError, announce_operator_token};

use clap::{CommandFactory as _, Parser, Subcommand};
use tokio::runtime::Runtime;

const ABOUT: &str = "\
An ingest server, write-compatible with the InfluxDB v2 API, that acknowledges a point only when \
it is on disk.";

const FIRST_STEPS: &str = "\
First steps:
  tidegate serve

  It listens on 127.0.0.1:8086 and prints the operator's token, once. With that token:

  curl -i 'http://127.0.0.1:8086/api/v2/write?bucket=home' \\
    -H 'Authorization: Token …' \\
    --data-binary 'room,floor=1 temperature=21.5'

  The answer 204 means: on disk. The first write to a bucket creates it.

Anything that writes to InfluxDB v2 can write here: set its URL to http://127.0.0.1:8086, its \
token to that token, its organization to any word, its bucket to a name of your choice.

`tidegate help serve` explains where data goes and how everything is configured.

Exit status of every command: 0 done, 1 failed, 2 not understood.";

/// The most columns of a help text: longer lines are hard to read.
const HELP_COLUMNS_MAX: usize = 80;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version,
    about = ABOUT,
    after_help = FIRST_STEPS,
    max_term_width = HELP_COLUMNS_MAX,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Serve),
    Token(token::Token),
    Bucket(bucket::Bucket),
    Import(import::Import),
    Export(export::Export),
    #[cfg(feature = "query")]
    Query(query::Query),
    Check(check::Check),
    Lake(lake::Lake),
    Wal(wal::Wal),
    Ping(ping::Ping),
    Completions(completions::Completions),
}

impl Cli {
    /// Runs the command to its end.
    pub fn run(self) -> Result<(), CliError> {
        match self.command {
            Command::Serve(serve) => Ok(serve.run()?),
            Command::Token(token) => wait_for(token.run()),
            Command::Bucket(bucket) => wait_for(bucket.run()),
            Command::Import(import) => wait_for(import.run()),
            Command::Export(export) => wait_for(export.run()),
            #[cfg(feature = "query")]
            Command::Query(query) => wait_for(query.run()),
            Command::Check(check) => check.run(),
            Command::Lake(lake) => wait_for(lake.run()),
            Command::Wal(wal) => Ok(wal.run()?),
            Command::Ping(ping) => wait_for(ping.run()),
            Command::Completions(completions) => completions.run(Self::command()),
        }
    }
}

/// Runs a command that talks to a server.
fn wait_for(command: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = Runtime::new().map_err(CliError::system("start the threads"))?;
    let done = runtime.block_on(command);
    // The command is done: a name lookup that still runs is not waited for.
    runtime.shutdown_background();
    done
}
