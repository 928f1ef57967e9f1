//! `tidegate export`: writes the points of a bucket to standard output or a file. A file with the
//! wanted name is always complete.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use http::Method;

use super::connection::{Connection, Session};
use super::files::{self, Outlet, Unfinished};
use super::output::remark;
use super::progress::{Elsewhere, Progress};
use super::values::{self, Time};
use super::{CliError, signals};
use crate::client::{Download, Request, query_value};
use crate::clock::Clock;
use crate::narrow;

const HELP: &str = "\
Points are sorted by measurement, day (UTC), tag set and time. Line protocol can be imported again \
unchanged; its timestamps are in nanoseconds. Arrow (an IPC stream) and CSV hold one \
measurement. Exit status: 0 if the export is complete, 1 if not; a file is written under another \
name and renamed when it is complete.

Examples:
  tidegate export --bucket home > home.lp
  tidegate export --bucket home -o home.lp
  tidegate export --bucket home --start -1h
  tidegate export --bucket home \\
    --start 2026-01-01T00:00:00Z --end 2026-02-01
  tidegate export --bucket home --measurement room \\
    --format arrow -o room.arrow
  tidegate export --bucket home --measurement room \\
    --format csv -o room.csv
  tidegate export --bucket home | gzip > home.lp.gz";

/// The longest wait for the server's next piece.
const PATIENCE: Duration = Duration::from_secs(60);

/// Read what a bucket holds: line protocol, Arrow or CSV.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Export {
    /// The bucket, by name or id.
    #[arg(long, short, value_name = "BUCKET", value_parser = values::bucket)]
    bucket: String,
    /// Only this measurement.
    #[arg(long, short, value_name = "NAME")]
    measurement: Option<String>,
    /// Only points at this time or later: RFC 3339, a date, ns since 1970, or back from now (-1h).
    #[arg(long, value_name = "TIME", value_parser = values::past_time, allow_hyphen_values = true)]
    start: Option<Time>,
    /// Only points before this time, in the same forms.
    #[arg(long, value_name = "TIME", value_parser = values::past_time, allow_hyphen_values = true)]
    end: Option<Time>,
    /// The format of the output.
    #[arg(long, value_name = "FORMAT", default_value = "lp")]
    format: Format,
    /// Write to this file; - is standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Line protocol
    Lp,
    /// Arrow IPC stream
    Arrow,
    /// CSV with a header
    Csv,
}

impl Export {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let output = self.output.as_ref().filter(|path| path.as_os_str() != "-");
        if let Some(path) = output {
            files::uncompressed(path)?;
        }
        if self.format == Format::Arrow && output.is_none() && io::stdout().is_terminal() {
            let text = "Arrow is not for terminals: give a file with --output";
            return Err(CliError::Usage(text.to_owned()));
        }
        for (flag, time) in [("--start", self.start), ("--end", self.end)] {
            if let Some(told) = time.and_then(Time::remark) {
                remark(&format!("{flag} {told}"));
            }
        }
        let session = self.connection.session()?;
        let request = Request::new(Method::GET, self.path(Clock::system().now_ns()));
        let download = session.client().download(request.patience(PATIENCE)).await;
        let mut download = download.map_err(|error| session.explain(error))?;
        // A bar and the points would overwrite each other.
        let progress = match output.is_none() && io::stdout().is_terminal() {
            true => Progress::hidden(),
            false => Progress::new(None, Elsewhere::Nothing),
        };
        let written = match output {
            None => {
                let failed = CliError::Output;
                let out = Outlet::standard().map_err(failed)?;
                copy(&session, &mut download, &out, failed, &progress).await
            }
            Some(path) => {
                // The unfinished file is removed, however this ends.
                let interruption = signals::interruption()?;
                tokio::select! {
                    saved = save(&session, &mut download, path, &progress) => saved,
                    () = interruption.cancelled() => Err(CliError::Interrupted),
                }
            }
        };
        progress.finish();
        written?;
        if let Some(path) = output {
            remark(&format!("{}: {}", path.display(), progress.summary()));
        }
        Ok(())
    }

    fn path(&self, now_ns: i64) -> String {
        let mut path = format!("/api/v1/export?bucket={}", query_value(&self.bucket));
        if let Some(measurement) = &self.measurement {
            path.push_str(&format!("&measurement={}", query_value(measurement)));
        }
        for (name, time) in [("start", self.start), ("end", self.end)] {
            if let Some(time) = time {
                path.push_str(&format!("&{name}={}", time.ns(now_ns)));
            }
        }
        path.push_str(match self.format {
            Format::Lp => "&format=lp",
            Format::Arrow => "&format=arrow",
            Format::Csv => "&format=csv",
        });
        path
    }
}

async fn save(
    session: &Session,
    from: &mut Download,
    path: &Path,
    progress: &Progress,
) -> Result<(), CliError> {
    let file = Unfinished::create(path).await?;
    let failed = |error| CliError::file("write", path, error);
    copy(session, from, file.outlet(), failed, progress).await?;
    file.finish()
}

async fn copy(
    session: &Session,
    from: &mut Download,
    to: &Outlet,
    failed: impl Fn(io::Error) -> CliError,
    progress: &Progress,
) -> Result<(), CliError> {
    while let Some(piece) = from.next().await.map_err(|error| session.explain(error))? {
        let bytes = narrow::to_u64(piece.len());
        to.write(piece).await.map_err(&failed)?;
        progress.add(bytes);
    }
    Ok(())
}
