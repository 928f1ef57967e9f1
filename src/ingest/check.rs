//! A check of a body without writing it: the rules of a server with an empty bucket, applied by the
//! code that the server runs.
//!
//! ```text
//! text ─ parse ─ scratch columns ─ resolve against the columns of earlier slices ─ reports
//! ```
//!
//! A body is checked slice by slice, as it would be written: each slice is checked against the
//! columns and series of the slices before it. So a check takes the memory of one slice and of all
//! names, however long the body is.
//!
//! This module knows no log, no buffer and no files. It differs from a server as follows: a string
//! that is not closed within [`LOOK_AHEAD_BYTES_MAX`] counts as never closed, and memory, the
//! size of a body and retention are not checked.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use super::in_flight::SeriesInFlight;
use super::options::Options;
use super::parse::{Slice, Slicer};
use super::report::LineReport;
use super::resolve::{Constraints, Decider, SeriesInMemory, admit, takes_any};
use super::row_reports::{BodyText, row_reports};
use super::rules::LineRules;
use crate::buffer::SeriesSet;
use crate::catalog::Bucket;
use crate::catalog::schema::Schemas;
use crate::certain::Certain;
use crate::columnar::Batch;
use crate::id::{BucketId, Sequence};
use crate::line_protocol::{Behind, Oddities, Parser, Precision};
use crate::memory::{Budget, Exhausted, Marks};
use crate::narrow;

/// The amount of text that is held at most to find the end of a string or of a line, in bytes.
pub const LOOK_AHEAD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A body being checked.
#[derive(Debug)]
pub struct Check {
    options: Options,
    precision: Precision,
    received_ns: i64,
    /// The bucket as the body so far would have left it.
    bucket: Bucket,
    /// True once a line has been stored: then the bucket would exist.
    exists: bool,
    schemas: Schemas,
    series: SeenSeries,
    /// The next physical line.
    line: u32,
    budget: Budget,
}

/// The result for one slice of a body.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The number of bytes of the text that were checked.
    pub bytes: usize,
    /// The physical line with which they start.
    pub first_line: u32,
    /// The number of lines that a server would store.
    pub accepted: u64,
    /// The number of lines that it would reject.
    pub rejected: u64,
    /// Every rejected line and every dropped field, in line order.
    pub reports: Vec<LineReport>,
    /// Lines that a server would take as written, but that are probably not meant that way.
    pub oddities: Oddities,
}

/// The reason why a body cannot be checked further.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A line that is too long to hold. No server would take it either.
    #[error(
        "line {line} has more than {LOOK_AHEAD_BYTES_MAX} bytes: this is no line protocol, and what follows is not checked"
    )]
    LineTooLong {
        /// 1-based, physical.
        line: u32,
    },
    /// Never: memory is not limited here.
    #[error("memory is short: {0}")]
    Memory(#[from] Exhausted),
}

impl Check {
    /// A check with a server's options. Lines without a timestamp get `received_ns`, nanoseconds
    /// since the epoch.
    pub fn new(options: Options, precision: Precision, received_ns: i64) -> Self {
        let bucket = Bucket {
            id: BucketId(1),
            name: String::new(),
            retention_ns: None,
            created_ns: received_ns,
        };
        Self {
            options,
            precision,
            received_ns,
            bucket,
            exists: false,
            schemas: Schemas::default(),
            series: SeenSeries::default(),
            line: 1,
            budget: Budget::new(Marks {
                budget_bytes: u64::MAX,
                soft_bytes: u64::MAX,
                hard_bytes: u64::MAX,
            }),
        }
    }

