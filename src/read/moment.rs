//! A table at one moment, and selections from it: any number of them, whose days may be read side
//! by side.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::columns::{TableField, columns};
use super::error::ReadError;
use super::sources::{Places, Sources, TableFiles};
use super::split::{DaySplit, Stretch, split};
use crate::buffer::TableSnapshot;
use crate::columnar::Segment;
use crate::id::{Sequence, TableId};
use crate::memory::{Budget, Reservation, Room};
use crate::merge::{DAY_NS, Merge, Run, SortedSegment, TimeRange, Wanted, day_of, day_start_ns};

/// The rows of a table as they are at one moment.
#[derive(Debug)]
pub struct Moment {
    /// The tag keys, ordered bytewise.
    tags: Vec<Box<str>>,
    /// The fields, ordered bytewise by name.
    fields: Vec<TableField>,
    buffered: Vec<Buffered>,
    files: Option<TableFiles>,
    budget: Budget,
    _snapshot: Option<TableSnapshot>,
}

/// Rows in memory.
#[derive(Debug)]
struct Buffered {
    segment: Arc<Segment>,
    /// The first and the last time of each part of a day: few rows that came late then do not count
    /// as rows of the whole day.
    parts: BTreeMap<i64, (i64, i64)>,
}

/// The length of a part of a day, in nanoseconds.
const PART_NS: i64 = DAY_NS / 96;

impl Moment {
    /// A table as it is now; `None` if there is no such table. May block.
    ///
    /// # Errors
    /// Memory is too short for a copy of what is growing, or the lake cannot be read.
    pub fn of(sources: &Sources, table: &TableId) -> Result<Option<Self>, ReadError> {
        let Places { snapshot, files } = sources.look(table)?;
        if snapshot.is_none() && files.is_none() {
            return Ok(None);
        }
        let flushed = files.as_ref().map_or(Sequence(0), |files| files.flushed);
        let segments = snapshot.as_ref().map(|snapshot| snapshot.after(flushed));
        let segments = segments.unwrap_or_default();
        let (tags, fields) = columns(&segments, files.as_ref());
        Ok(Some(Self {
            tags,
            fields,
            buffered: segments.into_iter().map(Buffered::new).collect(),
            files,
            budget: sources.budget.clone(),
            _snapshot: snapshot,
        }))
    }

    /// The tag keys in bytewise order.
    pub fn tags(&self) -> &[Box<str>] {
        &self.tags
    }

    /// The fields in bytewise order of their names, those of one name by rank.
    pub fn fields(&self) -> &[TableField] {
        &self.fields
    }
}

impl Buffered {
    fn new(segment: Arc<Segment>) -> Self {
        let mut parts: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        let part_of = |time_ns: &i64| time_ns.div_euclid(PART_NS);
        for same in segment.times().chunk_by(|a, b| part_of(a) == part_of(b)) {
            let (Some(first), Some(last)) = (same.iter().min(), same.iter().max()) else {
                continue;
            };
            let times = parts.entry(part_of(first)).or_insert((*first, *last));
            *times = (times.0.min(*first), times.1.max(*last));
        }
        Self { segment, parts }
    }

    /// The days on which it may have rows in a range.
    fn days(&self, range: TimeRange) -> impl Iterator<Item = i32> {
        let parts = self.parts.values();
        let met = parts.filter(move |(first, last)| range.meets(*first, *last));
        met.map(|(first, _)| day_of(*first))
    }

    /// The times of a day between which it has rows.
    fn of_day(&self, day: i32) -> impl Iterator<Item = (i64, i64)> {
        let parts = self.parts.values().copied();
        parts.filter(move |(first, _)| day_of(*first) == day)
    }
}

/// The rows and columns of a table that are asked for.
#[derive(Debug)]
pub struct Selection {
    moment: Arc<Moment>,
    wanted: Wanted,
    tags: Vec<Box<str>>,
    fields: Vec<TableField>,
    /// The names of the fields if they are not all of the table's.
    names: Option<HashSet<Box<str>>>,
    /// The day that is read and the places of its files that are; absent if all are.
    only: Option<(i32, BTreeSet<usize>)>,
    /// Made when the first row is asked for.
    sorted: Mutex<Option<Arc<Sorted>>>,
}

/// What is asked for of the rows in memory, in order.
#[derive(Debug)]
struct Sorted {
    segments: Vec<Arc<SortedSegment>>,
    _memory: Reservation,
}

impl Selection {
    /// The rows of a moment that are wanted, with all columns.
    pub fn new(moment: Arc<Moment>, wanted: impl Into<Wanted>) -> Self {
        Self {
            tags: moment.tags.clone(),
            fields: moment.fields.clone(),
            names: None,
            only: None,
            wanted: wanted.into(),
            sorted: Mutex::default(),
            moment,
        }
    }

