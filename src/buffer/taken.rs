//! The parts of a table that others take and hold: segments that no longer change, and the memory
//! accounted for them.

use std::sync::Arc;
use std::time::Instant;

use super::spread::{KnownSpread, Spread};
use crate::certain::Certain;
use crate::columnar::Segment;
use crate::id::{Sequence, TableId};
use crate::memory::{Budget, Exhausted, Reservation};

/// A segment that no longer changes, and the memory it holds.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) segment: Arc<Segment>,
    /// The times of its rows, for readers.
    pub(super) spread: Arc<KnownSpread>,
    /// All of its rows.
    pub(super) span: Span,
    /// The last batch in it.
    pub(super) last: Sequence,
    /// The number of its bytes on the heap.
    pub(super) bytes: u64,
    pub(super) _reservation: Option<Arc<Reservation>>,
}

/// The beginning of a run of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// The batch of the first row.
    pub(super) first: Sequence,
    /// The time of its arrival.
    pub(super) since: Instant,
}

/// A segment that no longer changes, and where it stands in the order of all writes.
#[derive(Clone, Debug)]
pub struct SealedSegment {
    /// The rows.
    pub segment: Arc<Segment>,
    /// The last batch in it. Of the batches up to this one the segment, and those before it in
    /// its table, have everything that is not released.
    pub last: Sequence,
    pub(super) spread: Arc<KnownSpread>,
}

impl SealedSegment {
    /// The times between which the rows lie. They are looked at once for all readers, unless the
    /// segment is a copy of rows that are still growing.
    ///
    /// # Errors
    /// There is no memory in `budget` for what is kept of them.
    pub fn spread(&self, budget: &Budget) -> Result<Arc<Spread>, Exhausted> {
        self.spread.of(self.segment.times(), budget)
    }
}

/// A table as it was after the batch with `sequence`: complete, and unchanged by later writes.
/// Its memory is accounted for until it is dropped.
#[derive(Debug)]
pub struct TableSnapshot {
    /// Oldest first: of equal points, the later segment's (and in a segment the later row's)
    /// values win, field by field. The last one may be a copy of rows that are still growing.
    pub segments: Vec<SealedSegment>,
    /// The last batch in it.
    pub sequence: Sequence,
    pub(super) _frozen: Vec<Arc<Frozen>>,
    pub(super) _copy: Option<Reservation>,
}

impl TableSnapshot {
    /// Returns the segments that have a batch after `flushed`: all other rows are already elsewhere.
    /// None of them also has a batch before it if a [`Sealed`] ended there.
    pub fn after(&self, flushed: Sequence) -> Vec<SealedSegment> {
        let rest = self.segments.iter().filter(|sealed| sealed.last > flushed);
        rest.cloned().collect()
    }
}

/// The reason why there are as many.
const TAKEN: &str = "no more are taken than there are";

/// All rows of a table up to a sequence, to be moved elsewhere. They stay in the table, for
/// readers, until they are released; their memory is accounted for until both are gone.
#[derive(Debug)]
pub struct Sealed {
    /// Oldest first, at least one, none empty; see [`TableSnapshot::segments`].
    pub segments: Vec<Arc<Segment>>,
    /// The last batch in them: no other batch up to this one has rows of the table that are not
    /// in here or released, and none of a later one are in here.
    pub last: Sequence,
    /// Rows, overwritten ones included.
    pub rows: u64,
    /// Bytes on the heap.
    pub bytes: u64,
    _frozen: Vec<Arc<Frozen>>,
}

impl Sealed {
    /// Drops the newest segments until the `cost` of the others, which takes each with its
    /// bytes, is at most `cost_max`, or only one is left: as much as can be moved at once. The
    /// dropped segments stay in the table.
    #[must_use]
    pub fn cut(&self, cost_max: u64, cost: impl Fn(&Segment, u64) -> u64) -> Self {
        let mut sum = 0_u64;
        let fitting = self._frozen.iter().take_while(|frozen| {
            sum = sum.saturating_add(cost(&frozen.segment, frozen.bytes));
            sum <= cost_max
        });
        let count = fitting.count().max(1);
        let frozen = self._frozen.get(..count);
        Self::new(frozen.certain(TAKEN)).certain("there is at least one segment")
    }

    /// The part of it that was sealed earlier, up to this sequence; `None` if there is none.
    pub fn up_to(&self, last: Sequence) -> Option<Self> {
        let earlier = self._frozen.iter().take_while(|frozen| frozen.last <= last);
        let count = earlier.count();
        Self::new(self._frozen.get(..count).certain(TAKEN))
    }

    /// `None` if there are no segments.
    pub(super) fn new(frozen: &[Arc<Frozen>]) -> Option<Self> {
        Some(Self::of(frozen, frozen.last()?.last))
    }

    fn of(frozen: &[Arc<Frozen>], last: Sequence) -> Self {
        let rows: usize = frozen.iter().map(|frozen| frozen.segment.rows()).sum();
        let segments = frozen.iter().map(|frozen| Arc::clone(&frozen.segment));
        Self {
            segments: segments.collect(),
            last,
            rows: rows as u64,
            bytes: frozen.iter().map(|frozen| frozen.bytes).sum(),
            _frozen: frozen.to_vec(),
        }
    }
}

/// Frames of the log that say once more what a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedAgain {
    /// The first of them.
    pub first: Sequence,
    /// The last one.
    pub last: Sequence,
    /// The bytes that they take in the log.
    pub bytes: u64,
}

/// A table that has rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name.
    pub id: TableId,
    /// Rows, growing and frozen, overwritten ones included.
    pub rows: u64,
    /// Bytes reserved for it: what comes back when all of it is released and nobody reads it.
    pub bytes: u64,
    /// The first batch that is still here.
    pub first: Sequence,
    /// The time at which that batch arrived.
    pub since: Instant,
}
