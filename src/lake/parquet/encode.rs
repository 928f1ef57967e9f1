//! Files from a flush, and from rows that are sorted already.

use std::ops::Range;
use std::sync::Arc;

use super::EncodeError;
use super::chunk::ChunkEncoder;
use super::file::{Encoded, assemble};
use super::layout::Layout;
use super::row_group::{self, BYTES_MAX, ROWS_MAX, RowGroup};
use super::sorted::Sorted;
use crate::columnar::Segment;

/// Encodes the rows of a flush: a file for each day (since 1970-01-01, in UTC), ascending.
///
/// All files are made together, column by column, so that every column is gathered once.
pub fn encode_days(sorted: &Sorted, layout: &Layout) -> Result<Vec<(i32, Encoded)>, EncodeError> {
    let mut encoder = ChunkEncoder::new()?;
    let rows_max = rows_of_group(sorted);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut counts = Vec::new();
    for (_, rows) in &sorted.days {
        let before = ranges.len();
        let starts = rows.clone().step_by(rows_max);
        ranges.extend(starts.map(|start| start..rows.end.min(start + rows_max)));
        counts.push(ranges.len() - before);
    }
    let mut groups = row_group::encode(sorted, layout, &ranges, &mut encoder)?;
    let mut files = Vec::with_capacity(counts.len());
    for ((day, _), count) in sorted.days.iter().zip(counts) {
        let later = groups.split_off(count);
        files.push((*day, assemble(layout, &groups, &mut encoder)?));
        groups = later;
    }
    Ok(files)
}

/// Rows of a row group: fewer where rows are long.
fn rows_of_group(sorted: &Sorted) -> usize {
    let bytes: u64 = sorted
        .segments
        .iter()
        .map(|segment| segment.heap_bytes())
        .sum();
    let bytes_a_row = bytes / (sorted.rows() as u64).max(1);
    let rows = BYTES_MAX / bytes_a_row.max(1);
    usize::try_from(rows).unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX)
}

/// Makes one file of segments that are sorted and merged already, one behind the other: what a
/// compaction writes. Holds the rows of one row group, and the encoded ones before it.
pub struct FileWriter<'l> {
    layout: &'l Layout,
    encoder: ChunkEncoder,
    groups: Vec<RowGroup>,
    waiting: Vec<Arc<Segment>>,
    waiting_rows: usize,
    waiting_bytes: u64,
}

impl<'l> FileWriter<'l> {
    /// Starts a file of a table with this layout.
    pub fn new(layout: &'l Layout) -> Result<Self, EncodeError> {
        Ok(Self {
            layout,
            encoder: ChunkEncoder::new()?,
            groups: Vec::new(),
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
        })
    }

    /// Adds rows, all of one day, that come behind those before.
    pub fn push(&mut self, segment: Arc<Segment>) -> Result<(), EncodeError> {
        self.waiting_rows += segment.rows();
        self.waiting_bytes += segment.heap_bytes();
        self.waiting.push(segment);
        if self.waiting_rows >= ROWS_MAX || self.waiting_bytes >= BYTES_MAX {
            self.end_group()?;
        }
        Ok(())
    }

    /// Bytes of the file so far, without the rows of the row group that is not full yet.
    pub fn encoded_bytes(&self) -> u64 {
        self.groups.iter().map(RowGroup::bytes).sum()
    }

    /// The file; nothing if there were no rows.
    pub fn finish(mut self) -> Result<Option<Encoded>, EncodeError> {
        self.end_group()?;
        if self.groups.is_empty() {
            return Ok(None);
        }
        assemble(self.layout, &self.groups, &mut self.encoder).map(Some)
    }

    fn end_group(&mut self) -> Result<(), EncodeError> {
        let rows = std::mem::take(&mut self.waiting_rows);
        self.waiting_bytes = 0;
        let sorted = Sorted::in_order(std::mem::take(&mut self.waiting));
        if rows > 0 {
            let all = 0..rows;
            let all = std::slice::from_ref(&all);
            let encoded = row_group::encode(&sorted, self.layout, all, &mut self.encoder)?;
            self.groups.extend(encoded);
        }
        Ok(())
    }
}
