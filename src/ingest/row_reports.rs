//! The reports on rows that were rejected after parsing: each names the line of its row, and the
//! column of the key that caused the rejection.

use super::report::{LineReport, Reports, Stage};
use super::resolve::{Decision, LineKey};
use super::scratch::Origin;
use crate::certain::Certain;
use crate::line_protocol::{Name, Parser, Point, Precision};

/// The bytes of text in which the point of a row is parsed again to find a rejected key: a point's
/// limit and some comments before it.
const COLUMN_WINDOW_BYTES: usize = 5 * 1024 * 1024;

/// The text of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyText<'a> {
    pub(super) bytes: &'a [u8],
    /// The unit of its timestamps.
    pub(super) precision: Precision,
}

/// The reports on rows of a text that were rejected after parsing; at most `reports_max` of them.
pub(super) fn row_reports(text: BodyText<'_>, decision: &Decision, reports_max: usize) -> Reports {
    let mut rows: Vec<_> = decision.rejected.iter().collect();
    rows.sort_by_key(|row| row.origin.line);
    let kept = rows.into_iter().take(reports_max).map(|row| LineReport {
        line: row.origin.line,
        column: column_of(text, row.origin, row.conflict.key()),
        stage: Stage::Write,
        code: row.conflict.code(),
        message: row.conflict.to_string(),
    });
    let counts = decision.counts.clone();
    Reports::new(kept.collect(), counts, decision.superseded_drops)
}

/// The column of a tag key or a field key in the line of a row; 1 without a key.
fn column_of(text: BodyText<'_>, origin: Origin, key: Option<LineKey<'_>>) -> u32 {
    let Some(key) = key else { return 1 };
    let BodyText { bytes, precision } = text;
    let end = origin
        .offset
        .saturating_add(COLUMN_WINDOW_BYTES)
        .min(bytes.len());
    let window = bytes.get(origin.offset..end);
    let window = window.certain("a row comes from a line of this text");
    let mut point = Point::default();
    let parsed = Parser::lone_point(window, precision).next_point(&mut point);
    if !matches!(parsed, Some(Ok(()))) {
        return 0;
    }
    let mut tags = point.tags.iter().map(|tag| (tag.key, tag.column));
    let mut fields = point.fields.iter().map(|field| (field.key, field.column));
    let named = |candidate: &(Name<'_>, u32)| candidate.0.decode() == key.name;
    let found = if key.is_tag {
        tags.find(named)
    } else {
        fields.find(named)
    };
    found.map_or(0, |(_, column)| column)
}
