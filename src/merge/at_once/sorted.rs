//! Rows in the order of files: day, series, time; equal points as one row.
//!
//! Only integers are compared here: series have ranks. Within a series, rows mostly come with
//! ascending times, so a counting sort by rank leaves little to do.
//!
//! No value is moved: the result maps every row of every segment to a row of the output. Rows that
//! go to the same place are one point, and its later values win.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::error::TooManyRows;
use super::ranks::Ranks;
use crate::certain::Certain;
use crate::columnar::Segment;
use crate::merge::day::day_of;
use crate::narrow;

/// The reason why indexes are valid.
const ROWS: &str =
    "rows, series, ranks and segments are those of the input, numbered consecutively";
const COUNTED: &str = "more than 2^32 input rows were refused, and there are no more of the output";

/// Consecutive rows of one series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SeriesRun {
    /// The segment that has the series' tags.
    segment: usize,
    series: u32,
    /// The first row of the output.
    start: usize,
}

/// The rows of one table, sorted and merged.
#[derive(Debug)]
pub struct Sorted {
    pub(super) segments: Vec<Arc<Segment>>,
    /// The output row of every input row, segment after segment; nothing if each keeps its place.
    pub(super) places: Option<Vec<u32>>,
    /// The input rows in the order of the output, equal points oldest first; empty if all are of one
    /// day.
    order: Vec<u32>,
    /// The time of every row of the output.
    times: Vec<i64>,
    runs: Vec<SeriesRun>,
    /// The days (since 1970-01-01) with their rows, ascending.
    days: Vec<(i32, Range<usize>)>,
}

impl Sorted {
    /// Sorts the rows of one table's segments, oldest segment first.
    pub fn new(segments: &[Arc<Segment>]) -> Result<Self, TooManyRows> {
        Self::sort(segments, true)
    }

    /// Sorts rows of one file: they stay in one, whatever their times are.
    pub fn one_file(segments: &[Arc<Segment>]) -> Result<Self, TooManyRows> {
        Self::sort(segments, false)
    }

    fn sort(segments: &[Arc<Segment>], by_day: bool) -> Result<Self, TooManyRows> {
        let ranks = Ranks::new(segments);
        let input = Input::new(segments, &ranks)?;
        let mut output = Output::with_rows(input.times.len());
        let mut order = Vec::new();
        let days = input.days(by_day);
        let are_many = days.len() > 1;
        for (day, rows) in days {
            let rows = input.sort(rows);
            output.add_day(day, &rows, &input);
            if are_many {
                order.extend(rows);
            }
        }
        Ok(Self {
            segments: segments.to_vec(),
            runs: output.runs(&ranks),
            places: (!input.is_in_place(&output.places)).then_some(output.places),
            order,
            times: output.times,
            days: output.days,
        })
    }

    /// Takes rows of one day that are sorted and merged already: within each segment, and every
    /// segment before the next.
    pub fn in_order(segments: Vec<Arc<Segment>>) -> Self {
        let times = segments.iter().flat_map(|segment| segment.times());
        let times: Vec<i64> = times.copied().collect();
        let mut runs: Vec<SeriesRun> = Vec::new();
        let mut start = 0;
        for (index, segment) in segments.iter().enumerate() {
            let mut last = None;
            for series in segment.series_of_rows() {
                if last != Some(*series) {
                    runs.push(SeriesRun {
                        segment: index,
                        series: *series,
                        start,
                    });
                    last = Some(*series);
                }
                start += 1;
            }
        }
        let day = times.first().map(|time_ns| day_of(*time_ns));
        let days = day.map(|day| (day, 0..times.len()));
        Self {
            segments,
            places: None,
            order: Vec::new(),
            times,
            runs,
            days: days.into_iter().collect(),
        }
    }

    /// The number of rows of the output.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// The number of input rows that were merged into another.
    pub fn merged(&self) -> usize {
        let input: usize = self.segments.iter().map(|segment| segment.rows()).sum();
        input - self.times.len()
    }

    /// The segments that the rows came in, oldest first.
    pub fn segments(&self) -> &[Arc<Segment>] {
        &self.segments
    }

    /// The times of some rows, in nanoseconds since the epoch.
    pub fn times(&self, rows: Range<usize>) -> &[i64] {
        self.times.get(rows).certain(ROWS)
    }

    /// The days (since 1970-01-01, in UTC) with their rows, ascending.
    pub fn days(&self) -> impl ExactSizeIterator<Item = (i32, Range<usize>)> {
        self.days.iter().map(|(day, rows)| (*day, rows.clone()))
    }

    /// The maximum number of columns that have a value.
    pub fn columns_max(&self) -> usize {
        let segments = self.segments.iter();
        segments.map(|segment| segment.column_count()).sum()
    }

    /// The rows of the output, each with an input row that went there, ascending, equal points oldest
    /// first. Only if the rows are of several days.
    pub(super) fn inputs_of(&self, rows: Range<usize>) -> impl Iterator<Item = (u32, u32)> {
        let place = |input: &u32| match &self.places {
            Some(places) => *places.get(*input as usize).certain(ROWS),
            None => *input,
        };
        let before = |row: usize| {
            let is_before = |input: &u32| (place(input) as usize) < row;
            self.order.partition_point(is_before)
        };
        let inputs = self.order.get(before(rows.start)..before(rows.end));
        let inputs = inputs.certain("what is before the end is not before the start");
        inputs.iter().map(move |input| (place(input), *input))
    }

    /// The segment at a place among [`Sorted::segments`].
    pub fn segment(&self, place: usize) -> &Segment {
        self.segments.get(place).certain(ROWS)
    }

