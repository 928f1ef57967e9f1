//! Selections from a table at one moment: any number of them, whose days may be read side by side.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::columns::TableField;
use super::error::ReadError;
use super::moment::{Buffered, Moment};
use super::sources::DataFile;
use super::split::{DaySplit, Stretch, split};
use crate::columnar::Segment;
use crate::memory::{Reservation, Room};
use crate::merge::{DAY_NS, Merge, Run, SortedSegment, TimeRange, Wanted, day_start_ns};

/// The most rows and series in memory that are looked at to tell how many of them are asked for: less than a
/// millisecond's work.
const COUNTED_ROWS_MAX: usize = 1 << 18;
const COUNTED_SERIES_MAX: usize = 1 << 11;

/// The same where those that newer ones stand for are left out: the others are put in order, too.
const NEWEST_ROWS_MAX: usize = 1 << 16;

/// The rows and columns of a table that are asked for.
#[derive(Debug)]
pub struct Selection {
    moment: Arc<Moment>,
    wanted: Wanted,
    tags: Vec<Box<str>>,
    fields: Vec<TableField>,
    /// The names of the fields if they are not all of the table's.
    names: Option<HashSet<Box<str>>>,
    /// The selection of which this is a stretch, and the stretch; absent if it is none.
    part_of: Option<(Arc<Self>, Stretch)>,
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
            tags: moment.tags().to_vec(),
            fields: moment.fields().to_vec(),
            names: None,
            part_of: None,
            wanted: wanted.into(),
            sorted: Mutex::default(),
            moment,
        }
    }

    /// Those of the rows that are of a day.
    #[must_use]
    pub fn of_day(&self, day: i32) -> Self {
        let start_ns = day_start_ns(day);
        self.between(start_ns, start_ns.checked_add(DAY_NS), None)
    }

    /// Those of the rows of a day that are in a stretch of it. What is in memory is sorted once for
    /// all stretches of the day.
    #[must_use]
    pub fn within(self: &Arc<Self>, stretch: Stretch) -> Self {
        let times = stretch.times.clone();
        let part_of = Some((Arc::clone(self), stretch));
        self.between(*times.start(), times.end().checked_add(1), part_of)
    }

    fn between(
        &self,
        start_ns: i64,
        end_ns: Option<i64>,
        part_of: Option<(Arc<Self>, Stretch)>,
    ) -> Self {
        let mut wanted = self.wanted.clone();
        wanted.range = wanted.range.and(TimeRange { start_ns, end_ns });
        Self {
            moment: Arc::clone(&self.moment),
            wanted,
            tags: self.tags.clone(),
            fields: self.fields.clone(),
            names: self.names.clone(),
            part_of,
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
        self.sorted_by(|| self.sort_anew()).map(drop)
    }

    /// The number of files of a day that are read at once.
    pub fn files_open(&self, day: i32) -> usize {
        self.files_of(day).count()
    }

    /// The most rows of a day that there can be; none if there are files, whose rows are not counted, or so many
    /// rows or series in memory that to count them takes long.
    pub fn rows_at_most(&self, day: i32) -> Option<usize> {
        if self.files_of(day).next().is_some() {
            return None;
        }
        let met = |rows: &&Buffered| rows.days(self.wanted.range).next().is_some();
        let met = self.moment.buffered.iter().filter(met);
        let segments: Vec<&Segment> = met.map(|rows| &*rows.segment).collect();
        let rows: usize = segments.iter().map(|segment| segment.rows()).sum();
        let series: usize = segments.iter().map(|segment| segment.series_count()).sum();
        let are_few = rows <= COUNTED_ROWS_MAX && series <= COUNTED_SERIES_MAX;
        if are_few && rows <= NEWEST_ROWS_MAX && self.wanted.newest.is_some() {
            // To count those that are left is most of the work, so it is kept for who reads them.
            let sorted = self.sorted(day).ok()?;
            let of_day = sorted.segments.iter().map(|segment| segment.rows_of(day));
            return Some(of_day.sum());
        }
        let counts = segments
            .into_iter()
            .map(|segment| self.wanted.rows_of(segment));
        are_few.then(|| counts.sum())
    }

    /// The most rows of a day that there can be, as far as known without a look at any: all of what its files
    /// have, and all of each part in memory that has some; none if the rows of a file are not known.
    pub fn rows_around(&self, day: i32) -> Option<u64> {
        let of_files = self.files_of(day).map(DataFile::rows);
        let of_files: u64 = of_files.sum::<Option<u64>>()?;
        let met = |rows: &&Buffered| rows.days(self.wanted.range).any(|of_rows| of_rows == day);
        let met = self.moment.buffered.iter().filter(met);
        let in_memory: usize = met.map(|rows| rows.segment.rows()).sum();
        Some(of_files.saturating_add(in_memory as u64))
    }

    fn files_of(&self, day: i32) -> impl Iterator<Item = &dyn DataFile> {
        let files = self.moment.files.as_ref();
        let files = files.and_then(|files| files.days.get(&day));
        let is_read = |place: usize| {
            let part_of = self.part_of.as_ref();
            part_of.is_none_or(|(_, stretch)| stretch.files.contains(&place))
        };
        let files = files.into_iter().flatten().enumerate();
        let read = files.filter(move |(place, _)| is_read(*place));
        let read = read.map(|(_, file)| &**file);
        read.filter(|file| file.meets(self.wanted.range))
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
        if let Some(room) = room {
            let open = self.files_of(day).count().saturating_mul(days.max(1));
            for file in self.files_of(day) {
                let chunks = file.open(range, self.names.as_ref(), room, open)?;
                runs.push(Run::stream(file.name(), chunks, self.wanted.clone()));
            }
        }
        // Buffered rows were written after those in files.
        let sorted = self.sorted(day)?;
        let buffered = sorted.segments.iter();
        runs.extend(buffered.map(|segment| Run::of_day(segment, day)));
        Ok(Merge::new(runs)?)
    }

    /// What is in memory of a day, sorted.
    fn sorted(&self, day: i32) -> Result<Arc<Sorted>, ReadError> {
        self.sorted_by(|| match &self.part_of {
            Some((whole, _)) => self.part(&*whole.sorted(day)?, day),
            None => self.sort_anew(),
        })
    }

    fn sorted_by(
        &self,
        make: impl FnOnce() -> Result<Sorted, ReadError>,
    ) -> Result<Arc<Sorted>, ReadError> {
        let sorted = self.sorted.lock();
        let mut sorted = sorted.unwrap_or_else(PoisonError::into_inner);
        if let Some(sorted) = &*sorted {
            return Ok(Arc::clone(sorted));
        }
        let made = Arc::new(make()?);
        Ok(Arc::clone(sorted.insert(made)))
    }

    /// Sorts segments, each after its memory was taken.
    fn sort_anew(&self) -> Result<Sorted, ReadError> {
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

    /// Takes the rows of this stretch from those of the whole day, which are sorted.
    fn part(&self, whole: &Sorted, day: i32) -> Result<Sorted, ReadError> {
        let mut memory = self.moment.budget.empty();
        let mut segments = Vec::new();
        for of_day in &whole.segments {
            let before = memory.bytes();
            memory.try_grow(of_day.part_bytes_max(day))?;
            let part = SortedSegment::within(of_day, day, self.wanted.range);
            let bytes = match Arc::ptr_eq(of_day, &part) {
                true => 0,
                false => part.order_bytes(),
            };
            memory.shrink_to(before + bytes);
            segments.push(part);
        }
        Ok(Sorted {
            segments,
            _memory: memory,
        })
    }
}
