//! The memory in which files are read: an export's, or that of a compaction.
//!
//! A reading takes a floor at its beginning, when it holds nothing, and keeps it to its end: as
//! much memory as one small chunk of each of its files takes. The floors of all current readings
//! take at most half of what there is, so that writes continue; later readings wait a while. Beyond
//! the floor it takes what is free, file by file, and never waits for it: a file that got nothing
//! is read in narrow steps, each of which opens it, takes one chunk and closes it again. Such a
//! step needs more than the floor for a moment, so there is one at a time in the whole process
//! ([`Room::turn`]). The holder of the turn waits for no memory and for nobody else, so readings
//! cannot block each other, however many there are.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;

use super::budget::{Budget, Exhausted, Reservation};
use crate::narrow;

/// The divisor of the hard mark for the size of the floor.
const FLOOR_SHARE: u64 = 8;

/// The largest chunk of one file in bytes. Larger ones are no faster.
const CHUNK_BYTES_MAX: u64 = 2 << 20;

/// The smallest chunk of one file in bytes, however many files are open.
const CHUNK_BYTES_MIN: u64 = 16 << 10;

/// The largest chunk of one file of a further room ([`Room::beside`]) in bytes.
const CHUNK_BYTES_BESIDE: u64 = 64 << 10;

/// The memory of one reading. Clones share it.
#[derive(Clone, Debug)]
pub struct Room {
    floor: Arc<Reservation>,
    _place: Option<Arc<OwnedSemaphorePermit>>,
}

/// The right to be the one that reads in a narrow step.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Given back before the next one's turn.
    _bytes: Reservation,
    _turn: MutexGuard<'a, ()>,
}

impl Room {
    /// Takes the floor, waiting at most `patience` for other readings and for memory, or says that
    /// it is short. It always fits when nothing else is held. The caller must hold no reservation.
    pub async fn enter(budget: &Budget, patience: Duration) -> Result<Self, Exhausted> {
        let floor_bytes = Self::floor_bytes(budget);
        let begun = crate::clock::instant();
        let place = Arc::clone(&budget.shared.readings).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout(patience, place).await else {
            return Err(Exhausted {
                wanted_bytes: floor_bytes,
                used_bytes: budget.used_bytes(),
                hard_bytes: budget.marks().reading_bytes_max(),
            });
        };
        let waited = crate::clock::instant().saturating_duration_since(begun);
        let patience = patience.saturating_sub(waited);
        let floor = budget.reserve_to_read(floor_bytes, patience).await?;
        Ok(Self {
            _place: Some(Arc::new(place)),
            ..Self::within(floor)
        })
    }

    /// Returns the size of a floor, for callers that take it together with more.
    pub fn floor_bytes(budget: &Budget) -> u64 {
        budget.marks().hard_bytes / FLOOR_SHARE
    }

    /// A room with this floor.
    pub fn within(floor: Reservation) -> Self {
        Self {
            floor: Arc::new(floor),
            _place: None,
        }
    }

    /// A further room for so many files, with a floor of at most an equal part of this one's, and of
    /// no more than small chunks of these files take.
    ///
    /// # Errors
    /// The memory is not free.
    pub fn beside(&self, parts: usize, files: usize) -> Result<Self, Exhausted> {
        let part = self.floor.bytes() / narrow::to_u64(parts).max(1);
        let chunks = narrow::to_u64(files).saturating_mul(2 * CHUNK_BYTES_BESIDE);
        Ok(Self::within(self.need(part.min(chunks))?))
    }

