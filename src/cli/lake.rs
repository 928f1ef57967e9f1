//! `tidegate lake`: shows the open tables of a server and works on them, with an operator token.

mod clock;
mod status;
mod work;

use clap::{Args, Subcommand};

use super::CliError;
use crate::client::query_value;

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

const PATH: &str = "/api/v1/lake";

/// The choice of tables.
#[derive(Args, Clone, Debug)]
struct Which {
    /// Only tables of this bucket, by name or id.
    #[arg(long, short, value_name = "BUCKET")]
    bucket: Option<String>,
    /// Only tables of this measurement.
    #[arg(long, short, value_name = "NAME")]
    measurement: Option<String>,
}

impl Which {
    /// The choice as parameters of a request.
    fn query(&self) -> String {
        let given = [("bucket", &self.bucket), ("measurement", &self.measurement)];
        let given = given
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let pairs: Vec<String> = given
            .map(|(name, value)| format!("{name}={}", query_value(value)))
            .collect();
        match pairs.is_empty() {
            true => String::new(),
            false => format!("?{}", pairs.join("&")),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::Which;

    #[test]
    fn names_are_encoded_and_what_is_not_given_is_not_sent() {
        let which = |bucket: Option<&str>, measurement: Option<&str>| Which {
            bucket: bucket.map(str::to_owned),
            measurement: measurement.map(str::to_owned),
        };
        assert_eq!(which(None, None).query(), "");
        assert_eq!(which(None, Some("a b")).query(), "?measurement=a%20b");
        assert_eq!(
            which(Some("b&c"), Some("m")).query(),
            "?bucket=b%26c&measurement=m"
        );
    }
}
