//! The merge of many runs, on two levels: runs wait in the order of their series, and those that
//! share the smallest series are merged by time, as plain integers.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::cursor::{Cursor, Step};
use super::error::MergeError;
use super::run::{Run, Tags};
use super::slots::{Chunk, Slots, Source};
use crate::certain::{Certain, impossible};
use crate::merge::order::compare_tags;

/// Yields merged rows by series and time. The default has none.
#[derive(Default)]
pub struct Merge {
    /// By run.
    places: Vec<Place>,
    /// The number of runs that are [`Place::Before`].
    unread: usize,
    slots: Slots,
    /// Runs that are not at the current series, by their series, the smallest last.
    waiting: Vec<Waiting>,
    /// Runs at the current series: time and run. Of equal times the earliest run comes first.
    active: BinaryHeap<Reverse<(i64, usize)>>,
}

/// The reason why a run has a place.
const PLACED: &str = "every run has a place";

/// The place of the merge in a run.
enum Place {
    /// Not read yet, because none of its series comes before these tags.
    Before(Tags, Run),
    At(Cursor),
    End,
}

struct Waiting {
    run: usize,
    /// True if the run before it in the list is at the same series.
    is_joined: bool,
}

/// Rows of the result that follow each other, all of one series: as many as one run alone has, or
/// one that is merged from several.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The time of the first row, in nanoseconds since the epoch.
    pub time_ns: i64,
    /// True if it begins with the first row of its series.
    pub is_new_series: bool,
    /// The number of rows. If there are several, they come from one source, and follow it in the
    /// order of its run.
    pub length: usize,
    /// The rows that the first row is merged from, oldest first: valid until the merge continues.
    pub sources: Vec<Source>,
}

impl Merge {
    /// Starts merging runs, given in the order in which they were written. Reads the first chunk of
    /// each run that states no lower bound.
    pub fn new(runs: impl IntoIterator<Item = Run>) -> Result<Self, MergeError> {
        let mut merge = Self::default();
        for (index, mut run) in runs.into_iter().enumerate() {
            let place = match run.lower_bound.take() {
                Some(tags) => Place::Before(tags, run),
                None => Place::read(run, &mut merge.slots)?,
            };
            merge.unread += usize::from(matches!(place, Place::Before(..)));
            let has_rows = !matches!(place, Place::End);
            merge.places.push(place);
            if has_rows {
                merge.wait(index);
            }
        }
        Ok(merge)
    }

    /// Fills `next` with the next merged rows. Returns false at the end. An error is the end too.
    pub fn next(&mut self, next: &mut Stretch) -> Result<bool, MergeError> {
        next.sources.clear();
        next.length = 0;
        self.slots.free();
        next.is_new_series = self.active.is_empty();
        if next.is_new_series
            && let Err(error) = self.activate()
        {
            *self = Self::default();
            return Err(error);
        }
        let Some(Reverse((time_ns, _))) = self.active.peek() else {
            return Ok(false);
        };
        next.time_ns = *time_ns;
        next.length = 1;
        if self.take_plain(next) {
            return Ok(true);
        }
        let taken = self.take(next);
        if taken.is_err() {
            *self = Self::default();
        }
        taken.map(|()| true)
    }

    /// Returns true if the next rows take the place of a chunk that the current ones came from.
    pub(super) fn drops_chunks(&self) -> bool {
        self.slots.has_retired()
    }

    /// The chunk that a source of the current row belongs to.
    #[inline]
    pub fn chunk(&self, slot: usize) -> &Chunk {
        let chunk = self.slots.chunk(slot);
        chunk.certain("a chunk stays in its slot as long as the current row needs it")
    }

    /// Takes the rows that only the run of the first one has before another run has one. Returns
    /// false if there is no such row.
    fn take_plain(&mut self, next: &mut Stretch) -> bool {
        // The runs right below the first one in the heap: one of them is the next.
        let others = self.active.as_slice().iter().skip(1).take(2);
        let limit_ns = others.map(|Reverse((time_ns, _))| *time_ns).min();
        let limit_ns = limit_ns.unwrap_or(i64::MAX);
        if next.time_ns >= limit_ns {
            return false;
        }
        let Some(mut head) = self.active.peek_mut() else {
            return false;
        };
        let Reverse((_, run)) = *head;
        let Some(Place::At(cursor)) = self.places.get_mut(run) else {
            impossible("a run is active while it is at a row");
        };
        let length = cursor.plain(limit_ns);
        if length > 0 {
            next.length = length;
            next.sources.push(cursor.source(run));
            cursor.skip(length);
            *head = Reverse((cursor.time_ns, run));
        }
        length > 0
    }

