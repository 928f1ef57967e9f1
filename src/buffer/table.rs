//! One table: the growing segment, the frozen ones, and what they have reserved.

use std::mem;
use std::sync::Arc;

use super::series::SeriesSet;
use super::sizes::{BufferLimits, BufferStats};
use super::taken::{Frozen, LoggedAgain, Sealed, SealedSegment, Span, TableSnapshot};
use crate::clock;
use crate::columnar::{Batch, BatchBuilder, SegmentField};
use crate::id::Sequence;
use crate::memory::{Budget, Exhausted, Reservation};
use crate::narrow;

/// A segment is frozen before it could reach this size, whatever the limits say: offsets and ids
/// in it have 31 bits.
const SEGMENT_BYTES_CAP: u64 = 1 << 30;

/// The most bytes of a growing segment that a reader copies with the table's lock held: a larger
/// one is frozen first, and shared.
const COPY_BYTES_MAX: u64 = 4 << 20;

/// Series of a growing segment that are counted anew with the table's lock held, at a time.
const SERIES_STEP: usize = 4096;

/// The bytes by which a reservation may exceed twice the need before the excess is computed and
/// given back.
const SLACK_BYTES: u64 = 4096;

/// A table without rows, and its place in the bucket.
const TABLE_BYTES: u64 = size_of::<Table>() as u64 + 256;

/// The rows of one measurement of one bucket.
#[derive(Debug)]
pub(super) struct Table {
    active: BatchBuilder,
    /// The beginning of the growing segment, if it has rows.
    active_span: Option<Span>,
    frozen: Vec<Arc<Frozen>>,
    /// Those of the growing segment and the frozen ones.
    series: SeriesSet,
    /// For the growing segment, the set of series and the table itself; at least
    /// [`Table::needed_bytes`].
    reservation: Option<Reservation>,
    /// The need when it was last computed.
    settled_bytes: u64,
    frozen_bytes: u64,
    /// The number of times that a segment was frozen or released.
    changes: u64,
    /// The last batch applied.
    sequence: Sequence,
    /// True once it was empty and was removed from its bucket: a caller that finds it looks for the
    /// new one.
    is_retired: bool,
}

/// The parts that a reader takes under the lock; the rest of the work is done outside.
pub(super) struct TableCopy {
    frozen: Vec<Arc<Frozen>>,
    active: Option<(Batch, Reservation)>,
    sequence: Sequence,
}

/// The rest of a release, done without the table's lock: freeing, and counting the series that
/// are left.
pub(super) struct Released {
    _gone: Vec<Arc<Frozen>>,
    _series: SeriesSet,
    pub(super) recount: Option<Recount>,
}

/// A new count of the series of a table, alongside writers.
pub(super) struct Recount {
    series: SeriesSet,
    /// The frozen segments; those from `next_frozen` on are not counted yet, nor are the growing
    /// segment's from `next_active` on.
    frozen: Vec<Arc<Frozen>>,
    next_frozen: usize,
    next_active: usize,
    /// [`Table::changes`] when it was begun.
    changes: u64,
    _memory: Option<Reservation>,
}

/// See [`super::Buffer::apply_bytes_max`].
pub(super) fn apply_bytes_max(batch: &Batch) -> u64 {
    let name_bytes = batch.measurement().len() as u64;
    batch.append_bytes_max()
        + SeriesSet::bytes_max(batch.series_count())
        + TABLE_BYTES
        // Two in the bucket; and when it is frozen, one in the segment that grows next.
        + 3 * name_bytes
}

impl Table {
    pub(super) fn new(measurement: &str) -> Self {
        Self {
            active: BatchBuilder::new(measurement),
            active_span: None,
            frozen: Vec::new(),
            series: SeriesSet::default(),
            reservation: None,
            settled_bytes: 0,
            frozen_bytes: 0,
            changes: 0,
            sequence: Sequence::default(),
            is_retired: false,
        }
    }

    /// Adds rows; at least one.
    pub(super) fn apply(
        &mut self,
        sequence: Sequence,
        batch: &Batch,
        reservation: Reservation,
        limits: BufferLimits,
    ) {
        debug_assert!(
            reservation.bytes() >= apply_bytes_max(batch),
            "reserved before logging"
        );
        debug_assert!(sequence >= self.sequence, "batches are applied in order");
        if self.active_reserved_bytes() + reservation.bytes() > SEGMENT_BYTES_CAP {
            self.freeze();
        }
        match &mut self.reservation {
            Some(held) => held.merge(reservation),
            None => self.reservation = Some(reservation),
        }
        self.active_span.get_or_insert_with(|| Span {
            first: sequence,
            since: clock::instant(),
        });
        let known = self.active.series_count();
        self.active.append(batch);
        self.note_active_series(known);
        self.sequence = sequence;
        // The reservation is never below what is used: only past it is the use worth counting.
        if self.active_reserved_bytes() >= limits.segment_bytes_max
            && self.active.heap_bytes() >= limits.segment_bytes_max
        {
            self.freeze();
        } else if self.active_reserved_bytes() > 2 * self.settled_bytes + SLACK_BYTES {
            self.settle();
        }
    }