    /// Checks the next slice. `text` is the text that has not been checked yet; `is_last` means that
    /// the body ends with it. Returns nothing if that much text does not suffice: then call again with
    /// more.
    pub fn slice(&mut self, text: &[u8], is_last: bool) -> Result<Option<Checked>, CheckError> {
        if text.is_empty() {
            return Ok(None);
        }
        let behind = match is_last {
            true => Behind::Nothing,
            false if text.len() < LOOK_AHEAD_BYTES_MAX => Behind::Text,
            false => Behind::TooMuchText,
        };
        let Some(bytes_max) = self.slice_bytes_max(text.len(), behind) else {
            return Ok(None);
        };
        if behind == Behind::Text && text.len() <= bytes_max {
            return Ok(None);
        }
        let mut slicer = Slicer {
            parser: Parser::piece(text, self.precision, self.line, behind),
            bytes: text,
            rules: self.rules(),
            reports_max: usize::MAX,
        };
        let slice = slicer.parse(bytes_max, self.budget.empty())?;
        let bytes = slicer.parser.offset();
        let done = text
            .get(..bytes)
            .certain("the parser stays within the text");
        match behind {
            Behind::Text if bytes < bytes_max => return Ok(None),
            Behind::TooMuchText if !done.ends_with(b"\n") => {
                return Err(CheckError::LineTooLong { line: self.line });
            }
            _ => {}
        }
        let oddities = slice.oddities;
        let mut checked = self.resolve(text, slice);
        checked.oddities = oddities;
        checked.bytes = bytes;
        let lines = memchr::memchr_iter(b'\n', done).count();
        let lines = narrow::capped_u32(narrow::to_u64(lines));
        self.line = self.line.saturating_add(lines);
        Ok(Some(checked))
    }

    /// The size of the next slice: a small body is one slice. Nothing if it is not known yet whether
    /// the body is small.
    fn slice_bytes_max(&self, text_bytes: usize, behind: Behind) -> Option<usize> {
        let may_be_small = self.line == 1 && text_bytes <= self.options.inline_bytes_max;
        match behind {
            _ if !may_be_small => Some(self.options.slice_bytes_max),
            Behind::Nothing => Some(usize::MAX),
            Behind::Text | Behind::TooMuchText => None,
        }
    }

    fn text<'a>(&self, bytes: &'a [u8]) -> BodyText<'a> {
        BodyText {
            bytes,
            precision: self.precision,
        }
    }

    fn rules(&self) -> LineRules {
        LineRules {
            limits: self.options.limits,
            oldest_ns: None,
            default_ns: self.precision.truncate(self.received_ns),
        }
    }

    /// Does what `write` does with a slice, without the log.
    fn resolve(&mut self, text: &[u8], slice: Slice) -> Checked {
        let Slice {
            part, mut reports, ..
        } = slice;
        let limits = self.options.limits;
        self.exists |= takes_any(&part, &limits);
        let constraints = Constraints {
            limits: &limits,
            budget: &self.budget,
            series: &self.series,
            reports_max: usize::MAX,
        };
        let nothing = Arc::<SeriesInFlight>::default();
        // Without a bucket there are no series either, and no limit that they could pass.
        let admitted = admit(constraints, &nothing, self.bucket.id, vec![part]);
        let admitted = admitted.certain("nothing is on its way");
        let mut decider = Decider::new(constraints, admitted);
        let ground = self.schemas.ground(self.bucket.id, decider.measurements());
        decider.decide(ground, Sequence::default());
        let (decision, parts) = (decider.decision(), decider.kept());
        reports.sort_in(row_reports(self.text(text), &decision, usize::MAX));
        for table in parts.iter().flatten() {
            self.store(&table.batch);
        }
        self.schemas.settle(Sequence(0));
        Checked {
            bytes: 0,
            first_line: self.line,
            accepted: decision.accepted,
            rejected: reports.counts().rejected(),
            reports: reports.finish().0,
            oddities: Oddities::default(),
        }
    }

    fn store(&mut self, batch: &Batch) {
        let table = self.bucket.table(batch.measurement());
        let extended = self.schemas.extend(&table, batch.columns(), Sequence(0));
        extended.certain("it fits: that is what was decided");
        self.series.add(batch);
    }
}

/// The series of the lines so far, by measurement.
#[derive(Debug, Default)]
struct SeenSeries {
    tables: HashMap<Box<str>, SeriesSet>,
}

impl SeenSeries {
    fn add(&mut self, batch: &Batch) {
        let table = self.tables.entry(batch.measurement().into()).or_default();
        table.insert_of(batch, 0..narrow::id(batch.series_count()));
    }
}

impl SeriesInMemory for SeenSeries {
    fn series_count(&self, _: BucketId) -> u64 {
        let counts = self.tables.values().map(SeriesSet::len);
        narrow::to_u64(counts.sum::<usize>())
    }

    fn contains_series(&self, _: BucketId, measurement: &str, tags: &[(&str, &str)]) -> bool {
        let table = self.tables.get(measurement);
        table.is_some_and(|table| table.contains(tags))
    }
}
