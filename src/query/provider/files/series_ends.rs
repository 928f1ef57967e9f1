//! The ends of a file's series, where the newest row of each is, and which series they are: a series
//! that goes on in a newer file has no newest row here.

use std::any::Any;
use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use datafusion::common::HashMap as Told;
use datafusion::execution::cache::cache_manager::FileMetadata;

use super::tag_runs::TagRuns;

/// The most bytes of the tags of a file's series that are kept: with more, each file gives the ends of all
/// of its series.
const KEYS_BYTES_MAX: usize = 4 << 20;

/// The ends of the series of a file. A series may have several.
#[derive(Debug)]
pub(super) struct SeriesEnds {
    /// The numbers of rows up to them, ascending.
    ends: Vec<usize>,
    /// The tags of the rows before them, which files with the same series share; absent if they are too long.
    keys: Option<Arc<Keys>>,
}

/// Texts that name series, one after the other. Two are equal if and only if the series are.
#[derive(Debug, PartialEq, Eq)]
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl SeriesEnds {
    /// The series of a file with these tags, by name in ascending order, whose row groups end so.
    pub(super) fn new(tags: &[(String, Arc<TagRuns>)], group_ends: Vec<usize>) -> Self {
        let mut ends = group_ends;
        ends.extend(tags.iter().flat_map(|(_, runs)| runs.ends()));
        ends.sort_unstable();
        ends.dedup();
        ends.retain(|end| *end > 0);
        Self {
            keys: Keys::new(tags, &ends).map(Arc::new),
            ends,
        }
    }

    /// The same ends with the keys of those of an older file, if those are equal and not shared yet.
    pub(super) fn sharing_with(&self, older: &Self) -> Option<Self> {
        let (own, older) = (self.keys.as_ref()?, older.keys.as_ref()?);
        let is_other = !Arc::ptr_eq(own, older) && own == older;
        is_other.then(|| Self {
            ends: self.ends.clone(),
            keys: Some(Arc::clone(older)),
        })
    }

    fn all(&self) -> Vec<Range<usize>> {
        self.ends.iter().map(|end| last(*end)).collect()
    }

    /// The bytes that it takes.
    fn bytes(&self) -> usize {
        let keys = self.keys.as_ref();
        let keys = keys.map_or(0, |keys| keys.bytes.len() + size_of_val(&*keys.ends));
        size_of::<Self>() + size_of_val(&*self.ends) + keys
    }
}

impl Keys {
    /// The tags of the rows before these ends; none if they are too long.
    fn new(tags: &[(String, Arc<TagRuns>)], ends: &[usize]) -> Option<Self> {
        let places: Vec<usize> = ends.iter().map(|end| end - 1).collect();
        let mut values = tags
            .iter()
            .map(|(name, runs)| (name.as_str(), runs.texts(&places)))
            .collect::<Vec<_>>();
        let mut keys = Self {
            bytes: Vec::new(),
            ends: Vec::with_capacity(ends.len()),
        };
        for _ in ends {
            for (name, values) in &mut values {
                // A tag that the series lacks is not named: later files may have it, and this one not.
                if let Some(value) = values.next()? {
                    for text in [*name, value] {
                        keys.bytes.extend(text.len().to_le_bytes());
                        keys.bytes.extend(text.as_bytes());
                    }
                }
            }
            keys.ends.push(keys.bytes.len());
            if keys.bytes.len() > KEYS_BYTES_MAX {
                return None;
            }
        }
        keys.bytes.shrink_to_fit();
        Some(keys)
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ends.iter().scan(0, |start, end| {
            let key = self.bytes.get(*start..*end);
            *start = *end;
            key
        })
    }
}

/// The series of files that were looked at, from the newest file on.
#[derive(Default)]
pub(super) struct Newer<'f> {
    /// The earliest time of a file that has the newest row of the series.
    since: HashMap<&'f [u8], i64>,
    /// The last file, if it has no rows that are not newer than those of older files.
    last: Option<(&'f Arc<Keys>, i64)>,
}

impl<'f> Newer<'f> {
    /// The rows of a file, whose times are within `bounds`, among which is the newest row of each series
    /// that no newer file has.
    pub(super) fn rows(
        &mut self,
        series: &'f SeriesEnds,
        bounds: &RangeInclusive<i64>,
    ) -> Vec<Range<usize>> {
        let Some(keys) = &series.keys else {
            return series.all();
        };
        let (first, newest) = (*bounds.start(), *bounds.end());
        // Mostly, files that follow each other have the same series. Their keys are shared: to compare them takes
        // longer than everything else that is done with a file.
        let is_same = self
            .last
            .is_some_and(|(last, since)| since > newest && Arc::ptr_eq(last, keys));
        if is_same {
            return Vec::new();
        }
        let mut rows = Vec::new();
        for (key, end) in keys.iter().zip(&series.ends) {
            match self.since.get(key) {
                Some(since) if *since > newest => {}
                _ => rows.push((key, last(*end))),
            }
        }
        // After all of them: a series may end several times in one file.
        for (key, _) in &rows {
            let since = self.since.entry(*key).or_insert(first);
            *since = first.max(*since);
        }
        self.last = Some((keys, first));
        rows.into_iter().map(|(_, rows)| rows).collect()
    }
}

fn last(end: usize) -> Range<usize> {
    end.saturating_sub(1)..end
}

/// The ends of a file's series in the cache of footers; absent where they are not known.
#[derive(Clone, Debug)]
pub(super) struct KnownEnds(pub(super) Option<Arc<SeriesEnds>>);

impl FileMetadata for KnownEnds {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn memory_size(&self) -> usize {
        let ends = self.0.as_ref().map_or(0, |ends| ends.bytes());
        size_of::<Self>() + ends
    }

    fn extra_info(&self) -> Told<String, String> {
        Told::default()
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::types::Int32Type;
    use arrow_array::{ArrayRef, DictionaryArray};

    use super::*;
    use crate::provider::files::tag_runs::TagRunsBuilder;

    /// A file with one row of each of these hosts.
    fn ends(hosts: &[&str]) -> SeriesEnds {
        let column: DictionaryArray<Int32Type> = hosts.iter().map(|host| Some(*host)).collect();
        let column: ArrayRef = Arc::new(column);
        let mut runs = TagRunsBuilder::default();
        assert!(runs.push(&column));
        let tags = [("host".to_owned(), Arc::new(runs.finish()))];
        SeriesEnds::new(&tags, vec![hosts.len()])
    }

    #[test]
    fn files_with_the_same_series_share_their_names() {
        let (newer, older) = (ends(&["a", "b"]), ends(&["a", "b"]));
        let sharing = newer.sharing_with(&older).expect("equal names");
        assert!(sharing.sharing_with(&older).is_none(), "shared already");
        assert!(newer.sharing_with(&ends(&["a", "c"])).is_none());
        assert!(newer.sharing_with(&ends(&["a"])).is_none());
        for newer in [&newer, &sharing] {
            let mut found = Newer::default();
            assert_eq!(found.rows(newer, &(10..=19)), [0..1, 1..2]);
            assert!(found.rows(&older, &(0..=9)).is_empty());
            let other = ends(&["a", "c"]);
            let rows = found.rows(&other, &(-9..=-1));
            assert_eq!(rows, std::slice::from_ref(&(1..2)));
        }
        // Where their times overlap, either may have the newest row.
        let mut found = Newer::default();
        assert_eq!(found.rows(&sharing, &(10..=19)), [0..1, 1..2]);
        assert_eq!(found.rows(&older, &(5..=12)), [0..1, 1..2]);
    }
}
