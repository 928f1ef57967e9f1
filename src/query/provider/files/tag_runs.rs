//! The values of a tag along the rows of a file, as runs of equal ones.
//!
//! Files are sorted by series, so a tag has few runs, and with them a question for some series reads
//! the rows of these and leaves the rest of the file alone.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, StringArray};
use datafusion::common::HashMap as Told;
use datafusion::execution::cache::cache_manager::FileMetadata;

use super::combinations::of_keys;
use crate::database::TagFilter;

/// The most runs of one tag of one file that are kept: beyond, values change from row to row, and
/// leaving out runs gains nothing.
const RUNS_MAX: usize = 1 << 18;

/// The most bytes of distinct values that are kept.
const VALUES_BYTES_MAX: usize = 4 << 20;

/// With so many values of a condition it takes longer to compute the hash of a text than to compare it with
/// each of them, as most differ in their lengths or first bytes.
const COMPARED_MAX: usize = 8;

/// A run of rows with the same value.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// The place of the value; absent if the rows lack the tag.
    value: Option<u32>,
    rows: usize,
}

/// The runs of a tag.
#[derive(Debug, Default)]
pub(super) struct TagRuns {
    values: Vec<Box<str>>,
    values_bytes: usize,
    runs: Vec<Run>,
}

impl TagRuns {
    /// The ranges of rows whose value passes, in order: these and no others. None if a run has no value
    /// of the list, which no builder makes.
    pub(super) fn rows(&self, filter: &TagFilter) -> Option<Vec<Range<usize>>> {
        let passes = self.passing(&filter.one_of);
        let has_none = filter.one_of.contains(&None);
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut start = 0;
        for run in &self.runs {
            let end = start + run.rows;
            let passes = match run.value {
                Some(place) => *passes.get(usize::try_from(place).ok()?)?,
                None => has_none,
            };
            if passes {
                match ranges.last_mut() {
                    Some(last) if last.end == start => last.end = end,
                    _ => ranges.push(start..end),
                }
            }
            start = end;
        }
        Some(ranges)
    }

    /// Whether each value is one of a list.
    fn passing(&self, one_of: &[Option<String>]) -> Vec<bool> {
        let values = self.values.iter();
        if one_of.len() <= COMPARED_MAX {
            let is_one = |text: &str| one_of.iter().flatten().any(|one| one == text);
            return values.map(|text| is_one(text)).collect();
        }
        let one_of: HashSet<&str> = one_of.iter().flatten().map(String::as_str).collect();
        values.map(|text| one_of.contains(&**text)).collect()
    }

    /// The end of each run: the number of rows up to it.
    pub(super) fn ends(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().scan(0, |rows, run| {
            *rows += run.rows;
            Some(*rows)
        })
    }

    /// The values of rows, whose places ascend.
    pub(super) fn at(&self, places: &[usize]) -> ArrayRef {
        let texts = StringArray::from_iter_values(self.values.iter().map(|text| &**text));
        let keys = self.values_at(places);
        let keys = keys.map(|value| value.and_then(|value| i32::try_from(value).ok()));
        Arc::new(of_keys(keys, texts))
    }

    /// The values of rows, whose places ascend, without those that none of the rows has: few rows of a
    /// file with many series have few of its values.
    pub(super) fn few_at(&self, places: &[usize]) -> ArrayRef {
        let mut keys_of = HashMap::new();
        let mut texts = StringBuilder::new();
        let mut key_of = |value: u32| {
            *keys_of.entry(value).or_insert_with(|| {
                let key = i32::try_from(texts.len()).ok();
                let text = usize::try_from(value)
                    .ok()
                    .and_then(|value| self.values.get(value));
                debug_assert!(text.is_some(), "a run has a value of the list");
                texts.append_option(text);
                key
            })
        };
        // Mostly, a row has the value of the one before.
        let mut before = (None, None);
        let keys = self.values_at(places).map(|value| {
            if value != before.0 {
                before = (value, value.and_then(&mut key_of));
            }
            before.1
        });
        let keys: Vec<Option<i32>> = keys.collect();
        Arc::new(of_keys(keys.into_iter(), texts.finish()))
    }

