//! The rows that have a value in a column: a list of runs, so that neither rows without a value nor
//! an unbroken stretch of rows with one costs anything.
//!
//! A column that every row sets has no list at all. One set by every second row costs 8 bytes per
//! value, one that starts late or stops early 8 bytes in all.

use std::ops::Range;

use super::picked::Picked;
use crate::certain::{Certain, impossible};

/// A stretch of rows that all have a value. It ends where the next one's rank says, so its length
/// is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The first row.
    row: u32,
    /// The number of values before that row's value.
    rank: u32,
}

/// The rows that have a value, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Presence {
    /// The runs but for the one that starts at row 0, if there is one.
    runs: Vec<Run>,
    /// The number of rows that have a value.
    count: u32,
    /// The row that would lengthen the last run.
    next: u32,
}

impl Presence {
    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    pub(super) fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// Marks `row`, which comes after all marked before.
    #[inline]
    pub(super) fn push(&mut self, row: u32) {
        self.push_run(row, 1);
    }

    /// Marks `length` rows (at least one) from `row` on, all after those marked before.
    #[inline]
    pub(super) fn push_run(&mut self, row: u32, length: u32) {
        if row < self.next {
            impossible("rows come in order, with one value each");
        }
        if row > self.next {
            self.runs.push(Run {
                row,
                rank: self.count,
            });
        }
        self.count += length;
        self.next = row + length;
    }

    pub(super) fn append(&mut self, other: &Self, first_row: u32) {
        self.runs.reserve(other.runs.len());
        for (row, length) in other.runs() {
            self.push_run(first_row + row, length);
        }
    }

    /// Returns the place of the value of `row` in the packed values.
    pub(super) fn rank(&self, row: usize) -> Option<usize> {
        let row = u32::try_from(row).ok()?;
        if self.runs.is_empty() {
            return (row < self.count).then_some(row as usize);
        }
        let later = self.runs.partition_point(|run| run.row <= row);
        let end = self.runs.get(later).map_or(self.count, |run| run.rank);
        let start = match later.checked_sub(1) {
            Some(index) => *self
                .runs
                .get(index)
                .certain("it is before one that may be the end"),
            None => Run { row: 0, rank: 0 },
        };
        let rank = start.rank + (row - start.row);
        (rank < end).then_some(rank as usize)
    }

    /// Returns true if every row from 0 to the last of `picked` has a value.
    pub(super) fn is_unbroken_to(&self, picked: &Picked<'_>) -> bool {
        let unbroken = self.runs.first().map_or(self.count, |run| run.rank);
        match picked {
            Picked::Stretch(rows) => rows.end <= unbroken,
            Picked::List(rows) => rows.iter().max().is_none_or(|last| *last < unbroken),
        }
    }

    /// First row, rank and length of every part of a run that is in `rows`, ascending.
    pub(super) fn runs_in(&self, rows: Range<u32>) -> impl Iterator<Item = (u32, u32, u32)> {
        let later = self.runs.partition_point(|run| run.row <= rows.start);
        let (first, rest) = match later.checked_sub(1) {
            Some(index) => (None, index),
            None => (Some(Run { row: 0, rank: 0 }), 0),
        };
        let listed = self.runs.get(rest..).certain("it is before the end");
        let starts = first.into_iter().chain(listed.iter().copied());
        let ends = starts.clone().skip(1).map(|run| run.rank);
        let runs = starts.zip(ends.chain([self.count]));
        let until = rows.end;
        let met = runs.take_while(move |(run, _)| run.row < until);
        met.filter_map(move |(run, rank_end)| {
            let start = run.row.max(rows.start);
            let end = (run.row + (rank_end - run.rank)).min(rows.end);
            (start < end).then(|| (start, run.rank + (start - run.row), end - start))
        })
    }

    /// First row and length of every run, ascending.
    pub(super) fn runs(&self) -> impl Iterator<Item = (u32, u32)> + Clone {
        let leading = self.runs.first().map_or(self.count, |run| run.rank);
        let ends = self
            .runs
            .iter()
            .skip(1)
            .map(|run| run.rank)
            .chain([self.count]);
        let listed = self
            .runs
            .iter()
            .zip(ends)
            .map(|(run, end)| (run.row, end - run.rank));
        (leading > 0)
            .then_some((0, leading))
            .into_iter()
            .chain(listed)
    }

    /// The rows, ascending: the n-th has the n-th value.
    pub(super) fn rows(&self) -> impl Iterator<Item = usize> + Clone {
        self.runs()
            .flat_map(|(row, length)| row as usize..row as usize + length as usize)
    }

    pub(super) fn shrink(&mut self) {
        self.runs.shrink_to_fit();
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.runs.capacity() * size_of::<Run>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Presence;

    fn of(rows: &[bool]) -> Presence {
        let mut presence = Presence::default();
        for (row, _) in (0..).zip(rows).filter(|(_, present)| **present) {
            presence.push(row);
        }
        presence
    }

    proptest! {
        #[test]
        fn ranks_and_rows_equal_those_of_a_list(
            first: Vec<bool>,
            second in proptest::collection::vec(any::<bool>(), 0..40),
        ) {
            let all: Vec<bool> = first.iter().chain(&second).copied().collect();
            let mut joined = of(&first);
            joined.append(&of(&second), u32::try_from(first.len()).expect("small"));
            prop_assert_eq!(&joined, &of(&all));
            let rows: Vec<usize> = (0..all.len()).filter(|row| all[*row]).collect();
            prop_assert_eq!(joined.count(), rows.len());
            prop_assert_eq!(joined.rows().collect::<Vec<_>>(), rows.clone());
            for row in 0..all.len() + 2 {
                prop_assert_eq!(joined.rank(row), rows.iter().position(|r| *r == row));
            }
        }
    }

    #[test]
    fn dense_columns_have_no_list_and_a_row_is_marked_once() {
        let mut presence = of(&[true; 100]);
        assert_eq!((presence.run_count(), presence.heap_bytes()), (0, 0));
        let again = std::panic::catch_unwind(move || presence.push(99));
        assert!(again.is_err(), "its value would be lost");
    }
}
