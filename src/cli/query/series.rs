//! Series as the `influx` shell of InfluxDB 1.x shows them: name, tags, heads above dashes, rows.
//!
//! ```text
//! name: room
//! tags: floor=1
//! time                 mean
//! ----                 ----
//! 2023-11-14T22:13:20Z 20.5
//! ```
//!
//! What a chunk of the answer brings is as wide as its own values, so that what is held does not grow
//! with the answer. Where there is no value there is nothing.

use serde_json::Value;

use super::cells::short;
use super::documents::{Document, Series};
use super::parts::Shown;
use crate::cli::terminal::{visible, width};
use crate::narrow;

/// Tables of the series of an answer, one after the other.
#[derive(Debug, Default)]
pub(super) struct Tables {
    rows_max: Option<u64>,
    shown: Shown,
    has_begun: bool,
}

impl Tables {
    /// Tables of at most this many rows in all.
    pub(super) fn new(rows_max: Option<u64>) -> Self {
        Self {
            rows_max,
            ..Self::default()
        }
    }

    /// Takes the series of a document; their tables.
    pub(super) fn add(&mut self, document: Document) -> String {
        let mut text = String::new();
        let outcomes = document.results.into_iter();
        for mut series in outcomes.flat_map(|outcome| outcome.series) {
            if self.shown.is_cut {
                break;
            }
            self.cut(&mut series);
            if std::mem::replace(&mut self.has_begun, true) {
                text.push('\n');
            }
            text.push_str(&table(&series));
        }
        text
    }

    /// The rows so far.
    pub(super) fn shown(&self) -> Shown {
        self.shown
    }

    fn cut(&mut self, series: &mut Series) {
        let rows = narrow::to_u64(series.values.len());
        let left = self.rows_max.map(|max| max.saturating_sub(self.shown.rows));
        let shown = left.map_or(rows, |left| rows.min(left));
        self.shown.is_cut = shown < rows;
        self.shown.rows += shown;
        series.values.truncate(narrow::to_usize(shown));
    }
}

fn table(series: &Series) -> String {
    let mut text = String::new();
    if !series.name.is_empty() {
        text.push_str(&format!("name: {}\n", visible(&series.name)));
    }
    if !series.tags.is_empty() {
        let tags = series.tags.iter().map(|(key, value)| {
            let (key, value) = (visible(key), visible(value));
            format!("{key}={value}")
        });
        let tags: Vec<String> = tags.collect();
        text.push_str(&format!("tags: {}\n", tags.join(", ")));
    }
    let heads: Vec<String> = series.columns.iter().map(|name| visible(name)).collect();
    let dashes = heads.iter().map(|head| "-".repeat(width(head))).collect();
    let mut lines = vec![heads, dashes];
    let cell = |value| visible(&short(shown(value)));
    lines.extend(
        series
            .values
            .iter()
            .map(|row| row.iter().map(cell).collect()),
    );
    text.push_str(&aligned(&lines));
    text
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Lines whose cells stand below each other; the last one of a line is as wide as it is.
fn aligned(lines: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for line in lines {
        widths.resize(widths.len().max(line.len()), 0);
        for (known, cell) in widths.iter_mut().zip(line) {
            *known = (*known).max(width(cell));
        }
    }
    let mut text = String::new();
    for line in lines {
        let mut whole = String::new();
        for (cell, wide) in line.iter().zip(&widths) {
            let blanks = wide.saturating_sub(width(cell)) + 1;
            whole.push_str(cell);
            whole.push_str(&" ".repeat(blanks));
        }
        text.push_str(whole.trim_end_matches(' '));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(body: Value) -> Document {
        serde_json::from_value(body).expect("a document")
    }

    /// The text is that of the shell of 1.6.7, but for blanks at the ends of lines.
    #[test]
    fn series_are_shown_as_the_shell_of_1x_shows_them() {
        let body = json!({"results": [{"statement_id": 0, "series": [
            {"name": "m", "tags": {"host": "a", "dc": ""}, "columns": ["time", "mean", "count"],
             "values": [["2023-11-14T22:13:20Z", 1.5, 1], ["2023-11-14T22:13:30Z", null, 0]]},
            {"name": "m", "tags": {"host": "b"}, "columns": ["time", "mean"],
             "values": [["2023-11-14T22:13:30.5Z", null]]},
            {"columns": ["key"], "values": [["m,host=a"]]},
        ]}]});
        let text = Tables::new(None).add(document(body));
        let expected = "\
name: m
tags: dc=, host=a
time                 mean count
----                 ---- -----
2023-11-14T22:13:20Z 1.5  1
2023-11-14T22:13:30Z      0

name: m
tags: host=b
time                   mean
----                   ----
2023-11-14T22:13:30.5Z

key
---
m,host=a
";
        assert_eq!(text, expected);
    }

    #[test]
    fn rows_are_cut_where_they_have_to_be_and_texts_are_harmless() {
        let body = || {
            document(json!({"results": [{"series": [
            {"name": "\u{1b}[2J", "columns": ["s"], "values": [["温"], ["\n"], [true]]}]}]}))
        };
        for (max, rows, is_cut) in [(None, 3, false), (Some(3), 3, false), (Some(2), 2, true)] {
            let mut tables = Tables::new(max);
            let text = tables.add(body());
            assert_eq!(tables.shown(), Shown { rows, is_cut }, "{max:?}");
            assert!(
                !text.contains('\u{1b}')
                    && text.lines().count() == 3 + usize::try_from(rows).expect("few")
            );
            assert_eq!(tables.add(body()).is_empty(), is_cut);
        }
    }

    #[test]
    fn the_first_failure_of_a_document_is_found() {
        for (body, error) in [
            (json!({"results": [{"statement_id": 0}]}), None),
            (
                json!({"results": [{"series": []}, {"error": "a"}, {"error": "b"}]}),
                Some("a"),
            ),
            (json!({"error": "c"}), Some("c")),
        ] {
            assert_eq!(document(body).error(), error);
        }
    }
}