    /// The runs within some rows: of each, the place of a segment with its series, the series' id in
    /// that, and the number of rows.
    pub fn runs_in(&self, rows: Range<usize>) -> impl Iterator<Item = (usize, u32, usize)> {
        let first = self.runs.partition_point(|run| run.start <= rows.start);
        let runs = self.runs.get(first.saturating_sub(1)..).certain(ROWS);
        let ends = runs
            .iter()
            .skip(1)
            .map(|run| run.start)
            .chain([self.rows()]);
        let inside = runs.iter().zip(ends).take_while({
            let end = rows.end;
            move |(run, _)| run.start < end
        });
        inside.map(move |(run, end)| {
            let length = end.min(rows.end) - run.start.max(rows.start);
            (run.segment, run.series, length)
        })
    }
}

/// All input rows, numbered consecutively.
struct Input<'a> {
    times: Cow<'a, [i64]>,
    ranks: Vec<u32>,
    rank_count: usize,
}

impl<'a> Input<'a> {
    fn new(segments: &'a [Arc<Segment>], ranks: &Ranks) -> Result<Self, TooManyRows> {
        let rows: usize = segments.iter().map(|segment| segment.rows()).sum();
        if u32::try_from(rows).is_err() {
            return Err(TooManyRows { rows });
        }
        let times = match segments {
            [one] => Cow::Borrowed(one.times()),
            _ => segments
                .iter()
                .flat_map(|segment| segment.times())
                .copied()
                .collect(),
        };
        let mut of_rows = Vec::with_capacity(rows);
        for (index, segment) in segments.iter().enumerate() {
            let of_series = ranks.of_segment(index);
            let series = segment.series_of_rows().iter();
            let rank_of = |id: &u32| *of_series.get(*id as usize).certain(ROWS);
            of_rows.extend(series.map(rank_of));
        }
        let rank_count = of_rows.iter().max().map_or(0, |rank| *rank as usize + 1);
        Ok(Self {
            times,
            ranks: of_rows,
            rank_count,
        })
    }

    /// The rows of every day, in the order in which they came.
    fn days(&self, by_day: bool) -> BTreeMap<i32, Vec<u32>> {
        let days = (self.times.iter().min(), self.times.iter().max());
        let (Some(first), Some(last)) = days else {
            return BTreeMap::new();
        };
        let all = 0..narrow::to_u32(self.times.len(), COUNTED);
        if !by_day || day_of(*first) == day_of(*last) {
            return [(day_of(*first), all.collect())].into();
        }
        let mut days: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
        for (row, time_ns) in all.zip(&*self.times) {
            days.entry(day_of(*time_ns)).or_default().push(row);
        }
        days
    }

    /// Sorts the rows of a day by rank and time; of equal ones the older stays first.
    fn sort(&self, rows: Vec<u32>) -> Vec<u32> {
        let mut sorted = if self.rank_count <= 4 * rows.len() {
            self.sort_by_counting(&rows)
        } else {
            let mut rows = rows;
            rows.sort_by_key(|row| self.rank(*row));
            rows
        };
        for run in sorted.chunk_by_mut(|a, b| self.rank(*a) == self.rank(*b)) {
            if !run.is_sorted_by_key(|row| self.time(*row)) {
                run.sort_by_key(|row| self.time(*row));
            }
        }
        sorted
    }

    fn sort_by_counting(&self, rows: &[u32]) -> Vec<u32> {
        // Where the next row of each rank goes.
        let mut next = vec![0_u32; self.rank_count];
        for row in rows {
            *next.get_mut(self.rank(*row) as usize).certain(ROWS) += 1;
        }
        let mut start = 0;
        for count in &mut next {
            start += std::mem::replace(count, start);
        }
        let mut sorted = vec![0; rows.len()];
        for row in rows {
            let place = next.get_mut(self.rank(*row) as usize).certain(ROWS);
            *sorted.get_mut(*place as usize).certain(ROWS) = *row;
            *place += 1;
        }
        sorted
    }

    fn rank(&self, row: u32) -> u32 {
        *self.ranks.get(row as usize).certain(ROWS)
    }

    fn time(&self, row: u32) -> i64 {
        *self.times.get(row as usize).certain(ROWS)
    }

    fn is_in_place(&self, places: &[u32]) -> bool {
        (0..)
            .zip(places)
            .all(|(row, place): (u32, &u32)| row == *place)
    }
}

/// The rows of the output so far.
struct Output {
    places: Vec<u32>,
    times: Vec<i64>,
    days: Vec<(i32, Range<usize>)>,
    /// The rank and the first row of every run.
    starts: Vec<(u32, usize)>,
}

impl Output {
    fn with_rows(rows: usize) -> Self {
        Self {
            places: vec![0; rows],
            times: Vec::with_capacity(rows),
            days: Vec::new(),
            starts: Vec::new(),
        }
    }

    fn add_day(&mut self, day: i32, sorted: &[u32], input: &Input<'_>) {
        let start = self.times.len();
        let mut last = None;
        for row in sorted {
            let point = (input.rank(*row), input.time(*row));
            if last != Some(point) {
                if last.is_none_or(|(rank, _)| rank != point.0) {
                    self.starts.push((point.0, self.times.len()));
                }
                self.times.push(point.1);
                last = Some(point);
            }
            let place = self.places.get_mut(*row as usize).certain(ROWS);
            *place = narrow::to_u32(self.times.len() - 1, COUNTED);
        }
        self.days.push((day, start..self.times.len()));
    }

    fn runs(&self, ranks: &Ranks) -> Vec<SeriesRun> {
        let runs = self.starts.iter().map(|(rank, start)| {
            let (segment, series) = ranks.source(*rank);
            SeriesRun {
                segment,
                series,
                start: *start,
            }
        });
        runs.collect()
    }
}
