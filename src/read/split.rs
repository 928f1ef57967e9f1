//! A day divided by time: rows that only one file can have, and stretches in which several places
//! may have the same point, so that their rows have to be merged.
//!
//! ```text
//! file A  ──────────────────
//! file B              ───────────────
//! buffer                        ──────────
//!         A alone    │ merge │B│  merge
//! ```
//!
//! Promises: each row is either in exactly one [`Lone`] part, or in exactly one [`Stretch`] whose
//! files have all other rows of its series and time. A file that takes part in a stretch does so with
//! all of its rows in it. What is not known about a file counts as overlapping.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::sources::DataFile;

/// The most stretches of a day: each reads the files that it needs once.
const STRETCHES_MAX: usize = 4;

/// A day, divided.
#[derive(Debug, Default)]
pub struct DaySplit {
    /// Parts of files.
    pub lone: Vec<Lone>,
    /// What has to be merged, ascending by time.
    pub stretches: Vec<Stretch>,
}

/// The rows of a file in a range of times, in which no other place has a row of equal series and time.
#[derive(Clone, Debug)]
pub struct Lone {
    /// The file, in which no row stands twice.
    pub file: Arc<dyn DataFile>,
    /// Nanoseconds, both ends included.
    pub times: RangeInclusive<i64>,
}

/// A range of times with the rows in it that have to be merged: all that are buffered, and those of
/// some files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Nanoseconds, both ends included.
    pub times: RangeInclusive<i64>,
    /// The places of the files among those of the day.
    pub files: BTreeSet<usize>,
}

type Times = (i64, i64);

/// Divides a day with these files, and rows in memory between these times, as far as it is within
/// `range`.
pub(super) fn split(
    files: &[Arc<dyn DataFile>],
    buffered: impl Iterator<Item = Times>,
    range: Times,
) -> DaySplit {
    let mut found: Vec<(usize, Times)> = files
        .iter()
        .enumerate()
        .filter_map(|(place, file)| Some((place, both(file.times(), range)?)))
        .collect();
    found.sort_by_key(|(_, times)| *times);
    let overlaps = overlaps(
        files,
        &found,
        buffered.filter_map(|times| both(times, range)),
    );
    let stretches = stretches(overlaps, &found);
    let lone = found.iter().flat_map(|(place, times)| {
        let file = files.get(*place).filter(|file| file.is_plain());
        let taken = stretches
            .iter()
            .filter(|stretch| stretch.files.contains(place));
        let left = file.map(|file| (file, outside(*times, taken.map(|stretch| &stretch.times))));
        left.into_iter().flat_map(|(file, left)| {
            left.into_iter().map(|(first, last)| Lone {
                file: Arc::clone(file),
                times: first..=last,
            })
        })
    });
    DaySplit {
        lone: lone.collect(),
        stretches,
    }
}

pub(super) fn both(a: Times, b: Times) -> Option<Times> {
    let (first, last) = (a.0.max(b.0), a.1.min(b.1));
    (first <= last).then_some((first, last))
}

/// The times that have to be merged, each with the files that this is because of, in order.
fn overlaps(
    files: &[Arc<dyn DataFile>],
    found: &[(usize, Times)],
    buffered: impl Iterator<Item = Times>,
) -> Vec<Stretch> {
    let stretch = |(first, last): Times, files: &[usize]| Stretch {
        times: first..=last,
        files: files.iter().copied().collect(),
    };
    let mut overlaps: Vec<Stretch> = Vec::new();
    for (at, (place, times)) in found.iter().enumerate() {
        let Some(file) = files.get(*place) else {
            continue;
        };
        if !file.is_plain() {
            overlaps.push(stretch(*times, &[*place]));
        }
        let later = found.iter().skip(at + 1);
        let mut shared: Option<Stretch> = None;
        for (other_place, others) in later.take_while(|(_, others)| others.0 <= times.1) {
            let other = files.get(*other_place);
            let (Some(both), true) = (
                both(*times, *others),
                other.is_some_and(|other| file.may_share_points(other.as_ref())),
            ) else {
                continue;
            };
            let next = stretch(both, &[*place, *other_place]);
            match &mut shared {
                // They ascend by their starts.
                Some(last) if next.times.start() <= last.times.end() => last.join(next),
                _ => overlaps.extend(shared.replace(next)),
            }
        }
        overlaps.extend(shared);
    }
    for times in buffered {
        let met = found
            .iter()
            .filter(|(_, others)| both(times, *others).is_some());
        let met: Vec<usize> = met.map(|(place, _)| *place).collect();
        overlaps.push(stretch(times, &met));
    }
    overlaps.sort_by_key(|overlap| (*overlap.times.start(), *overlap.times.end()));
    overlaps
}

/// Joins what overlaps, what no file lies between, and then what is nearest, until few are left.
fn stretches(overlaps: Vec<Stretch>, found: &[(usize, Times)]) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for next in overlaps {
        match joined.last_mut() {
            Some(last)
                if next.times.start() <= last.times.end() || !is_between(last, &next, found) =>
            {
                last.join(next);
            }
            _ => joined.push(next),
        }
    }
    while joined.len() > STRETCHES_MAX {
        let pairs = joined.iter().zip(joined.iter().skip(1)).enumerate();
        let nearest = pairs.min_by_key(|(_, (a, b))| b.times.start().abs_diff(*a.times.end()));
        let Some((place, _)) = nearest else {
            break;
        };
        let next = joined.remove(place + 1);
        if let Some(last) = joined.get_mut(place) {
            last.join(next);
        }
    }
    joined
}

/// Returns true if a file may have rows between two stretches.
fn is_between(a: &Stretch, b: &Stretch, found: &[(usize, Times)]) -> bool {
    let gap = (
        a.times.end().saturating_add(1),
        b.times.start().saturating_sub(1),
    );
    let gap = (gap.0 <= gap.1).then_some(gap);
    gap.is_some_and(|gap| found.iter().any(|(_, times)| both(*times, gap).is_some()))
}

impl Stretch {
    fn join(&mut self, next: Self) {
        let end = *self.times.end().max(next.times.end());
        self.times = *self.times.start()..=end;
        self.files.extend(next.files);
    }
}

/// What of a range is in none of the others, which ascend and do not overlap.
fn outside<'a>(
    (first, last): Times,
    others: impl Iterator<Item = &'a RangeInclusive<i64>>,
) -> Vec<Times> {
    let mut left = Vec::new();
    let mut start = Some(first);
    for other in others {
        let Some(from) = start.filter(|from| *from <= last) else {
            break;
        };
        if let Some(end) = other.start().checked_sub(1)
            && from <= end.min(last)
        {
            left.push((from, end.min(last)));
        }
        start = other.end().checked_add(1).map(|next| next.max(from));
    }
    left.extend(start.filter(|from| *from <= last).map(|from| (from, last)));
    left
}