    /// Freezes the growing segment and hands out all frozen ones.
    pub(super) fn seal(&mut self) -> Option<Sealed> {
        self.freeze();
        Sealed::new(&self.frozen)
    }

    /// Releases the frozen segments up to a sequence. The slow part is left to the caller, without
    /// the table's lock.
    pub(super) fn release(&mut self, up_to: Sequence) -> Option<Released> {
        let gone = self.frozen.iter().take_while(|frozen| frozen.last <= up_to);
        let gone: Vec<Arc<Frozen>> = self.frozen.drain(..gone.count()).collect();
        if gone.is_empty() {
            return None;
        }
        self.frozen.shrink_to_fit();
        self.frozen_bytes -= gone.iter().map(|frozen| frozen.bytes).sum::<u64>();
        self.changes += 1;
        let is_empty = self.is_empty();
        let series = match is_empty {
            true => mem::take(&mut self.series),
            false => SeriesSet::default(),
        };
        self.settle();
        Some(Released {
            _gone: gone,
            _series: series,
            recount: (!is_empty).then(|| self.recount()),
        })
    }

    /// See [`super::Buffer::logged_again`].
    pub(super) fn logged_again(
        &mut self,
        up_to: Sequence,
        (frames, is_whole): (LoggedAgain, bool),
    ) -> bool {
        if self.sequence != up_to || self.active.rows() > 0 || self.frozen.is_empty() {
            return false;
        }
        // Only the newest rows end with the new frames: those that leave before them must not say
        // that the others have left too.
        let newest = self.frozen.len().saturating_sub(1);
        for (index, frozen) in self.frozen.iter_mut().enumerate() {
            let Span { first, since } = frozen.span;
            *frozen = Arc::new(Frozen {
                segment: Arc::clone(&frozen.segment),
                spread: Arc::clone(&frozen.spread),
                span: Span {
                    first: if is_whole { frames.first } else { first },
                    since,
                },
                last: match index == newest {
                    true => frames.last,
                    false => frozen.last,
                },
                bytes: frozen.bytes,
                _reservation: frozen._reservation.clone(),
            });
        }
        self.sequence = frames.last;
        self.changes += 1;
        true
    }

    fn recount(&self) -> Recount {
        let bytes = SeriesSet::bytes_max(self.series.len());
        let held = self.reservation.as_ref();
        Recount {
            series: SeriesSet::default(),
            frozen: self.frozen.clone(),
            next_frozen: 0,
            next_active: 0,
            changes: self.changes,
            _memory: held.map(|held| held.budget().force(bytes)),
        }
    }

    /// Counts some series of the growing segment; once all are counted, they are the table's.
    /// Returns true then. If a segment was frozen or released meanwhile, the count begins again.
    pub(super) fn count_on(&mut self, recount: &mut Recount) -> bool {
        if recount.changes != self.changes {
            *recount = self.recount();
            return false;
        }
        let batch = self.active.batch();
        let end = batch.series_count().min(recount.next_active + SERIES_STEP);
        let next = narrow::id(recount.next_active)..narrow::id(end);
        recount.series.insert_of(batch, next);
        recount.next_active = end;
        if end < batch.series_count() {
            return false;
        }
        mem::swap(&mut self.series, &mut recount.series);
        self.settle();
        true
    }

    pub(super) fn is_empty(&self) -> bool {
        self.active.rows() == 0 && self.frozen.is_empty()
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired
    }

    /// Gives back what an empty table holds: it is never used again.
    pub(super) fn retire(&mut self) {
        debug_assert!(self.is_empty(), "nothing is lost");
        self.is_retired = true;
        self.reservation = None;
    }

    /// Returns the beginning of the rows that are here.
    pub(super) fn span(&self) -> Option<Span> {
        let frozen = self.frozen.first().map(|frozen| frozen.span);
        frozen.or(self.active_span)
    }

    pub(super) fn rows(&self) -> u64 {
        let frozen = self.frozen.iter().map(|frozen| frozen.segment.rows());
        (frozen.sum::<usize>() + self.active.rows()) as u64
    }

    pub(super) fn series_count(&self) -> u64 {
        self.series.len() as u64
    }

    pub(super) fn contains_series(&self, tags: &[(&str, &str)]) -> bool {
        self.series.contains(tags)
    }

