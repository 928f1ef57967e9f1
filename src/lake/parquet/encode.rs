//! Encoding files, of a flush or of rows that are sorted already.
//!
//! Encoded rows are held as column chunks until they become a file. A chunk costs some hundred bytes,
//! however few values it has. So the number of days that are encoded at once is limited by the number
//! of their chunks: ten thousand days of a thousand columns are encoded some days at a time.

use std::ops::Range;
use std::sync::Arc;

use super::EncodeError;
use super::chunk::ChunkEncoder;
use super::file::{Encoded, assemble};
use super::keys::KeyRange;
use super::layout::Layout;
use super::row_group::{self, BYTES_MAX, ROWS_MAX, RowGroup};
use crate::columnar::Segment;
use crate::merge::at_once::Sorted;
use crate::narrow;

/// The largest number of column chunks that are held at once, unless a single day has more.
const CHUNKS_MAX: usize = 8192;

/// Encodes the rows of a flush: a file per day (since 1970-01-01, in UTC), ascending.
pub fn encode_days(sorted: &Sorted, layout: &Layout) -> Result<Vec<(i32, Encoded)>, EncodeError> {
    let mut encoder = ChunkEncoder::new()?;
    let mut files = Vec::with_capacity(sorted.days().len());
    while let Some(more) = some_days(sorted, layout, files.len(), &mut encoder)? {
        files.extend(more);
    }
    Ok(files)
}

/// The files of a flush as [`encode_days`] makes them, some days at a time.
pub struct DayFiles {
    sorted: Sorted,
    layout: Layout,
    encoder: ChunkEncoder,
    /// The number of days that are done.
    done: usize,
}

impl DayFiles {
    /// Starts encoding the rows for a table with this layout.
    pub fn new(sorted: Sorted, layout: Layout) -> Result<Self, EncodeError> {
        Ok(Self {
            sorted,
            layout,
            encoder: ChunkEncoder::new()?,
            done: 0,
        })
    }

    /// Returns the files of the next days; nothing after the last.
    pub fn next_days(&mut self) -> Result<Option<Vec<(i32, Encoded)>>, EncodeError> {
        let files = some_days(&self.sorted, &self.layout, self.done, &mut self.encoder)?;
        self.done += files.as_ref().map_or(0, Vec::len);
        Ok(files)
    }
}

/// Makes the files of as many days, from number `first` on, as may be made at once: column by column,
/// so that every column is gathered once for all of them.
fn some_days(
    sorted: &Sorted,
    layout: &Layout,
    first: usize,
    encoder: &mut ChunkEncoder,
) -> Result<Option<Vec<(i32, Encoded)>>, EncodeError> {
    let rows_max = rows_of_group(sorted);
    let columns = sorted.columns_max().min(layout.columns().len()) + 2;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut days = Vec::new();
    for (day, rows) in sorted.days().skip(first) {
        let count = rows.len().div_ceil(rows_max);
        if !days.is_empty() && (ranges.len() + count) * columns > CHUNKS_MAX {
            break;
        }
        let starts = rows.clone().step_by(rows_max);
        ranges.extend(starts.map(|start| start..rows.end.min(start + rows_max)));
        let keys = KeyRange::of_rows(sorted, rows).ok_or(EncodeError::NoRows)?;
        days.push((day, count, keys));
    }
    if days.is_empty() {
        return Ok(None);
    }
    let groups = row_group::encode(sorted, layout, &ranges, encoder)?;
    let mut groups = groups.into_iter();
    let files = days.into_iter().map(|(day, count, keys)| {
        let groups = groups.by_ref().take(count).collect();
        Ok((day, assemble(layout, groups, keys, encoder)?))
    });
    files.collect::<Result<_, _>>().map(Some)
}

/// The rows of a row group: fewer if rows are long.
fn rows_of_group(sorted: &Sorted) -> usize {
    let segments = sorted.segments().iter();
    let bytes: u64 = segments.map(|segment| segment.heap_bytes()).sum();
    let bytes_a_row = bytes / (sorted.rows() as u64).max(1);
    let rows = BYTES_MAX / bytes_a_row.max(1);
    narrow::to_usize(rows).clamp(1, ROWS_MAX)
}

/// A writer of one file of segments that are sorted and merged already and follow one another, for
/// compactions. Holds the rows of one row group, and the encoded row groups before it.
pub struct FileWriter<'l> {
    layout: &'l Layout,
    group_bytes_max: u64,
    encoder: ChunkEncoder,
    groups: Vec<RowGroup>,
    /// The range of the rows in the groups.
    keys: Option<KeyRange>,
    waiting: Vec<Arc<Segment>>,
    waiting_rows: usize,
    waiting_bytes: u64,
}

impl<'l> FileWriter<'l> {
    /// Starts a file of a table with this layout. A row group is full once its columns have this many
    /// bytes in memory, or the largest number of rows.
    pub fn new(layout: &'l Layout, group_bytes_max: u64) -> Result<Self, EncodeError> {
        Ok(Self {
            layout,
            group_bytes_max: group_bytes_max.clamp(1, BYTES_MAX),
            encoder: ChunkEncoder::new()?,
            groups: Vec::new(),
            keys: None,
            waiting: Vec::new(),
            waiting_rows: 0,
            waiting_bytes: 0,
        })
    }

    /// Adds rows, all of one day, that follow the earlier ones.
    pub fn push(&mut self, segment: Arc<Segment>) -> Result<(), EncodeError> {
        self.waiting_rows += segment.rows();
        self.waiting_bytes += segment.heap_bytes();
        self.waiting.push(segment);
        if self.waiting_rows >= ROWS_MAX || self.waiting_bytes >= self.group_bytes_max {
            self.end_group()?;
        }
        Ok(())
    }

    /// The bytes of the file so far, without the row group that is not full yet.
    pub fn encoded_bytes(&self) -> u64 {
        self.groups.iter().map(RowGroup::bytes).sum()
    }

    /// Finishes the file; nothing if there were no rows.
    pub fn finish(mut self) -> Result<Option<Encoded>, EncodeError> {
        self.end_group()?;
        let Some(keys) = self.keys else {
            return Ok(None);
        };
        let groups = std::mem::take(&mut self.groups);
        assemble(self.layout, groups, keys, &mut self.encoder).map(Some)
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
            let keys = KeyRange::of_rows(&sorted, 0..rows).ok_or(EncodeError::NoRows)?;
            self.keys = Some(match &self.keys {
                Some(before) => before.around(&keys),
                None => keys,
            });
        }
        Ok(())
    }
}
