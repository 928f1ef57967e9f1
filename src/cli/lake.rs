//! `tidegate lake`: shows the open tables of a server and works on them, with an operator token.

mod clock;
mod status;
mod which;
mod work;

use clap::{Args, Subcommand};

use super::CliError;

const HELP: &str = "\
Points move from memory and log into Delta tables, one for each bucket and measurement; the \
server flushes, compacts and cleans up by itself. These commands do it now. All of them need an \
operator token.

Examples:
  tidegate lake status
  tidegate lake flush --bucket home";

/// Look at the open tables, flush and compact them.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Lake {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    Status(status::Status),
    /// Move what is in memory and log into the tables now.
    #[command(after_help = work::FLUSH_HELP)]
    Flush(work::Args),
    /// Join the files of each day, and drop days past their retention.
    #[command(after_help = work::COMPACT_HELP)]
    Compact(work::Args),
    /// Delete files that no table refers to any more.
    #[command(after_help = work::VACUUM_HELP)]
    Vacuum(work::Args),
    /// Give up what lost tables had, so that they start over.
    #[command(after_help = work::ACCEPT_LOSS_HELP)]
    AcceptLoss(work::Args),
    TrustClock(clock::TrustClock),
}

impl Lake {
    pub(super) async fn run(self) -> Result<(), CliError> {
        match self.command {
            Command::Status(status) => status.run().await,
            Command::Flush(args) => args.run(work::FLUSH).await,
            Command::Compact(args) => args.run(work::COMPACT).await,
            Command::Vacuum(args) => args.run(work::VACUUM).await,
            Command::AcceptLoss(args) => args.run(work::ACCEPT_LOSS).await,
            Command::TrustClock(trust) => trust.run().await,
        }
    }
}
