//! Merging the rows of several segments by series and time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::columnar::Segment;
use crate::merge::Ranks;

/// Times that are asked for, nanoseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first time.
    pub start_ns: i64,
    /// The first time behind it.
    pub end_ns: Option<i64>,
}

impl TimeRange {
    /// Whether a time is asked for.
    pub fn contains(&self, time_ns: i64) -> bool {
        time_ns >= self.start_ns && self.end_ns.is_none_or(|end_ns| time_ns < end_ns)
    }
}

/// A row of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) segment: usize,
    pub(super) row: u32,
}

/// A row of the result: the rows it is merged from, oldest first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MergedRow {
    pub(super) rank: u32,
    pub(super) time_ns: i64,
    pub(super) sources: Vec<Source>,
}

/// The rows of a segment that are asked for, sorted by rank and time; equal ones stay in the
/// order in which they were written.
struct Sorted {
    rows: Vec<u32>,
    next: usize,
}

/// Yields merged rows in order.
pub(super) struct Merge {
    segments: Vec<Arc<Segment>>,
    ranks: Arc<Ranks>,
    sorted: Vec<Sorted>,
    /// The next row of each segment that has one: (rank, time, segment).
    heads: BinaryHeap<Reverse<(u32, i64, usize)>>,
}

impl Merge {
    pub(super) fn new(segments: &[Arc<Segment>], ranks: Arc<Ranks>, range: TimeRange) -> Self {
        let sorted = (0..).zip(segments).map(|(index, segment)| {
            let rows = sort_rows(segment, ranks.of_segment(index), range);
            Sorted { rows, next: 0 }
        });
        let sorted = sorted.collect();
        let mut merge = Self {
            segments: segments.to_vec(),
            ranks,
            sorted,
            heads: BinaryHeap::new(),
        };
        for segment in 0..segments.len() {
            merge.push_head(segment);
        }
        merge
    }

    /// Fills `row` with the next merged row; false at the end.
    pub(super) fn next(&mut self, row: &mut MergedRow) -> bool {
        row.sources.clear();
        let Some(Reverse((rank, time_ns, _))) = self.heads.peek().copied() else {
            return false;
        };
        (row.rank, row.time_ns) = (rank, time_ns);
        // The heap gives equal heads by segment, which is the order of writing.
        while let Some(Reverse((head_rank, head_time, segment))) = self.heads.peek().copied() {
            if (head_rank, head_time) != (rank, time_ns) {
                break;
            }
            self.heads.pop();
            if let Some(source) = self.take(segment) {
                row.sources.push(source);
            }
            self.push_head(segment);
        }
        true
    }

    fn take(&mut self, segment: usize) -> Option<Source> {
        let sorted = self.sorted.get_mut(segment)?;
        let row = sorted.rows.get(sorted.next).copied()?;
        sorted.next += 1;
        Some(Source { segment, row })
    }

    fn push_head(&mut self, index: usize) {
        let Some((segment, sorted)) = self.segments.get(index).zip(self.sorted.get(index)) else {
            return;
        };
        let Some(row) = sorted.rows.get(sorted.next) else {
            return;
        };
        let (rank, time_ns) = key(segment, self.ranks.of_segment(index), *row);
        self.heads.push(Reverse((rank, time_ns, index)));
    }
}

fn sort_rows(segment: &Segment, ranks: &[u32], range: TimeRange) -> Vec<u32> {
    let rows = (0_u32..).zip(segment.times());
    let mut rows: Vec<u32> = rows
        .filter(|(_, time_ns)| range.contains(**time_ns))
        .map(|(row, _)| row)
        .collect();
    rows.sort_unstable_by_key(|row| (key(segment, ranks, *row), *row));
    rows
}

fn key(segment: &Segment, ranks: &[u32], row: u32) -> (u32, i64) {
    let series = segment
        .series_of_rows()
        .get(row as usize)
        .copied()
        .unwrap_or(0);
    let rank = ranks.get(series as usize).copied().unwrap_or(u32::MAX);
    (
        rank,
        segment.times().get(row as usize).copied().unwrap_or(0),
    )
}