    /// The texts of rows, whose places ascend.
    pub(super) fn texts<'r>(
        &'r self,
        places: &'r [usize],
    ) -> impl Iterator<Item = Option<&'r str>> {
        self.values_at(places).map(|value| {
            let text = self.values.get(usize::try_from(value?).ok()?);
            text.map(|text| &**text)
        })
    }

    /// The places of the values of rows, whose places ascend.
    fn values_at<'r>(&'r self, places: &'r [usize]) -> impl Iterator<Item = Option<u32>> {
        let mut runs = self.runs.iter();
        let mut end = 0;
        let mut value = None;
        places.iter().map(move |place| {
            while *place >= end
                && let Some(run) = runs.next()
            {
                end += run.rows;
                value = run.value;
            }
            value
        })
    }

    /// The bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        let values = self.values.len() * size_of::<Box<str>>() + self.values_bytes;
        size_of::<Self>() + values + self.runs.len() * size_of::<Run>()
    }
}

/// Runs in the making.
#[derive(Default)]
pub(super) struct TagRunsBuilder {
    made: TagRuns,
    places: HashMap<Box<str>, u32>,
}

impl TagRunsBuilder {
    /// Adds the values of the next rows; false if there are too many runs to be of use, or the values
    /// are not those of a tag.
    pub(super) fn push(&mut self, column: &ArrayRef) -> bool {
        let Some(tags) = column.as_dictionary_opt::<Int32Type>() else {
            return false;
        };
        let Some(texts) = tags.values().as_string_opt::<i32>() else {
            return false;
        };
        let places: Option<Vec<u32>> = texts.iter().map(|text| self.place(text?)).collect();
        let Some(places) = places else {
            return false;
        };
        for key in tags.keys() {
            let value = match key {
                Some(key) => match usize::try_from(key).ok().and_then(|key| places.get(key)) {
                    Some(place) => Some(*place),
                    None => return false,
                },
                None => None,
            };
            match self.made.runs.last_mut() {
                Some(run) if run.value == value => run.rows += 1,
                _ => self.made.runs.push(Run { value, rows: 1 }),
            }
        }
        self.made.runs.len() <= RUNS_MAX
    }

    /// The place of a value; none if there are too many.
    fn place(&mut self, text: &str) -> Option<u32> {
        if let Some(place) = self.places.get(text) {
            return Some(*place);
        }
        let place = u32::try_from(self.made.values.len()).ok()?;
        self.made.values_bytes += text.len();
        self.made.values.push(text.into());
        self.places.insert(text.into(), place);
        (self.made.values_bytes <= VALUES_BYTES_MAX).then_some(place)
    }

    /// The bytes that it takes, while it is made.
    pub(super) fn bytes(&self) -> usize {
        let entry = size_of::<(Box<str>, u32)>();
        self.made.bytes() + self.made.values_bytes + 2 * self.places.len() * entry
    }

    /// The runs.
    pub(super) fn finish(mut self) -> TagRuns {
        self.made.runs.shrink_to_fit();
        self.made.values.shrink_to_fit();
        self.made
    }
}

/// The ranges that are in both lists, each in order and without overlaps.
pub(super) fn intersect(a: &[Range<usize>], b: &[Range<usize>]) -> Vec<Range<usize>> {
    let mut both = Vec::new();
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    while let (Some(one), Some(other)) = (a.peek(), b.peek()) {
        let range = one.start.max(other.start)..one.end.min(other.end);
        if !range.is_empty() {
            both.push(range);
        }
        match one.end <= other.end {
            true => a.next(),
            false => b.next(),
        };
    }
    both
}

/// The runs of a tag in the cache of footers; absent where they are of no use.
#[derive(Clone, Debug)]
pub(super) struct Known(pub(super) Option<Arc<TagRuns>>);

impl FileMetadata for Known {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn memory_size(&self) -> usize {
        let runs = self.0.as_ref().map_or(0, |runs| runs.bytes());
        size_of::<Self>() + runs
    }

