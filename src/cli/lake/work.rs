//! `tidegate lake flush`, `compact`, `vacuum`, `accept-loss`: the server works, the command shows its
//! progress.

use std::time::Duration;

use http::Method;
use indicatif::HumanBytes;
use serde::Deserialize;

use super::which::{PATH, Which};
use crate::cli::CliError;
use crate::cli::connection::{Connection, Session};
use crate::cli::output;
use crate::cli::progress::{Elsewhere, Progress};
use crate::cli::terminal::visible;
use crate::client::{ClientError, Download, Request};

pub(super) const FLUSH_HELP: &str = "\
The server does this by itself when a table is large or old enough, when memory is short, and \
when it stops. Do it now before another program reads the tables. Exit status: 1 if a table \
failed; its points are safe in the log.

Examples:
  tidegate lake flush
  tidegate lake flush --bucket home --measurement room";

pub(super) const COMPACT_HELP: &str = "\
The server does this by itself where it is worthwhile. This joins whatever can be joined: fewer and \
larger files, which other programs read faster. The old files stay for running readers, until a \
vacuum. Exit status: 1 if a table failed; its points are unchanged.

Examples:
  tidegate lake compact
  tidegate lake compact --bucket home --measurement room";

pub(super) const VACUUM_HELP: &str = "\
Files that compaction, retention and interrupted flushes leave over are kept for a while \
(lake.vacuum_age_ms), for running readers. This deletes older ones. Exit status: 1 if a table \
failed.

Examples:
  tidegate lake vacuum
  tidegate lake vacuum --bucket home";

pub(super) const ACCEPT_LOSS_HELP: &str = "\
A table that does not have what was flushed to it was lost: somebody removed its folder, or \
restored an older copy. The server adds nothing to it and says so. Restore the folder from a \
backup if you can. If not, this gives up what is missing: the table continues with what is left, \
or starts over. Healthy tables are left alone. Exit status: 1 if a table failed.

Examples:
  tidegate lake accept-loss --bucket home --measurement room";

/// The longest wait for one table.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The kind of work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Work {
    path: &'static str,
    past: &'static str,
}

pub(super) const FLUSH: Work = Work {
    path: "flush",
    past: "flushed",
};
pub(super) const COMPACT: Work = Work {
    path: "compact",
    past: "compacted",
};
pub(super) const VACUUM: Work = Work {
    path: "vacuum",
    past: "vacuumed",
};

pub(super) const ACCEPT_LOSS: Work = Work {
    path: "accept-loss",
    past: "looked at",
};

#[derive(clap::Args, Clone, Debug)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    connection: Connection,
}

/// A line of the answer.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
enum Line {
    First {
        tables: u64,
    },
    Failed {
        bucket: String,
        measurement: String,
        error: String,
    },
    Done {
        files_removed: u64,
        files_added: u64,
        bytes_added: u64,
    },
    Last {
        done: bool,
    },
}

/// The lines of an answer.
struct Lines {
    download: Download,
    held: Vec<u8>,
}

/// The totals over all tables.
#[derive(Default)]
struct Total {
    tables: u64,
    failed: u64,
    files_removed: u64,
    files_added: u64,
    bytes_added: u64,
}

impl Args {
    pub(super) async fn run(self, work: Work) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let path = format!("{PATH}/{}{}", work.path, self.which.query());
        let request = Request::new(Method::POST, path).patience(PATIENCE);
        let download = session.client().download(request).await;
        let mut lines = Lines {
            download: download.map_err(|error| session.explain(error))?,
            held: Vec::new(),
        };
        let Some(Line::First { tables }) = lines.read(&session).await? else {
            return Err(cut(
                &session,
                "the server did not say how many tables there are",
            ));
        };
        let progress = Progress::of_tables(tables, Elsewhere::Lines);
        let followed = follow(&session, &mut lines, &progress).await;
        progress.finish();
        let total = followed?;
        output::line(&total.line(work, &progress))?;
        match total.failed {
            0 => Ok(()),
            failed => Err(CliError::Failed(format!(
                "{failed} of {tables} tables failed"
            ))),
        }
    }
}

async fn follow(
    session: &Session,
    lines: &mut Lines,
    progress: &Progress,
) -> Result<Total, CliError> {
    let mut total = Total::default();
    while let Some(line) = lines.read(session).await? {
        match line {
            Line::First { .. } => {
                return Err(cut(session, "an answer that begins twice"));
            }
            Line::Done {
                files_removed,
                files_added,
                bytes_added,
            } => {
                total.files_removed += files_removed;
                total.files_added += files_added;
                total.bytes_added += bytes_added;
            }
            Line::Failed {
                bucket,
                measurement,
                error,
            } => {
                total.failed += 1;
                let (bucket, measurement) = (visible(&bucket), visible(&measurement));
                progress.remark(&format!(
                    "bucket \"{bucket}\", measurement \"{measurement}\": {}",
                    visible(&error)
                ));
            }
            Line::Last { .. } => return Ok(total),
        }
        total.tables += 1;
        progress.add(1);
    }
    let problem = format!(
        "an answer that was cut after {} tables (is the server stopping?); what is done is done, \
         run the command again",
        total.tables
    );
    Err(cut(session, &problem))
}

fn cut(session: &Session, problem: &str) -> CliError {
    session.explain(ClientError::Unexpected {
        address: session.client().address().clone(),
        problem: problem.to_owned(),
    })
}

impl Lines {
    async fn read(&mut self, session: &Session) -> Result<Option<Line>, CliError> {
        loop {
            if let Some(end) = self.held.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.held.drain(..=end).collect();
                let line = serde_json::from_slice(&line);
                return line.map(Some).map_err(|error| {
                    cut(session, &format!("a line that is not understood ({error})"))
                });
            }
            let piece = self.download.next().await;
            match piece.map_err(|error| session.explain(error))? {
                Some(piece) => self.held.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
    }
}

impl Total {
    fn line(&self, work: Work, progress: &Progress) -> String {
        let done = self.tables.saturating_sub(self.failed);
        let counted = |count: u64, thing: &str| match count {
            1 => format!("1 {thing}"),
            _ => format!("{count} {thing}s"),
        };
        format!(
            "{} {} in {}: {} added ({}), {} removed",
            counted(done, "table"),
            work.past,
            progress.took(),
            counted(self.files_added, "file"),
            HumanBytes(self.bytes_added),
            self.files_removed
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn every_kind_of_line_is_told_from_the_others() {
        let of = |text: &str| serde_json::from_str::<Line>(text).expect("known");
        assert_eq!(of(r#"{"tables":2}"#), Line::First { tables: 2 });
        let done =
            r#"{"bucket":"b","measurement":"m","files_removed":1,"files_added":2,"bytes_added":3}"#;
        assert!(matches!(of(done), Line::Done { bytes_added: 3, .. }));
        let failed = r#"{"bucket":"b","measurement":"m","error":"full"}"#;
        assert!(matches!(of(failed), Line::Failed { .. }));
        assert_eq!(of(r#"{"done":true,"failed":0}"#), Line::Last { done: true });
        assert!(serde_json::from_str::<Line>("{}").is_err());
    }
}