    /// Everything reserved for this table. It does not say what readers still hold elsewhere.
    pub(super) fn reserved_bytes(&self) -> u64 {
        self.frozen_bytes + self.active_reserved_bytes()
    }

    /// The table's rows as they are; `None` if there are none. A growing segment that is large is
    /// frozen for it: then there is nothing to copy.
    pub(super) fn copy(&mut self, budget: &Budget) -> Result<Option<TableCopy>, Exhausted> {
        if self.active.batch().heap_bytes() > COPY_BYTES_MAX {
            self.freeze();
        }
        let active = if self.active.rows() == 0 {
            None
        } else {
            let batch = self.active.batch();
            let fields_bytes = batch.fields().len() * (size_of::<SegmentField>() + 256);
            let reservation = budget.try_reserve(batch.heap_bytes() + fields_bytes as u64)?;
            Some((batch.clone(), reservation))
        };
        if self.is_empty() {
            return Ok(None);
        }
        Ok(Some(TableCopy {
            frozen: self.frozen.clone(),
            active,
            sequence: self.sequence,
        }))
    }

    pub(super) fn add_stats(&self, stats: &mut BufferStats) {
        stats.tables += 1;
        stats.rows += self.rows();
        stats.series += self.series_count();
        stats.active_bytes += self.active.heap_bytes() + self.series.heap_bytes();
        stats.frozen_bytes += self.frozen_bytes;
        stats.reserved_bytes += self.reserved_bytes();
        stats.frozen_segments += self.frozen.len() as u64;
    }

    /// Counts the series of the growing segment from number `known` on.
    fn note_active_series(&mut self, known: usize) {
        let new = narrow::id(known)..narrow::id(self.active.series_count());
        self.series.insert_of(self.active.batch(), new);
    }

    fn active_reserved_bytes(&self) -> u64 {
        self.reservation.as_ref().map_or(0, Reservation::bytes)
    }

    /// The most that the growing segment can have on its heap, with what stays when it is frozen.
    fn needed_bytes(&self) -> u64 {
        let name_bytes = self.active.batch().measurement().len() as u64;
        // A frozen segment keeps its name, and the next one needs its own.
        let names = if self.active.rows() > 0 { 3 } else { 2 };
        self.active.heap_bytes_max()
            + SeriesSet::bytes_max(self.series.len())
            + TABLE_BYTES
            + names * name_bytes
    }

    /// Gives back what was reserved beyond the need.
    fn settle(&mut self) {
        self.settled_bytes = self.needed_bytes();
        if let Some(reservation) = &mut self.reservation {
            debug_assert!(
                reservation.bytes() >= self.settled_bytes,
                "the need is paid for"
            );
            reservation.shrink_to(self.settled_bytes);
        }
    }

    /// Turns the growing segment into a frozen one that holds exactly its bytes.
    pub(super) fn freeze(&mut self) {
        let Some(span) = self.active_span.take() else {
            return;
        };
        let next = BatchBuilder::new(self.active.batch().measurement());
        let segment = mem::replace(&mut self.active, next).freeze();
        let bytes = segment.heap_bytes();
        let reservation = self
            .reservation
            .as_mut()
            .map(|reservation| Arc::new(reservation.split(bytes)));
        self.frozen_bytes += bytes;
        self.changes += 1;
        self.frozen.push(Arc::new(Frozen {
            segment: Arc::new(segment),
            spread: Arc::default(),
            span,
            last: self.sequence,
            bytes,
            _reservation: reservation,
        }));
        self.settle();
    }
}

impl Recount {
    /// Counts the series of the frozen segments: those do not change.
    pub(super) fn count_frozen(&mut self) {
        for frozen in self.frozen.iter().skip(self.next_frozen) {
            self.series.insert_all(&frozen.segment);
        }
        self.next_frozen = self.frozen.len();
    }
}

impl TableCopy {
    /// Finishes the snapshot; the copied rows become its last segment.
    pub(super) fn freeze(self) -> TableSnapshot {
        let frozen = self.frozen.iter().map(|frozen| SealedSegment {
            segment: Arc::clone(&frozen.segment),
            last: frozen.last,
            spread: Arc::clone(&frozen.spread),
        });
        let mut segments: Vec<SealedSegment> = frozen.collect();
        let copy = self.active.map(|(batch, mut reservation)| {
            let segment = batch.freeze();
            debug_assert!(
                reservation.bytes() >= segment.heap_bytes(),
                "the copy is paid for"
            );
            reservation.shrink_to(segment.heap_bytes());
            segments.push(SealedSegment {
                segment: Arc::new(segment),
                last: self.sequence,
                spread: Arc::default(),
            });
            reservation
        });
        TableSnapshot {
            segments,
            sequence: self.sequence,
            _frozen: self.frozen,
            _copy: copy,
        }
    }
}
