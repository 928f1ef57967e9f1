//! A segment in memory, sorted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::cells::CellIndex;
use crate::certain::Certain;
use crate::columnar::Segment;
use crate::merge::day::{TimeRange, day_of};
use crate::merge::order::series_ranks;
use crate::merge::wanted::{Kept, Wanted};

/// The memory that a day takes in the lists of days, in bytes.
const DAY_BYTES: usize = 64;

/// The reason why there is a rank.
const RANKED: &str = "every series of a segment has a rank";

/// The reason why there is a place for a row.
const COUNTED: &str = "each row was counted";

/// A segment and the order of its rows: by day, series, time, and of equal ones by arrival. Sorted
/// once, it serves a merge of each day.
#[derive(Debug)]
pub struct SortedSegment {
    segment: Arc<Segment>,
    cells: Arc<CellIndex>,
    /// By series id.
    ranks: Arc<[u32]>,
    rows: Vec<u32>,
    /// Each day with the end of its rows, ascending; they start where those of the day before end.
    days: Vec<(i32, usize)>,
    /// The first and the last time that a row may have; absent if there are no rows.
    between: Option<(i64, i64)>,
}

impl SortedSegment {
    /// Sorts the rows of `segment` that are asked for: a range of times, or more. Of equal points it has all or
    /// none.
    pub fn new(segment: Arc<Segment>, wanted: impl Into<Wanted>) -> Self {
        let wanted = wanted.into();
        let kept = wanted.of(&segment);
        let newest = wanted.newest_of(&segment, &kept);
        let ranks = series_ranks(&segment, &kept);
        let times = Times::of(&segment);
        let between = times.as_ref().and_then(|times| times.within(wanted.range));
        let mut rows = match (&times, between) {
            (Some(times), Some(_)) => by_series(&segment, &ranks, (&kept, newest), times),
            _ => Vec::new(),
        };
        let days = match between.map(|(first, last)| (day_of(first), day_of(last))) {
            Some((day, last)) if day == last && !rows.is_empty() => vec![(day, rows.len())],
            _ => by_day(&segment, &mut rows),
        };
        Self {
            cells: Arc::new(CellIndex::new(&segment)),
            ranks: ranks.into(),
            rows,
            days,
            between,
            segment,
        }
    }

    /// The maximum bytes on the heap that [`SortedSegment::new`] takes while it works, besides the
    /// segment.
    pub fn bytes_max(segment: &Segment) -> u64 {
        let days = Times::of(segment).map_or(0, |times| day_of(times.last) - day_of(times.first));
        let days = usize::try_from(days).certain("the last is not before the first");
        let days = days + 1;
        // The order and, if there are several days, another one; ranks, sorting, counting, and the newest times.
        let orders = if days > 1 { 2 } else { 1 };
        let numbers = orders * segment.rows() + 5 * segment.series_count();
        let bytes = numbers * size_of::<u32>() + days.min(segment.rows()) * DAY_BYTES;
        CellIndex::bytes_of(segment) + bytes as u64
    }

    /// Those of its rows that are of a day and in a range, in the same order. What is known of the
    /// segment is shared; if these are all of its rows, everything is.
    #[must_use]
    pub fn within(whole: &Arc<Self>, day: i32, range: TimeRange) -> Arc<Self> {
        let has_all = |(first, last)| range.contains(first) && range.contains(last);
        if whole.of_day(day).len() == whole.rows.len() && whole.between.is_none_or(has_all) {
            return Arc::clone(whole);
        }
        let of_day = whole.rows_at(whole.of_day(day)).iter().copied();
        let is_asked = |row: &u32| range.contains(time_of(&whole.segment, *row));
        let count = of_day.clone().filter(is_asked).count();
        if count == whole.rows.len() {
            return Arc::clone(whole);
        }
        let mut rows = Vec::with_capacity(count);
        rows.extend(of_day.filter(is_asked));
        Arc::new(Self {
            segment: Arc::clone(&whole.segment),
            cells: Arc::clone(&whole.cells),
            ranks: Arc::clone(&whole.ranks),
            days: vec![(day, rows.len())],
            between: whole.between,
            rows,
        })
    }

    /// The maximum bytes on the heap that [`SortedSegment::within`] takes for a day.
    pub fn part_bytes_max(&self, day: i32) -> u64 {
        (self.of_day(day).len() * size_of::<u32>() + DAY_BYTES) as u64
    }

    /// The bytes on the heap, besides the segment.
    pub fn heap_bytes(&self) -> u64 {
        let ranks = self.ranks.len() * size_of::<u32>();
        CellIndex::bytes_of(&self.segment) + ranks as u64 + self.order_bytes()
    }

    /// The bytes on the heap of the order alone, which [`SortedSegment::within`] makes anew.
    pub fn order_bytes(&self) -> u64 {
        let days = self.days.capacity() * size_of::<(i32, usize)>();
        (self.rows.capacity() * size_of::<u32>() + days) as u64
    }

    /// The segment.
    pub fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// The days that have rows, ascending.
    pub fn days(&self) -> impl Iterator<Item = i32> {
        self.days.iter().map(|(day, _)| *day)
    }

    /// The number of rows of a day.
    pub fn rows_of(&self, day: i32) -> usize {
        self.of_day(day).len()
    }

    /// The places of a day's rows in the order.
    pub(super) fn of_day(&self, day: i32) -> Range<usize> {
        let Ok(index) = self.days.binary_search_by_key(&day, |(day, _)| *day) else {
            return 0..0;
        };
        let end_of = |index: usize| self.days.get(index).certain("it was found there").1;
        index.checked_sub(1).map_or(0, end_of)..end_of(index)
    }