    /// Returns the largest chunk in bytes if this many files are open at once. For a moment a file
    /// has two chunks, and the merge an index of what is in it.
    pub fn chunk_bytes(&self, files: usize) -> u64 {
        let files = narrow::to_u64(files).max(1);
        let share = self.floor.bytes() / files.saturating_mul(2);
        share.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX)
    }

    /// Takes more memory if enough is free that nobody else notices: at most three quarters of the
    /// soft mark are in use afterwards.
    pub fn more(&self, bytes: u64) -> Option<Reservation> {
        let budget = self.floor.budget();
        let more = budget.try_reserve(bytes).ok()?;
        (budget.used_bytes() <= budget.marks().soft_bytes / 4 * 3).then_some(more)
    }

    /// Takes memory that the reading cannot do without, or returns why not.
    pub fn need(&self, bytes: u64) -> Result<Reservation, Exhausted> {
        let mut needed = self.floor.budget().empty();
        needed.try_grow_to_read(bytes)?;
        Ok(needed)
    }

    /// Waits until nobody else reads in a narrow step. The step's memory is counted regardless of
    /// the marks: the step is short, and writers yield to it.
    pub fn turn(&self, bytes: u64) -> Turn<'_> {
        let budget = self.floor.budget();
        let turn = budget.shared.turn.lock();
        Turn {
            _turn: turn.unwrap_or_else(PoisonError::into_inner),
            _bytes: budget.force(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Room;
    use crate::memory::{Budget, Exhausted, Marks};

    fn budget() -> Budget {
        Budget::new(Marks {
            budget_bytes: 100 << 20,
            soft_bytes: 60 << 20,
            hard_bytes: 80 << 20,
        })
    }

    async fn enter(budget: &Budget) -> Result<Room, Exhausted> {
        Room::enter(budget, Duration::ZERO).await
    }

    /// From a review: eight readings had all that writes may take.
    #[tokio::test]
    async fn readings_leave_half_of_the_memory_to_writes_however_many_come() {
        let budget = budget();
        let mut rooms = Vec::new();
        while let Ok(room) = enter(&budget).await {
            rooms.push(room);
        }
        assert_eq!(budget.used_bytes(), 40 << 20);
        let patience = Duration::from_secs(60);
        let waiting = Room::enter(&budget, patience);
        let left = async {
            tokio::task::yield_now().await;
            rooms.pop();
        };
        let (entered, ()) = tokio::join!(waiting, left);
        assert!(
            entered.is_ok(),
            "who waits gets the place of one that leaves"
        );
    }

    /// From a review: it was refused for the moment of another's narrow step.
    #[tokio::test]
    async fn a_reading_that_meets_a_narrow_step_waits_for_its_end() {
        let budget = budget();
        let room = enter(&budget).await.expect("nothing is held");
        let turn = room.turn(75 << 20);
        assert!(enter(&budget).await.is_err());
        let waiting = Room::enter(&budget, Duration::from_secs(60));
        let end = async {
            tokio::task::yield_now().await;
            drop(turn);
        };
        let (entered, ()) = tokio::join!(waiting, end);
        assert!(entered.is_ok());
    }

    /// From a review: a question that merged two small files thirty times left no memory to writes.
    #[tokio::test]
    async fn a_further_room_takes_what_small_chunks_of_its_files_need() {
        let budget = budget();
        let room = enter(&budget).await.expect("nothing is held");
        let floor = budget.used_bytes();
        let beside = room.beside(2, 3).expect("it is free");
        assert_eq!(budget.used_bytes() - floor, 3 * 2 * (64 << 10));
        assert_eq!(beside.chunk_bytes(3), 64 << 10);
        let many = room.beside(2, 1_000).expect("it is free");
        assert_eq!(many.floor.bytes(), floor / 2, "no more than an equal part");
    }

    #[tokio::test]
    async fn a_reading_takes_its_floor_at_once_and_more_only_while_nobody_feels_it() {
        let budget = budget();
        let room = enter(&budget).await.expect("nothing is held");
        assert_eq!(budget.used_bytes(), 10 << 20);
        let more = room
            .more(30 << 20)
            .expect("below three quarters of the soft mark");
        assert!(room.more(6 << 20).is_none());
        assert_eq!(
            budget.used_bytes(),
            40 << 20,
            "what was refused is not held"
        );
        drop(more);
        let held = budget.try_reserve(65 << 20).expect("fits");
        let refused = enter(&budget).await.expect_err("75 of 80 are held");
        assert!(refused.fits_when_idle());
        drop((held, room));
        assert_eq!(budget.used_bytes(), 0);
    }

    #[tokio::test]
    async fn a_narrow_step_gets_its_turn_though_memory_is_short_and_one_at_a_time() {
        let budget = budget();
        let room = enter(&budget).await.expect("nothing is held");
        let _held = budget.try_reserve(70 << 20).expect("fits");
        let turn = room.turn(50 << 20);
        assert!(budget.shared.turn.try_lock().is_err());
        drop(turn);
        assert_eq!(budget.used_bytes(), 80 << 20);
        assert!(budget.shared.turn.try_lock().is_ok());
    }

    #[tokio::test]
    async fn chunks_of_all_files_fit_the_floor() {
        let room = enter(&budget()).await.expect("nothing is held");
        assert_eq!(room.chunk_bytes(1), 2 << 20);
        assert_eq!(room.chunk_bytes(64), (10 << 20) / 128);
        assert_eq!(room.chunk_bytes(100_000), 16 << 10);
    }
}
