//! A table at one moment, and selections from it: any number of them, whose days may be read side
//! by side.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::columns::{TableField, columns};
use super::error::ReadError;
use super::sources::{Places, Sources, TableFiles};
use crate::buffer::TableSnapshot;
use crate::columnar::Segment;
use crate::id::{Sequence, TableId};
use crate::memory::{Budget, Reservation, Room};
use crate::merge::{Merge, Run, SortedSegment, TimeRange, Wanted, day_of};

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
    /// The first and the last time of each day.
    days: BTreeMap<i32, (i64, i64)>,
}

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
        let mut days: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
        for same in segment.times().chunk_by(|a, b| day_of(*a) == day_of(*b)) {
            let (Some(first), Some(last)) = (same.iter().min(), same.iter().max()) else {
                continue;
            };
            let times = days.entry(day_of(*first)).or_insert((*first, *last));
            *times = (times.0.min(*first), times.1.max(*last));
        }
        Self { segment, days }
    }

    /// The days on which it may have rows in a range.
    fn days(&self, range: TimeRange) -> impl Iterator<Item = i32> {
        let days = self.days.iter();
        let met = days.filter(move |(_, (first, last))| range.meets(*first, *last));
        met.map(|(day, _)| *day)
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
            wanted: wanted.into(),
            sorted: Mutex::default(),
            moment,
        }
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
            let met: Vec<_> = files.iter().filter(|file| file.meets(range)).collect();
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
