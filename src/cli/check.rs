//! `tidegate check`: reports what a server would say about files of line protocol, without a server.
//!
//! ```text
//! plain text > windows > slices > ingest's check > FILE:LINE:COLUMN reason
//! ```
//!
//! Every file is a body of its own for a bucket of its own: types can clash only within one file. Problems go to standard output, the summary to standard error. Files may be
//! larger than the memory.

mod error;
mod excerpt;
mod output;
#[cfg(test)]
mod tests;
mod window;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use super::CliError;
use super::output::remark;
use super::plain_text::Input;
use super::values::{self, Unit};
use crate::certain::Certain as _;
use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::engine::ingest_options;
use crate::ingest::{Check as Checker, Options};
use crate::line_protocol::Precision;
use crate::narrow;
use output::{Form, Report};
use window::Window;

pub use error::{CheckFailure, Summary};

const HELP: &str = "\
Each problem is one line FILE:LINE:COLUMN reason, then the line and a mark under the column. \
Lines and columns start with 1; a column is a byte; 0 means that the fault lies on a later line \
of the point. Files may be compressed with gzip or zstd. - is standard input.

Exit status: 0 if everything would be stored, 1 if something would not, or could not be read.

Examples:
  tidegate check points.lp
  tidegate check --precision s monday.lp.gz tuesday.lp.gz
  gunzip -c points.lp.gz | tidegate check -
  tidegate check --json points.lp | head -n 20
  tidegate check --config tidegate.toml points.lp";

/// Check files of line protocol as a server would, without one.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Check {
    /// Files of line protocol, plain, gzip or zstd; `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The unit of the timestamps.
    #[arg(long, value_name = "UNIT", default_value = "ns", value_parser = values::unit())]
    precision: Unit,
    /// Write each problem as a JSON object: file, line, column, code, message.
    #[arg(long)]
    json: bool,
    /// Check against the limits of this configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Check {
    /// Checks every file and names all problems.
    pub fn run(self) -> Result<(), CliError> {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let checked = self.check(&mut out);
        // Problems that were found before a fault are printed before it.
        out.flush().map_err(CliError::Output)?;
        let summary = checked?;
        if !summary.oddities.is_empty() {
            remark(&format!("tidegate: {}", summary.oddities));
        }
        if summary.rejected + summary.dropped > 0 {
            return Err(CheckFailure::Problems(summary).into());
        }
        remark(&format!("tidegate: {summary}"));
        Ok(())
    }

    fn check(&self, out: &mut dyn Write) -> Result<Summary, CliError> {
        let sources = Sources::of_process(self.config.clone(), Vec::new());
        let config = Config::load(&sources).map_err(CheckFailure::Config)?;
        let options = ingest_options(&config);
        let form = match self.json {
            true => Form::Json,
            false => Form::text(),
        };
        let mut summary = Summary::default();
        for input in Input::all(&self.files)? {
            let text = input.open().map_err(|source| CheckFailure::Input {
                file: input.name.clone(),
                source,
            })?;
            check_file(
                Window::new(text),
                &input.name,
                (options, self.precision.precision),
                &mut summary,
                |report| report.write(form, out),
            )?;
        }
        Ok(summary)
    }
}

/// Checks one file and hands out its problems in line order.
fn check_file(
    mut window: Window,
    name: &str,
    (options, precision): (Options, Precision),
    summary: &mut Summary,
    mut tell: impl FnMut(&Report<'_>) -> io::Result<()>,
) -> Result<(), CliError> {
    let file = || name.to_owned();
    let mut checker = Checker::new(options, precision, Clock::system().now_ns());
    summary.files += 1;
    loop {
        let checked = checker
            .slice(window.text(), window.is_last())
            .map_err(|source| CheckFailure::Check {
                file: file(),
                source,
            })?;
        let Some(checked) = checked else {
            if window.is_last() {
                return Ok(());
            }
            window.more().map_err(|source| CheckFailure::Input {
                file: file(),
                source,
            })?;
            continue;
        };
        summary.accepted += checked.accepted;
        summary.rejected += checked.rejected;
        summary.oddities += checked.oddities;
        let reports = narrow::to_u64(checked.reports.len());
        summary.dropped += reports.saturating_sub(checked.rejected);
        let done = window.text().get(..checked.bytes);
        let done = done.certain("the check took them from this text");
        for report in output::with_lines(name, done, checked.first_line, &checked.reports) {
            tell(&report).map_err(CliError::Output)?;
        }
        window.advance(checked.bytes);
    }
}
