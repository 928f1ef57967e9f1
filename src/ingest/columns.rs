//! The columns that a body is parsed into, without the rest of the write path: what benches measure and
//! tests of instruction counts count.

use std::sync::Arc;

use super::options::Options;
use super::parse::Slicer;
use super::report::REPORTS_MAX;
use super::rules::LineRules;
use crate::certain::Certain;
use crate::columnar::Batch;
use crate::line_protocol::{Parser, Precision};
use crate::memory::{Budget, Marks};

/// A body as columns.
#[derive(Debug, Default)]
pub struct Columns {
    /// The rows, one batch per slice and measurement, in the order of the lines.
    pub batches: Vec<Batch>,
    /// The number of lines that were rejected for themselves. What a schema rejects is not known here.
    pub rejected: u64,
}

/// Parses a body as a write does, slice by slice, up to the columns that the schema has not decided
/// about yet. Lines without a timestamp get time 0.
pub fn columns(body: &[u8], precision: Precision, options: &Options) -> Columns {
    let budget = Budget::new(Marks {
        budget_bytes: u64::MAX,
        soft_bytes: u64::MAX,
        hard_bytes: u64::MAX,
    });
    let mut slicer = Slicer {
        parser: Parser::new(body, precision),
        bytes: body,
        rules: LineRules {
            limits: options.limits,
            oldest_ns: None,
            default_ns: 0,
        },
        reports_max: REPORTS_MAX,
    };
    let mut columns = Columns::default();
    while slicer.parser.offset() < body.len() {
        let slice = slicer.parse(options.slice_bytes_max, budget.empty());
        let slice = slice.certain("memory is not limited here");
        columns.rejected += slice.reports.counts().rejected();
        let tables = slice.part.into_iter();
        let batches = tables.map(|table| {
            let table = Arc::into_inner(table);
            table.certain("nobody else has it yet").batch
        });
        columns.batches.extend(batches);
    }
    columns
}
