//! Rows in order of their times, read one range of times after the other.
//!
//! Rows that are not grouped are put in order by their times alone. Sorted all at once they would have
//! to be held, or put on disk; read range by range, the first ones are there at once, and what a limit
//! leaves out is not read. The first range is short, later ones get longer, so that few plans are made, as long
//! as there are few rows: a sort holds them two or three times.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::analysis::Source;
use super::aggregated;
use super::level::{Level, Session};
use crate::database::TimeSlice;

/// The first and the last time, in nanoseconds; open where there is no bound.
pub(super) type Times = (Option<i64>, Option<i64>);

/// The most ranges of a table that are read at once.
const RANGES_MAX: usize = 16;

/// The most values, 8 bytes each or more, of ranges that are read at once.
const VALUES_MAX: u64 = 1 << 20;

/// Returns the ranges in which the rows of a level are read, in the order of the answer; none if they
/// are read all at once.
pub(super) fn of(session: &Arc<Session>, level: &Level) -> VecDeque<Times> {
    let is_by_time = level.query.tags.is_empty() && !aggregated::is_enough(level);
    let [Source::Measurement(source)] = &level.query.sources[..] else {
        return VecDeque::new();
    };
    let table = session.known.table(&source.origin, &source.name);
    let Some(table) = table.filter(|_| is_by_time) else {
        return VecDeque::new();
    };
    let (first, last) = level.times(level.lead_ns());
    let mut ranges = table.ranges(first.unwrap_or(i64::MIN)..=last.unwrap_or(i64::MAX));
    if level.plan.descending {
        ranges.reverse();
    }
    let columns = u64::try_from(level.query.inputs.len()).unwrap_or(u64::MAX);
    joined(&ranges, VALUES_MAX / columns.saturating_add(1))
}

/// Puts ranges that follow each other together as long as they have no more than so many rows.
fn joined(ranges: &[TimeSlice], rows_max: u64) -> VecDeque<Times> {
    let mut slices = VecDeque::new();
    let mut rest = ranges;
    let mut most = 1;
    while let Some((first, others)) = rest.split_first() {
        let mut rows = first.rows_at_most;
        let fits = |next: &&TimeSlice| {
            rows = rows
                .zip(next.rows_at_most)
                .map(|(a, b)| a.saturating_add(b));
            rows.is_some_and(|rows| rows <= rows_max)
        };
        let more = others.iter().take(most - 1).take_while(fits).count();
        let (now, later) = rest.split_at(more + 1);
        let starts = now.iter().map(|range| *range.times.start()).min();
        let ends = now.iter().map(|range| *range.times.end()).max();
        slices.push_back((starts, ends));
        rest = later;
        most = RANGES_MAX.min(most * 2);
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::{TimeSlice, joined};

    /// Ranges of ten nanoseconds with so many rows.
    fn ranges(rows: &[Option<u64>]) -> Vec<TimeSlice> {
        let starts = (0_i64..).step_by(10);
        let ranges = starts.zip(rows).map(|(start, rows)| TimeSlice {
            times: start..=start + 9,
            rows_at_most: *rows,
        });
        ranges.collect()
    }

    /// How many ranges are read at once, one after the other.
    fn lengths(rows: &[Option<u64>]) -> Vec<i64> {
        let mut next = 0;
        let slices = joined(&ranges(rows), 100).into_iter().map(|(first, last)| {
            assert_eq!(first, Some(next), "nothing is left out, or read twice");
            next = last.expect("an end") + 1;
            (next - first.expect("a start")) / 10
        });
        let lengths = slices.collect();
        assert_eq!(next, 10 * i64::try_from(rows.len()).expect("few"));
        lengths
    }

    #[test]
    fn ranges_get_longer_as_long_as_their_rows_are_few() {
        assert_eq!(lengths(&[Some(1); 40]), [1, 2, 4, 8, 16, 9]);
        assert_eq!(lengths(&[Some(40); 7]), [1, 2, 2, 2]);
        assert_eq!(lengths(&[Some(101); 3]), [1, 1, 1]);
        let rows = [1, 1, 200, 1, 1, 1, 100].map(Some);
        assert_eq!(lengths(&rows), [1, 1, 1, 3, 1]);
    }

    #[test]
    fn a_range_whose_rows_nobody_knows_is_read_alone() {
        assert_eq!(
            lengths(&[Some(1), None, Some(1), Some(1), None]),
            [1, 1, 2, 1]
        );
    }

    #[test]
    fn ranges_in_a_descending_order_are_put_together_the_other_way_round() {
        let mut ranges = ranges(&[Some(1); 4]);
        ranges.reverse();
        let slices: Vec<_> = joined(&ranges, 100).into();
        let expected = [(30, 39), (10, 29), (0, 9)].map(|(first, last)| (Some(first), Some(last)));
        assert_eq!(slices, expected);
    }
}
