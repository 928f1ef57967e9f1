//! Rows in order of their times, read one range of times after the other.
//!
//! Rows that are not grouped are put in order by their times alone. Sorted all at once they would have
//! to be held, or put on disk; read range by range, the first ones are there at once, and what a limit
//! leaves out is not read. The first range is short, later ones get longer, so that few plans are made.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::analysis::Source;
use super::aggregated;
use super::level::{Level, Session};

/// The first and the last time, in nanoseconds; open where there is no bound.
pub(super) type Times = (Option<i64>, Option<i64>);

/// The most ranges of a table that are read at once.
const RANGES_MAX: usize = 16;

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
    let mut slices = VecDeque::new();
    let mut rest = &ranges[..];
    let mut most = 1;
    while let Some((now, later)) = rest.split_at_checked(most.min(rest.len()))
        && let (Some(one), Some(other)) = (now.first(), now.last())
    {
        let first = one.start().min(other.start());
        let last = one.end().max(other.end());
        slices.push_back((Some(*first), Some(*last)));
        rest = later;
        most = RANGES_MAX.min(most * 2);
    }
    slices
}