    /// Those of the rows that are in a stretch of a day.
    pub fn within(&self, day: i32, stretch: &Stretch) -> Self {
        let mut wanted = self.wanted.clone();
        wanted.range = TimeRange {
            start_ns: wanted.range.start_ns.max(*stretch.times.start()),
            end_ns: match (wanted.range.end_ns, stretch.times.end().checked_add(1)) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            },
        };
        Self {
            moment: Arc::clone(&self.moment),
            wanted,
            tags: self.tags.clone(),
            fields: self.fields.clone(),
            names: self.names.clone(),
            only: Some((day, stretch.files.clone())),
            sorted: Mutex::default(),
        }
    }

    /// Divides a day into what has to be merged and what one file alone has.
    pub fn split(&self, day: i32) -> DaySplit {
        let range = self.wanted.range;
        let last = range
            .end_ns
            .map_or(Some(i64::MAX), |end_ns| end_ns.checked_sub(1));
        let Some(last) = last else {
            return DaySplit::default();
        };
        // What a file does not tell of its times is not about other days.
        let start = day_start_ns(day);
        let end = start.saturating_add(DAY_NS - 1);
        let files = self.moment.files.as_ref();
        let files = files.and_then(|files| files.days.get(&day));
        let buffered = self.moment.buffered.iter();
        split(
            files.map_or(&[], Vec::as_slice),
            buffered.flat_map(|rows| rows.of_day(day)),
            (range.start_ns.max(start), last.min(end)),
        )
    }

    /// The same rows with some of their columns: tags by key and fields by label.
    pub fn with_columns(self, has: impl Fn(&str) -> bool) -> Self {
        let Self {
            mut tags,
            mut fields,
            ..
        } = self;
        tags.retain(|key| has(key));
        fields.retain(|field| has(&field.label));
        let names = fields.iter().map(|field| field.name.clone()).collect();
        Self {
            tags,
            fields,
            names: Some(names),
            ..self
        }
    }

    /// The tag keys in bytewise order.
    pub fn tags(&self) -> &[Box<str>] {
        &self.tags
    }

    /// The fields in bytewise order of their names, those of one name by rank.
    pub fn fields(&self) -> &[TableField] {
        &self.fields
    }

    /// The days that may have rows, as far as known without reading.
    pub fn days(&self) -> BTreeSet<i32> {
        let range = self.wanted.range;
        if range.end_ns.is_some_and(|end_ns| end_ns <= range.start_ns) {
            return BTreeSet::new();
        }
        let buffered = self.moment.buffered.iter();
        let mut days: BTreeSet<i32> = buffered.flat_map(|rows| rows.days(range)).collect();
        let of_lake = self.moment.files.iter().flat_map(|files| &files.days);
        let met = of_lake.filter(|(day, files)| {
            range.meets_day(**day) && files.iter().any(|file| file.meets(range))
        });
        days.extend(met.map(|(day, _)| *day));
        days
    }

    /// Sorts what is in memory, if that was not done before.
    ///
    /// # Errors
    /// There is no memory for it.
    pub(super) fn sort(&self) -> Result<(), ReadError> {
        self.sorted().map(drop)
    }

    /// The rows of a day. Its files are read in `room`, in which the files of `days` days are open at
    /// once. May block.
    pub(super) fn day(
        &self,
        day: i32,
        room: Option<&Room>,
        days: usize,
    ) -> Result<Merge, ReadError> {
        let range = self.wanted.range;
        let mut runs = Vec::new();
        let files = self.moment.files.as_ref();
        let files = files.and_then(|files| files.days.get(&day));
        if let (Some(files), Some(room)) = (files, room) {
            let is_read = |place: &usize| {
                let only = self.only.as_ref();
                only.is_none_or(|(_, places)| places.contains(place))
            };
            let met = files.iter().enumerate().filter(|(place, _)| is_read(place));
            let met = met.map(|(_, file)| file);
            let met: Vec<_> = met.filter(|file| file.meets(range)).collect();
            let open = met.len().saturating_mul(days.max(1));
            for file in met {
                let chunks = file.open(range, self.names.as_ref(), room, open)?;
                runs.push(Run::stream(file.name(), chunks, self.wanted.clone()));
            }
        }
        // Buffered rows were written after those in files.
        let sorted = self.sorted()?;
        let buffered = sorted.segments.iter();
        runs.extend(buffered.map(|segment| Run::of_day(segment, day)));
        Ok(Merge::new(runs)?)
    }

    fn sorted(&self) -> Result<Arc<Sorted>, ReadError> {
        let sorted = self.sorted.lock();
        let mut sorted = sorted.unwrap_or_else(PoisonError::into_inner);
        if let Some(sorted) = &*sorted {
            return Ok(Arc::clone(sorted));
        }
        let made = Arc::new(self.make_sorted()?);
        Ok(Arc::clone(sorted.insert(made)))
    }

    /// Sorts segments, each after its memory was taken.
    fn make_sorted(&self) -> Result<Sorted, ReadError> {
        let mut memory = self.moment.budget.empty();
        let mut segments = Vec::new();
        for rows in &self.moment.buffered {
            if rows.days(self.wanted.range).next().is_none() {
                continue;
            }
            let before = memory.bytes();
            memory.try_grow(SortedSegment::bytes_max(&rows.segment))?;
            let one = SortedSegment::new(Arc::clone(&rows.segment), self.wanted.clone());
            memory.shrink_to(before + one.heap_bytes());
            segments.push(Arc::new(one));
        }
        Ok(Sorted {
            segments,
            _memory: memory,
        })
    }
}
