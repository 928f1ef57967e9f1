//! A day divided, against every row that files could have.

use std::any::Any;
use std::collections::HashSet;
use std::sync::Arc;

use crate::memory::Room;
use crate::merge::{Chunks, TimeRange};
use crate::read::split::{DaySplit, split};
use crate::read::{DataFile, LakeError};

/// A file with rows at all times between two, of some of the series.
#[derive(Debug)]
struct File {
    times: (i64, i64),
    series: u64,
    is_plain: bool,
}

impl DataFile for File {
    fn name(&self) -> &str {
        "a file"
    }

    fn times(&self) -> (i64, i64) {
        self.times
    }

    fn rows(&self) -> Option<u64> {
        None
    }

    fn is_plain(&self) -> bool {
        self.is_plain
    }

    fn may_share_points(&self, other: &dyn DataFile) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        let other = other.expect("files of the test");
        let is_apart = self.series & other.series == 0;
        !is_apart && self.times.0 <= other.times.1 && other.times.0 <= self.times.1
    }

    fn open(
        &self,
        _: TimeRange,
        _: Option<&HashSet<Box<str>>>,
        _: &Room,
        _: usize,
    ) -> Result<Box<dyn Chunks>, LakeError> {
        unreachable!("nothing is read")
    }
}

pub(super) fn file(times: (i64, i64)) -> Arc<dyn DataFile> {
    Arc::new(File {
        times,
        series: 1,
        is_plain: true,
    })
}

const ALL: (i64, i64) = (i64::MIN, i64::MAX);

/// The place of a file, and the first and last time of the part of it that is read alone.
type LonePart = (usize, i64, i64);

/// The times of what is read alone, each with the place of its file, and of what is merged.
fn shown(files: &[Arc<dyn DataFile>], split: &DaySplit) -> (Vec<LonePart>, Vec<(i64, i64)>) {
    let place = |file: &Arc<dyn DataFile>| files.iter().position(|one| Arc::ptr_eq(one, file));
    let lone = split.lone.iter().map(|lone| {
        let place = place(&lone.file).expect("it is one of them");
        (place, *lone.times.start(), *lone.times.end())
    });
    let stretches = split.stretches.iter();
    let merged = stretches.map(|one| (*one.times.start(), *one.times.end()));
    (lone.collect(), merged.collect())
}

#[test]
fn files_that_touch_only_at_their_edges_are_merged_only_there() {
    let files = [file((0, 10)), file((10, 20)), file((21, 30))];
    let (lone, merged) = shown(&files, &split(&files, std::iter::empty(), ALL));
    assert_eq!(lone, [(0, 0, 9), (1, 11, 20), (2, 21, 30)]);
    assert_eq!(merged, [(10, 10)]);
}

#[test]
fn rows_in_memory_are_merged_with_what_files_have_at_the_same_times() {
    let files = [file((0, 100))];
    let buffered = [(40, 45), (i64::MAX, i64::MAX)].into_iter();
    let (lone, merged) = shown(&files, &split(&files, buffered, ALL));
    assert_eq!(lone, [(0, 0, 39), (0, 46, 100)]);
    assert_eq!(merged, [(40, 45), (i64::MAX, i64::MAX)]);
}

#[test]
fn what_is_not_asked_for_is_in_no_part() {
    let files = [file((0, 100)), file((50, 60))];
    let (lone, merged) = shown(&files, &split(&files, [(0, 3)].into_iter(), (20, 55)));
    assert_eq!(lone, [(0, 20, 49)]);
    assert_eq!(merged, [(50, 55)]);
    let nothing = split(&files, [(0, 3)].into_iter(), (20, 19));
    assert!(nothing.lone.is_empty() && nothing.stretches.is_empty());
}

#[test]
fn a_file_of_which_little_is_known_is_merged_and_with_it_whatever_it_may_overlap() {
    let foreign: Arc<dyn DataFile> = Arc::new(File {
        times: ALL,
        series: 1,
        is_plain: false,
    });
    let files = [file((0, 10)), foreign];
    let split = split(&files, std::iter::empty(), ALL);
    assert!(split.lone.is_empty());
    assert_eq!(split.stretches.len(), 1);
    assert!(split.stretches[0].files.iter().eq(&[0, 1]));
}

/// Numbers that look random (SplitMix64).
fn next(state: &mut u64, end: u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)) % end
}

fn times(state: &mut u64) -> (i64, i64) {
    let first = next(state, 40).cast_signed();
    (first, first + next(state, 12).cast_signed())
}

#[test]
fn every_row_is_read_once_and_with_all_that_share_its_time_and_series() {
    for seed in 0..3000 {
        let state = &mut { seed };
        let files: Vec<File> = (0..next(state, 7))
            .map(|_| File {
                times: times(state),
                series: 1 + next(state, 7),
                is_plain: next(state, 6) > 0,
            })
            .collect();
        let buffered: Vec<_> = (0..next(state, 3)).map(|_| times(state)).collect();
        let range = match next(state, 2) {
            0 => ALL,
            _ => times(state),
        };
        let known: Vec<Arc<dyn DataFile>> = files
            .iter()
            .map(|one| {
                Arc::new(File {
                    times: one.times,
                    series: one.series,
                    is_plain: one.is_plain,
                }) as _
            })
            .collect();
        let split = split(&known, buffered.iter().copied(), range);
        assert!(split.stretches.len() <= 4, "seed {seed}");
        for time in 0..60 {
            check(&files, &buffered, &known, &split, range, time, seed);
        }
    }
}

/// Checks where the rows of one time are read.
fn check(
    files: &[File],
    buffered: &[(i64, i64)],
    known: &[Arc<dyn DataFile>],
    split: &DaySplit,
    range: (i64, i64),
    time: i64,
    seed: u64,
) {
    let is_in = |(first, last): (i64, i64)| first <= time && time <= last;
    let stretch = split
        .stretches
        .iter()
        .filter(|one| one.times.contains(&time));
    let stretch: Vec<_> = stretch.collect();
    assert!(stretch.len() <= 1, "seed {seed}: merged twice at {time}");
    let is_asked = is_in(range);
    let has_buffered = buffered.iter().any(|times| is_in(*times));
    assert!(
        !(has_buffered && is_asked && stretch.is_empty()),
        "seed {seed}: what is in memory at {time} is lost"
    );
    let mut merged_series = if has_buffered { u64::MAX } else { 0 };
    let mut alone_series = 0;
    for (place, file) in files.iter().enumerate() {
        let alone = split
            .lone
            .iter()
            .filter(|lone| Arc::ptr_eq(&lone.file, &known[place]) && lone.times.contains(&time));
        let alone = alone.count();
        let merged = stretch
            .iter()
            .filter(|one| one.files.contains(&place))
            .count();
        let expected = usize::from(is_asked && is_in(file.times));
        if expected == 1 {
            assert_eq!(alone + merged, 1, "seed {seed}: file {place} at {time}");
        } else {
            assert_eq!(alone, 0, "seed {seed}: file {place} at {time}");
        }
        assert!(alone == 0 || file.is_plain, "seed {seed}: file {place}");
        if expected == 1 && merged == 1 {
            merged_series |= file.series;
        }
        if alone == 1 {
            assert_eq!(alone_series & file.series, 0, "seed {seed}: at {time}");
            alone_series |= file.series;
        }
    }
    assert!(
        !is_asked || alone_series & merged_series == 0,
        "seed {seed}: a point of {time} is read in two ways"
    );
}