    /// Takes all rows at the row's time from the runs of its series.
    fn take(&mut self, row: &mut Stretch) -> Result<(), MergeError> {
        loop {
            let Some(mut head) = self.active.peek_mut() else {
                return Ok(());
            };
            let Reverse((time_ns, run)) = *head;
            if time_ns != row.time_ns {
                return Ok(());
            }
            let Some(Place::At(cursor)) = self.places.get_mut(run) else {
                impossible("a run is active while it is at a row");
            };
            row.sources.push(cursor.source(run));
            let step = cursor.advance(&mut self.slots)?;
            if step == Step::Row {
                if cursor.time_ns != time_ns {
                    *head = Reverse((cursor.time_ns, run));
                }
                continue;
            }
            PeekMut::pop(head);
            match step {
                Step::End => self.end(run),
                Step::Row | Step::Series => self.wait(run),
            }
        }
    }

    fn end(&mut self, run: usize) {
        let place = self.places.get_mut(run).certain(PLACED);
        let Place::At(ended) = std::mem::replace(place, Place::End) else {
            impossible("a run ends after a row");
        };
        self.slots.retire(ended.slot);
    }

    /// Puts a run in line for its series.
    fn wait(&mut self, run: usize) {
        let found = self
            .waiting
            .binary_search_by(|other| self.compare(run, other.run));
        let (index, is_joined) = match found {
            Ok(index) => (index + 1, true),
            Err(index) => (index, false),
        };
        self.waiting.insert(index, Waiting { run, is_joined });
    }

    /// Starts the smallest series that a run waits for.
    fn activate(&mut self) -> Result<(), MergeError> {
        while self.unread > 0 && self.read_smallest()? {}
        let mut is_joined = true;
        while is_joined && let Some(next) = self.waiting.pop() {
            is_joined = next.is_joined;
            let Some(Place::At(cursor)) = self.places.get(next.run) else {
                impossible("the unread runs of the smallest series were read above");
            };
            self.active.push(Reverse((cursor.time_ns, next.run)));
        }
        Ok(())
    }

    /// Reads the first chunk of an unread run that may begin with the smallest series, if there is
    /// one; from then on the run waits for the series that it really begins with.
    fn read_smallest(&mut self) -> Result<bool, MergeError> {
        let mut index = self.waiting.len();
        let mut is_joined = true;
        while is_joined && let Some(before) = index.checked_sub(1) {
            index = before;
            let waiting = self.waiting.get(index).certain("it is before the end");
            is_joined = waiting.is_joined;
            let run = waiting.run;
            let place = self.places.get_mut(run).certain(PLACED);
            match std::mem::replace(place, Place::End) {
                Place::Before(_, unread) => {
                    self.unread -= 1;
                    self.stop_waiting(index);
                    let read = Place::read(unread, &mut self.slots)?;
                    let has_rows = matches!(read, Place::At(_));
                    *self.places.get_mut(run).certain(PLACED) = read;
                    if has_rows {
                        self.wait(run);
                    }
                    return Ok(true);
                }
                read => *place = read,
            }
        }
        Ok(false)
    }

    fn stop_waiting(&mut self, index: usize) {
        let is_joined = self.waiting.remove(index).is_joined;
        if let Some(next) = self.waiting.get_mut(index) {
            next.is_joined &= is_joined;
        }
    }

    fn compare(&self, left: usize, right: usize) -> Ordering {
        use Place::{At, Before};
        match (self.places.get(left), self.places.get(right)) {
            (Some(At(left)), Some(At(right))) => compare_tags(left.tags(), right.tags()),
            (Some(At(left)), Some(Before(right, _))) => compare_tags(left.tags(), pairs(right)),
            (Some(Before(left, _)), Some(At(right))) => compare_tags(pairs(left), right.tags()),
            (Some(Before(left, _)), Some(Before(right, _))) => {
                compare_tags(pairs(left), pairs(right))
            }
            _ => impossible("only runs with a series wait for it"),
        }
    }
}

impl Place {
    /// The place at the first row of a run.
    fn read(run: Run, slots: &mut Slots) -> Result<Self, MergeError> {
        Ok(Cursor::open(run, slots)?.map_or(Self::End, Self::At))
    }
}

fn pairs(tags: &Tags) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|(key, value)| (&**key, &**value))
}
