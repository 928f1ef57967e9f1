//! A table of an answer, however long that is: in parts of a thousand rows, each below its heads and
//! as wide as its own values, so that what is held does not grow with the answer. On a terminal, the
//! first part is all, unless more is asked for.

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, Schema};

use super::cells::{cells, heads};
use crate::cli::table::{self, Head};
use crate::narrow;

/// The most rows of a part.
const ROWS_MAX: usize = 1000;

/// About the most bytes of a part's cells.
const BYTES_MAX: usize = 1 << 20;

/// The amount that was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// The number of rows.
    pub(super) rows: u64,
    /// True if there are more.
    pub(super) is_cut: bool,
}

/// A table that is made part by part.
#[derive(Debug)]
pub(super) struct Parts {
    heads: Vec<Head>,
    /// The width of the terminal, if there is one.
    columns: Option<usize>,
    rows_max: Option<u64>,
    held: Vec<Vec<String>>,
    held_bytes: usize,
    shown: Shown,
    has_begun: bool,
}

impl Parts {
    /// A table with these columns, of at most this many rows.
    pub(super) fn new(schema: &Schema, columns: Option<usize>, rows_max: Option<u64>) -> Self {
        Self {
            heads: heads(schema),
            columns,
            rows_max,
            held: Vec::new(),
            held_bytes: 0,
            shown: Shown::default(),
            has_begun: false,
        }
    }

    /// Takes rows; the parts that are whole now.
    pub(super) fn add(&mut self, rows: &RecordBatch) -> Result<String, ArrowError> {
        let mut text = String::new();
        for row in cells(rows)? {
            if self.rows_max.is_some_and(|max| self.shown.rows >= max) {
                self.shown.is_cut = true;
                break;
            }
            self.shown.rows += 1;
            self.held_bytes += row.iter().map(String::len).sum::<usize>();
            self.held.push(row);
            if self.held.len() >= ROWS_MAX || self.held_bytes >= BYTES_MAX {
                text.push_str(&self.part());
            }
        }
        Ok(text)
    }

    /// The last part. Heads without rows are a table, too.
    pub(super) fn end(&mut self) -> String {
        match self.held.is_empty() && self.has_begun {
            true => String::new(),
            false => self.part(),
        }
    }

    /// The rows so far, those that are held among them.
    pub(super) fn shown(&self) -> Shown {
        self.shown
    }

    fn part(&mut self) -> String {
        let above = match std::mem::replace(&mut self.has_begun, true) {
            true => "\n",
            false => "",
        };
        let rows = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let text = table::render(&self.heads, &rows, self.columns);
        match text.is_empty() {
            true => String::new(),
            false => format!("{above}{text}\n"),
        }
    }
}

impl Shown {
    /// A sentence for people: `3 rows`.
    pub(super) fn words(self) -> String {
        let rows = match self.rows {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        };
        match self.is_cut {
            true => format!("the first {rows}"),
            false => rows,
        }
    }

    /// How to see the others, if there are more.
    pub(super) fn more(self, is_at_prompt: bool) -> Option<String> {
        let flags = || {
            format!(
                "--rows {} shows more, --rows 0 all; or use LIMIT, or --format csv",
                narrow::capped_u64(u128::from(self.rows) * 10)
            )
        };
        self.is_cut.then(|| match is_at_prompt {
            true => "LIMIT and OFFSET in the statement choose others".to_owned(),
            false => flags(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    fn numbers(count: i64) -> RecordBatch {
        let numbers = Int64Array::from_iter_values(0..count);
        RecordBatch::try_from_iter([("n", Arc::new(numbers) as ArrayRef)]).expect("a column")
    }

    fn text(batches: &[RecordBatch], rows_max: Option<u64>) -> (String, Shown) {
        let mut parts = Parts::new(&batches[0].schema(), Some(80), rows_max);
        let texts = batches.iter().map(|rows| parts.add(rows).expect("shown"));
        let mut text: String = texts.collect();
        text.push_str(&parts.end());
        (text, parts.shown())
    }

    #[test]
    fn a_long_table_comes_in_parts_below_their_heads() {
        let (text, shown) = text(&[numbers(1500), numbers(1000)], None);
        assert_eq!((shown.rows, shown.is_cut), (2500, false));
        let heads = text.lines().filter(|line| line.trim() == "n").count();
        assert_eq!((heads, text.lines().count()), (3, 2500 + 3 + 2));
        assert!(text.contains("\n999\n\n   n\n1000\n"), "{text}");
    }

    #[test]
    fn a_table_is_cut_where_it_has_to_be_and_says_so() {
        for (max, is_cut) in [(3, true), (5, false), (6, false)] {
            let (text, shown) = text(&[numbers(3), numbers(2)], Some(max));
            assert_eq!((shown.rows, shown.is_cut), (max.min(5), is_cut), "{max}");
            assert_eq!(
                text.lines().count(),
                1 + usize::try_from(max.min(5)).expect("few")
            );
            assert_eq!(shown.words().contains("the first"), is_cut);
            let more = |is_at_prompt| shown.more(is_at_prompt).unwrap_or_default();
            assert_eq!(more(false).contains("--rows 30"), is_cut);
            assert_eq!(
                (more(true).contains("--"), more(true).is_empty()),
                (false, !is_cut)
            );
        }
        assert_eq!(text(&[numbers(1)], None).1.words(), "1 row");
    }

    #[test]
    fn heads_without_rows_are_a_table_too() {
        assert_eq!(
            text(&[numbers(0)], Some(1000)),
            ("n\n".to_owned(), Shown::default())
        );
    }

    #[test]
    fn large_values_make_smaller_parts() {
        let long = "x".repeat(1000);
        let values = StringArray::from_iter_values((0..3000).map(|_| &long));
        let rows = RecordBatch::try_from_iter([("s", Arc::new(values) as ArrayRef)]);
        let rows = rows.expect("a column");
        let mut parts = Parts::new(&rows.schema(), None, None);
        for start in (0..3000).step_by(10) {
            parts.add(&rows.slice(start, 10)).expect("shown");
            assert!(parts.held_bytes < BYTES_MAX);
        }
        assert_eq!(parts.shown().rows, 3000);
    }
}
