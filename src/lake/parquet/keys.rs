//! The first and the last row of a file, as bytes whose order is that of the rows.
//!
//! ```text
//! row:  series time
//! time: 8 bytes, the sign inverted
//! ```
//!
//! A series is as [`series_bytes`] has it. If the rows of two files do not meet in this order, the files
//! have no point in common, whatever their times are.

use std::ops::Range;
use std::sync::Arc;

use crate::columnar::Segment;
use crate::merge::at_once::Sorted;
use crate::merge::series_bytes;

/// The number of bytes of a row that are kept: a longer first row is cut, a longer last row rounded up.
const ROW_BYTES_MAX: usize = 512;

/// The bytes of a time.
const TIME_BYTES: usize = size_of::<i64>();

/// Bytes above anything that can follow the cut of a row: at most the eight bytes of a time are all
/// ones.
const BEYOND: [u8; 9] = [0xFF; 9];

/// The first and the last row of a file in the order of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    first: Arc<[u8]>,
    last: Arc<[u8]>,
}

impl KeyRange {
    /// The range from one row (a segment's series, and a time in nanoseconds) to another.
    pub(super) fn of(first: (&Segment, u32, i64), last: (&Segment, u32, i64)) -> Self {
        let bytes = |(segment, series, time_ns): (&Segment, u32, i64)| {
            row_bytes(segment.series_tags(series), time_ns)
        };
        Self {
            first: cut_down(bytes(first)).into(),
            last: rounded_up(bytes(last)).into(),
        }
    }

    /// The range of some rows, if there are any.
    pub(super) fn of_rows(sorted: &Sorted, rows: Range<usize>) -> Option<Self> {
        let row = |row: usize| {
            let (segment, series, _) = sorted.runs_in(row..row + 1).next()?;
            let segment = sorted.segment(segment);
            Some((segment, series, *sorted.times(row..row + 1).first()?))
        };
        let last = rows.end.checked_sub(1).filter(|last| *last >= rows.start)?;
        Some(Self::of(row(rows.start)?, row(last)?))
    }

    /// Reads the texts of [`KeyRange::texts`]; nothing if they are not a range.
    pub fn of_texts(first: &str, last: &str) -> Option<Self> {
        let (first, last) = (hex::decode(first).ok()?, hex::decode(last).ok()?);
        let range = Self {
            first: first.into(),
            last: last.into(),
        };
        (range.first <= range.last).then_some(range)
    }

    /// Both ends as texts, for the log of a table.
    pub fn texts(&self) -> (String, String) {
        (hex::encode(&self.first), hex::encode(&self.last))
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.first.len() + self.last.len()
    }

    /// The lower end, which is not after any row of the file.
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// The upper end, which is not before any row of the file.
    pub fn last(&self) -> &[u8] {
        &self.last
    }

    /// The series of all rows ([`series_bytes`]); none if there may be several, or it is too long to be kept.
    pub fn series(&self) -> Option<&[u8]> {
        let of = |row: &'_ [u8]| {
            row.len()
                .checked_sub(TIME_BYTES)
                .filter(|_| row.len() < ROW_BYTES_MAX)
        };
        let (first, last) = (of(&self.first)?, of(&self.last)?);
        let series = self.first.get(..first)?;
        (self.last.get(..last)? == series).then_some(series)
    }

    /// Returns whether a row may be in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Returns whether all rows come before those of the other.
    pub fn is_before(&self, other: &Self) -> bool {
        self.last < other.first
    }

    /// The smallest range around both.
    pub fn around(&self, other: &Self) -> Self {
        Self {
            first: Arc::clone(std::cmp::min(&self.first, &other.first)),
            last: Arc::clone(std::cmp::max(&self.last, &other.last)),
        }
    }
}

/// A row with these tags, which are ordered by key, at a time.
fn row_bytes<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>, time_ns: i64) -> Vec<u8> {
    let mut row = series_bytes(tags);
    let mut time = time_ns.to_be_bytes();
    time[0] ^= 0x80;
    row.extend(time);
    row
}

fn cut_down(mut row: Vec<u8>) -> Vec<u8> {
    row.truncate(ROW_BYTES_MAX);
    row
}

fn rounded_up(mut row: Vec<u8>) -> Vec<u8> {
    if row.len() > ROW_BYTES_MAX {
        row.truncate(ROW_BYTES_MAX);
        row.extend(BEYOND);
    }
    row
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{KeyRange, ROW_BYTES_MAX, cut_down, rounded_up, row_bytes};
    use crate::merge::{compare_tags, series_bytes};

    type Tags = Vec<(String, String)>;

    fn bytes((tags, time_ns): &(Tags, i64)) -> Vec<u8> {
        row_bytes(tags.iter().map(|(k, v)| (&**k, &**v)), *time_ns)
    }

    fn compare(a: &(Tags, i64), b: &(Tags, i64)) -> Ordering {
        let left = a.0.iter().map(|(k, v)| (&**k, &**v));
        let right = b.0.iter().map(|(k, v)| (&**k, &**v));
        compare_tags(left, right).then(a.1.cmp(&b.1))
    }

    /// Tag sets and times that differ in few places, so that neighbours are met often.
    fn rows() -> Vec<(Tags, i64)> {
        let texts = ["", "\0", "a", "ab", "a\0", "b", "\u{10FFFF}"];
        let tag = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let mut rows = vec![(Vec::new(), 0)];
        for key in texts {
            for value in texts {
                rows.push((vec![tag(key, value)], -1));
                rows.push((vec![tag(key, value)], i64::MAX));
                for more in texts.iter().filter(|more| **more > key) {
                    rows.push((vec![tag(key, value), tag(more, "a")], i64::MIN));
                }
            }
        }
        rows
    }

    #[test]
    fn bytes_of_rows_compare_as_rows_are_sorted() {
        let rows = rows();
        for a in &rows {
            for b in &rows {
                assert_eq!(bytes(a).cmp(&bytes(b)), compare(a, b), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn the_series_of_a_range_is_told_where_both_of_its_ends_have_it() {
        let rows = rows();
        for a in &rows {
            for b in &rows {
                let range = KeyRange {
                    first: cut_down(bytes(a)).into(),
                    last: rounded_up(bytes(b)).into(),
                };
                let series = series_bytes(a.0.iter().map(|(k, v)| (&**k, &**v)));
                let expected = (a.0 == b.0).then_some(&*series);
                assert_eq!(range.series(), expected, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_series_of_which_a_part_is_kept_is_none() {
        for length in 480..ROW_BYTES_MAX + 20 {
            let tags = vec![("k".to_owned(), "v".repeat(length))];
            let range = KeyRange {
                first: cut_down(bytes(&(tags.clone(), i64::MAX))).into(),
                last: rounded_up(bytes(&(tags, i64::MAX))).into(),
            };
            let is_whole = range.last.len() < ROW_BYTES_MAX;
            assert_eq!(range.series().is_some(), is_whole, "{length}");
        }
    }

    #[test]
    fn a_long_row_is_cut_to_what_is_not_after_it_and_rounded_to_what_is_not_before_it() {
        for length in 480..530 {
            let tags = vec![("k".to_owned(), "v".repeat(length))];
            for time_ns in [i64::MIN, -1, 0, i64::MAX] {
                let row = bytes(&(tags.clone(), time_ns));
                assert!(cut_down(row.clone()) <= row, "{length}");
                assert!(rounded_up(row.clone()) >= row, "{length}");
            }
        }
    }
}