    fn extra_info(&self) -> Told<String, String> {
        Told::default()
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::DictionaryArray;

    use super::*;

    fn runs(batches: &[&[Option<&str>]]) -> TagRuns {
        let mut builder = TagRunsBuilder::default();
        for batch in batches {
            let column: DictionaryArray<Int32Type> = batch.iter().copied().collect();
            let column: ArrayRef = Arc::new(column);
            assert!(builder.push(&column));
        }
        builder.finish()
    }

    fn pairs(rows: impl Into<Option<Vec<Range<usize>>>>) -> Vec<(usize, usize)> {
        rows.into()
            .expect("known")
            .into_iter()
            .map(|range| (range.start, range.end))
            .collect()
    }

    fn filter(one_of: &[Option<&str>]) -> TagFilter {
        TagFilter {
            column: "host".to_owned(),
            one_of: one_of.iter().map(|text| text.map(str::to_owned)).collect(),
        }
    }

    #[test]
    fn few_rows_have_their_values_and_no_others() {
        let (a, b, c) = (Some("a"), Some("b"), Some("c"));
        let runs = runs(&[&[None, a, a, b], &[c, a, None]]);
        for (places, expected, distinct) in [
            (vec![1, 2, 5], vec![a, a, a], 1),
            (vec![0, 3, 4, 6], vec![None, b, c, None], 2),
            (vec![0], vec![None], 0),
            (vec![], vec![], 0),
            ((0..7).collect(), vec![None, a, a, b, c, a, None], 3),
        ] {
            let values = runs.few_at(&places);
            let tags = values.as_dictionary::<Int32Type>();
            let texts = tags.downcast_dict::<StringArray>().expect("texts");
            assert_eq!(
                texts.into_iter().collect::<Vec<_>>(),
                expected,
                "{places:?}"
            );
            assert_eq!(tags.values().len(), distinct, "{places:?}");
        }
    }

    #[test]
    fn a_value_has_the_rows_of_its_runs_across_batches() {
        let (a, b) = (Some("a"), Some("b"));
        let runs = runs(&[&[None, a, a], &[a, b], &[b, a]]);
        for (one_of, rows) in [
            (vec![a], vec![(1, 4), (6, 7)]),
            (vec![b], vec![(4, 6)]),
            (vec![None], vec![(0, 1)]),
            (vec![None, a], vec![(0, 4), (6, 7)]),
            (vec![a, b], vec![(1, 7)]),
            (vec![Some("c"), Some("")], vec![]),
            (vec![], vec![]),
        ] {
            assert_eq!(pairs(runs.rows(&filter(&one_of))), rows, "{one_of:?}");
            // Of many values the hashes are compared.
            let others = ["", "A", "aa", "d", "e", "f", "g", "h", "i"].map(Some);
            let many = [&one_of[..], &others].concat();
            assert_eq!(pairs(runs.rows(&filter(&many))), rows, "{many:?}");
        }
    }

    #[test]
    fn an_empty_value_is_not_a_missing_one() {
        let runs = runs(&[&[None, Some(""), None]]);
        assert_eq!(pairs(runs.rows(&filter(&[Some("")]))), [(1, 2)]);
        assert_eq!(pairs(runs.rows(&filter(&[None]))), [(0, 1), (2, 3)]);
    }

    #[test]
    fn an_intersection_has_what_both_have() {
        let both = intersect(&[0..4, 6..9], &[1..2, 3..7, 8..10]);
        assert_eq!(pairs(both), [(1, 2), (3, 4), (6, 7), (8, 9)]);
        assert!(intersect(&[0..4, 8..9], &[4..5, 6..7]).is_empty());
    }

    #[test]
    fn too_many_values_are_given_up() {
        let long = "x".repeat(VALUES_BYTES_MAX / 2 + 1);
        let other = format!("y{long}");
        let column: DictionaryArray<Int32Type> =
            [Some(&*long), Some(&*other)].into_iter().collect();
        let column: ArrayRef = Arc::new(column);
        assert!(!TagRunsBuilder::default().push(&column));
    }
}
