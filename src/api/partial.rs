//! The answer to a write of which lines were rejected (contract section 1.3).

use super::error::{ApiError, LineError, Lines};
use crate::ingest::{LineReport, Stage, WriteOutcome};

/// The 400 that tells what became of the lines. Clients of the origin swallow every error that
/// says `partial write`, so that is said only if something was stored.
pub(super) fn rejected(outcome: WriteOutcome) -> ApiError {
    let mut message = if outcome.accepted > 0 {
        "partial write has occurred, errors encountered on line(s):".to_owned()
    } else {
        "no data written, errors encountered on line(s):".to_owned()
    };
    for LineReport {
        line,
        stage,
        message: reason,
        ..
    } in &outcome.reports
    {
        let verb = match stage {
            Stage::Parse => "parsing",
            Stage::Write => "writing",
        };
        message.push_str(&format!("\n  error {verb} line {line} (1-based): {reason}"));
    }
    if outcome.more > 0 {
        message.push_str(&format!("\n  … and {} more", outcome.more));
    }
    let lines = Lines {
        line: outcome.first_line().map_or(0, number),
        accepted: outcome.accepted,
        rejected: outcome.rejected,
        errors: outcome.reports.into_iter().map(error).collect(),
    };
    ApiError::lines(message, lines)
}

fn error(report: LineReport) -> LineError {
    let LineReport {
        line,
        column,
        code,
        message,
        ..
    } = report;
    LineError {
        line: number(line),
        column,
        code,
        message,
    }
}

/// Telegraf loses the whole text if this does not fit an i32.
fn number(line: u32) -> i32 {
    i32::try_from(line).unwrap_or(i32::MAX)
}