    pub(super) fn cells(&self) -> &Arc<CellIndex> {
        &self.cells
    }

    /// The row at a place of the order.
    #[inline]
    pub(super) fn row(&self, place: usize) -> u32 {
        *self.rows.get(place).certain("places come from `of_day`")
    }

    /// The rows at some places of the order.
    pub(super) fn rows_at(&self, places: Range<usize>) -> &[u32] {
        self.rows.get(places).certain("places come from `of_day`")
    }

    #[inline]
    pub(super) fn rank(&self, series: u32) -> u32 {
        *self.ranks.get(series as usize).certain(RANKED)
    }
}

/// The times of a segment.
struct Times {
    first: i64,
    last: i64,
    /// True if the rows have come in their order, as those of one writer mostly do.
    ascend: bool,
}

impl Times {
    /// None if there are no rows.
    fn of(segment: &Segment) -> Option<Self> {
        let times = segment.times();
        let ascend = times.is_sorted();
        let (first, last) = match ascend {
            true => (times.first(), times.last()),
            false => (times.iter().min(), times.iter().max()),
        };
        Some(Self {
            first: *first?,
            last: *last?,
            ascend,
        })
    }

    /// The first and the last of a range that there may be; none if there is none.
    fn within(&self, range: TimeRange) -> Option<(i64, i64)> {
        let first = self.first.max(range.start_ns);
        let last = match range.end_ns {
            Some(end_ns) => self.last.min(end_ns.checked_sub(1)?),
            None => self.last,
        };
        (first <= last).then_some((first, last))
    }
}

/// The rows that are asked for by series, time and arrival: each row goes to its series, and if they have not
/// come in the order of time, each series is sorted by itself, because its rows mostly have. With the newest
/// times of the series, those before them are left out.
fn by_series(
    segment: &Segment,
    ranks: &[u32],
    (kept, newest): (&Kept, Option<Vec<i64>>),
    times: &Times,
) -> Vec<u32> {
    let rank_of = |series: u32| *ranks.get(series as usize).certain(RANKED);
    let rows = (0_u32..).zip(segment.series_of_rows());
    let timed = rows.clone().zip(segment.times());
    let ranked = |((row, series), _): ((u32, &u32), &i64)| (row, rank_of(*series));
    let (mut rows, ends) = match newest {
        None if kept.has_all(times.first, times.last) => {
            let all = rows.map(|(row, series)| (row, rank_of(*series)));
            dealt(all, ranks.len())
        }
        None => {
            let asked = timed.filter(|((_, series), time_ns)| kept.has(**series, **time_ns));
            dealt(asked.map(ranked), ranks.len())
        }
        Some(newest) => {
            let asked = timed.filter(|((_, series), time_ns)| {
                let newest = newest.get(**series as usize).certain(RANKED);
                *time_ns >= newest && kept.has(**series, **time_ns)
            });
            dealt(asked.map(ranked), ranks.len())
        }
    };
    if times.ascend {
        return rows;
    }
    let time_of = |row: u32| time_of(segment, row);
    let mut start = 0;
    for end in ends {
        let rows = rows.get_mut(start..end as usize).certain(COUNTED);
        rows.sort_unstable_by_key(|row| (time_of(*row), *row));
        start = end as usize;
    }
    rows
}

/// Rows, each with the rank of its series, by rank, and where those of each end. Within a series they keep
/// their order.
fn dealt(ranked: impl Iterator<Item = (u32, u32)> + Clone, ranks: usize) -> (Vec<u32>, Vec<u32>) {
    const LISTED: &str = "there are no more ranks than series";
    let mut ends = vec![0_u32; ranks];
    let mut count = 0;
    for (_, rank) in ranked.clone() {
        count += 1;
        *ends.get_mut(rank as usize).certain(LISTED) += 1;
    }
    // From counts to where each series starts, which moves to where it ends.
    let mut start = 0;
    for end in &mut ends {
        start += std::mem::replace(end, start);
    }
    let mut rows = vec![0; count];
    for (row, rank) in ranked {
        let end = ends.get_mut(rank as usize).certain(LISTED);
        *rows.get_mut(*end as usize).certain(COUNTED) = row;
        *end += 1;
    }
    (rows, ends)
}

/// Sorts rows by their day; within a day they keep their order. Returns where each day's rows end.
fn by_day(segment: &Segment, rows: &mut Vec<u32>) -> Vec<(i32, usize)> {
    const CHUNK: &str = "a chunk of rows of one day is not empty, and its day was counted";
    let day_of_row = |row: u32| day_of(time_of(segment, row));
    let day_of_all = |rows: &[u32]| day_of_row(*rows.first().certain(CHUNK));
    let mut ends: BTreeMap<i32, usize> = BTreeMap::new();
    for same in rows.chunk_by(|a, b| day_of_row(*a) == day_of_row(*b)) {
        *ends.entry(day_of_all(same)).or_default() += same.len();
    }
    if ends.len() > 1 {
        let mut start = 0;
        for end in ends.values_mut() {
            start += std::mem::replace(end, start);
        }
        let mut sorted = vec![0; rows.len()];
        for same in rows.chunk_by(|a, b| day_of_row(*a) == day_of_row(*b)) {
            let end = ends.get_mut(&day_of_all(same)).certain(CHUNK);
            let slots = sorted.get_mut(*end..*end + same.len()).certain(CHUNK);
            slots.copy_from_slice(same);
            *end += same.len();
        }
        *rows = sorted;
    }
    ends.into_iter().collect()
}

fn time_of(segment: &Segment, row: u32) -> i64 {
    let time_ns = segment.times().get(row as usize);
    *time_ns.certain("it is a row of the segment")
}
