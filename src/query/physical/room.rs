//! The memory of one sort, in which room is kept for the merge of what it holds.
//!
//! ```text
//! takes rows:   [ rows that are held ........... | room ]   its share, as of who can spill
//! merges them:  [ rows that are held ... | room ][ rows and keys that are merged ]
//! ```
//!
//! A sort holds rows until its share is full, and merges them then, on their way to the disk, or once it has all.
//! For that it writes out the keys, which may be longer than the rows. In 55.2 it asks for their memory only then,
//! when it has none left but what others gave back by chance: so a question was refused before anything was on the
//! disk. Here the room for the keys is taken along with the rows, out of the same share, and what a merge asks for
//! comes out of it first. What the sort gives back while it merges becomes room, too, so that no other gets it
//! between two steps of the merge. Once each run has rows in the merge, no more is kept than the next rows of some
//! runs take, for which others have ended: who reads the rows may do so for long.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::common::{internal_err, resources_err};
use datafusion::error::Result;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// The pool of one sort, which has two consumers: one that can spill holds rows, one that cannot merges them.
#[derive(Debug)]
pub(super) struct SortMemory {
    pool: Arc<dyn MemoryPool>,
    /// The room that the merge of the rows needs which come next, beyond what they take.
    room_bytes: Arc<AtomicUsize>,
    /// What the sort keeps for merging while it takes rows.
    merging_bytes: usize,
    parts: Mutex<Parts>,
}

impl SortMemory {
    /// The memory of a sort that is a consumer of a pool.
    pub(super) fn new(
        pool: &Arc<dyn MemoryPool>,
        room_bytes: Arc<AtomicUsize>,
        merging_bytes: usize,
    ) -> Self {
        let sort = MemoryConsumer::new("sort").with_can_spill(true);
        let merge = MemoryConsumer::new("merge of a sort");
        let parts = Parts {
            sort: Some(sort.register(pool)),
            held: 0,
            merge: merge.register(pool),
            phase: Phase::Takes,
            step: 0,
        };
        Self {
            pool: Arc::clone(pool),
            room_bytes,
            merging_bytes,
            parts: Mutex::new(parts),
        }
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct Parts {
    /// What is held, and the room. None once the sort holds no more.
    sort: Option<MemoryReservation>,
    held: usize,
    merge: MemoryReservation,
    phase: Phase,
    /// The most that the merge took at once.
    step: usize,
}

/// How many steps of a merge there is room for once all runs take part.
const STEPS: usize = 4;

/// What a sort does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It takes rows, and keeps a fixed size for merging.
    Takes,
    /// It has given that back, and gets what it holds ready to be merged.
    Begins,
    /// All runs take part: something was merged.
    Merges,
}

impl Parts {
    fn room(&self) -> usize {
        let sort = self.sort.as_ref().map_or(0, MemoryReservation::size);
        sort.saturating_sub(self.held)
    }

    /// Takes memory for rows that come, and room for their merge.
    fn try_hold(&mut self, bytes: usize, room: usize) -> Result<()> {
        let Some(sort) = &self.sort else {
            return internal_err!("a sort that is over takes rows");
        };
        let is_empty = self.held == 0;
        if is_empty {
            // It begins anew, so what is left of the room is for nothing.
            sort.free();
        }
        let taken = sort.try_grow(bytes.saturating_add(room));
        match taken {
            // It has nothing to put on disk.
            Err(_) if is_empty => sort.try_grow(bytes)?,
            taken => taken?,
        }
        self.held += bytes;
        Ok(())
    }

    /// Takes more for rows that are held: in order, or put together before that, they may take more than as
    /// they came. It is a part of their merge.
    fn try_hold_more(&mut self, bytes: usize) -> Result<()> {
        let room = self.room();
        let Some(sort) = &self.sort else {
            return internal_err!("a sort that is over has rows");
        };
        // Even nothing would be refused to whom others joined that share with it.
        if bytes > room {
            sort.try_grow(bytes - room)?;
        }
        self.held += bytes;
        Ok(())
    }

    fn try_merge(&mut self, bytes: usize, merging_bytes: usize) -> Result<()> {
        if self.held == 0 && self.merge.size() == 0 && bytes == merging_bytes {
            self.phase = Phase::Takes;
        }
        let room = self.room().min(bytes);
        if bytes > room {
            self.merge.try_grow(bytes - room)?;
        }
        self.step = self.step.max(bytes);
        if let Some(sort) = &self.sort {
            // In this order nobody gets it in between.
            self.merge.grow(room);
            sort.shrink(room);
        }
        Ok(())
    }

    /// Gives back what was merged: as room while there are rows to be merged. After that less room is needed, too.
    fn has_merged(&mut self, bytes: usize) {
        match &self.sort {
            Some(sort) if self.held > 0 => sort.grow(bytes),
            Some(sort) => {
                sort.shrink(self.room().min(bytes));
            }
            None => {}
        }
        self.merge.shrink(bytes);
        if self.merge.size() == 0 {
            (self.phase, self.step) = (Phase::Begins, 0);
        } else {
            self.phase = Phase::Merges;
        }
        self.give_back();
    }

    fn has_held(&mut self, bytes: usize) {
        debug_assert!(bytes <= self.held, "no more is given back than was taken");
        self.held = self.held.saturating_sub(bytes);
        self.give_back();
    }

    /// Gives back the room for what is merged by now.
    fn give_back(&self) {
        let most = self.step.saturating_mul(STEPS);
        if let (Phase::Merges, Some(sort)) = (self.phase, &self.sort) {
            sort.shrink(self.room().saturating_sub(most));
        }
    }
}

impl MemoryPool for SortMemory {
    fn name(&self) -> &str {
        self.pool.name()
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        let mut parts = self.parts();
        // What is merged from memory may still have to come when none is held any more; what is merged from the disk
        // has no use for the room.
        let is_over = match consumer.can_spill() {
            true => parts.merge.size() == self.merging_bytes || parts.room() == 0,
            false => parts.held == 0,
        };
        if is_over {
            parts.sort = None;
        }
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        let mut parts = self.parts();
        match &parts.sort {
            Some(sort) if reservation.consumer().can_spill() => {
                sort.grow(additional);
                parts.held += additional;
            }
            _ => parts.merge.grow(additional),
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        let mut parts = self.parts();
        match reservation.consumer().can_spill() {
            true => parts.has_held(shrink),
            false => parts.has_merged(shrink),
        }
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut parts = self.parts();
        if !reservation.consumer().can_spill() {
            return parts.try_merge(additional, self.merging_bytes);
        }
        match parts.phase {
            Phase::Takes => {
                let room = self.room_bytes.load(Ordering::Relaxed);
                parts.try_hold(additional, room)
            }
            // What is merged goes to the disk at once: the room is for the keys of what is not merged yet.
            Phase::Begins | Phase::Merges if reservation.size() == 0 => {
                resources_err!("what a sort has merged goes to the disk")
            }
            Phase::Begins | Phase::Merges => parts.try_hold_more(additional),
        }
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

impl fmt::Display for SortMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pool)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use datafusion::execution::memory_pool::{
        FairSpillPool, MemoryConsumer, MemoryPool, MemoryReservation,
    };

    use super::{STEPS, SortMemory};

    const ALL: usize = 1000;
    const MERGING: usize = 10;

    struct Sort {
        all: Arc<dyn MemoryPool>,
        room_bytes: Arc<AtomicUsize>,
        rows: MemoryReservation,
        merge: MemoryReservation,
    }

    impl Sort {
        /// A sort whose batches need this much room, which has taken what it may of batches of 20 bytes.
        fn full(room_bytes: usize) -> Self {
            let all: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(ALL));
            let room_bytes = Arc::new(AtomicUsize::new(room_bytes));
            let memory = SortMemory::new(&all, Arc::clone(&room_bytes), MERGING);
            let memory = Arc::new(memory) as _;
            let rows = MemoryConsumer::new("rows").with_can_spill(true);
            let sort = Self {
                all,
                room_bytes,
                rows: rows.register(&memory),
                merge: MemoryConsumer::new("merge").register(&memory),
            };
            sort.take_all();
            sort
        }

        fn take_all(&self) {
            self.merge.try_resize(MERGING).expect("free");
            while self.rows.try_grow(20).is_ok() {}
        }

        /// All others take what they get.
        fn take_rest(&self) -> MemoryReservation {
            let others = MemoryConsumer::new("others").register(&self.all);
            while others.try_grow(1).is_ok() {}
            others
        }
    }

    /// From a bug: a sort had all of its share when it began to merge, and the question was refused.
    #[test]
    fn what_is_held_can_be_merged_whatever_others_take() {
        for room_bytes in [0, 5, 35, 400] {
            let sort = Sort::full(room_bytes);
            let batches = sort.rows.size() / 20;
            assert_eq!(batches, (ALL - MERGING) / (20 + room_bytes));
            let others = sort.take_rest();
            for _ in 0..2 {
                sort.merge.free();
                for _ in 0..batches {
                    // In order it takes one half, which the merge has from then on, with the keys.
                    sort.rows.shrink(10);
                    sort.rows.shrink(10);
                    others.try_grow(1).expect_err("it is the room of the sort");
                    sort.merge.try_grow(10 + room_bytes).expect("its room");
                }
                sort.merge.free();
                sort.take_all();
                assert_eq!(sort.rows.size() / 20, batches, "as often as there are rows");
            }
            drop((sort.rows, sort.merge));
            assert_eq!(sort.all.reserved(), others.size());
        }
    }

    #[test]
    fn the_room_is_given_back_as_rows_are_merged() {
        let sort = Sort::full(40);
        sort.merge.free();
        let rows = sort.rows.size();
        drop(sort.rows);
        let room = sort.all.reserved();
        sort.merge.try_grow(rows).expect("its room");
        assert_eq!(sort.all.reserved(), room);
        sort.merge.shrink(rows / 2);
        assert_eq!(sort.all.reserved(), room - rows / 2 * 2);
        drop(sort.merge);
        assert_eq!(sort.all.reserved(), 0);
    }

    /// From a review: a client that read slowly kept all of the room from others until it had nearly all rows.
    #[test]
    fn no_more_room_is_kept_than_the_next_rows_of_some_runs_take() {
        let sort = Sort::full(0);
        let rows = sort.rows.size();
        sort.merge.free();
        // All are put in order, and a part of each of three runs takes part.
        sort.rows.shrink(rows / 2);
        assert_eq!(sort.all.reserved(), rows + MERGING);
        for _ in 0..3 {
            sort.rows.shrink(10);
            sort.merge.try_grow(15).expect("its room");
        }
        assert_eq!(sort.all.reserved(), rows + MERGING);
        for _ in 0..10 {
            sort.merge.shrink(15);
            let least = sort.rows.size() + sort.merge.size();
            assert_eq!(sort.all.reserved(), least + 15 * STEPS);
            let others = sort.take_rest();
            sort.rows.shrink(10);
            sort.merge.try_grow(15).expect("its room");
            drop(others);
        }
    }

    #[test]
    fn what_is_merged_from_the_disk_needs_no_room() {
        let sort = Sort::full(40);
        sort.rows.free();
        drop(sort.rows);
        assert_eq!(sort.all.reserved(), MERGING);
        sort.merge.try_grow(ALL - MERGING).expect("free");
    }

    /// Few batches become one before they are in order, which may take more than they took.
    #[test]
    fn what_is_held_can_become_one_whoever_shares_the_memory_by_then() {
        let sort = Sort::full(40);
        let held = sort.rows.size();
        let other = MemoryConsumer::new("another").with_can_spill(true);
        let _other = other.register(&sort.all);
        sort.merge.free();
        for merged in 0..2 {
            sort.rows.try_resize(held + 30 + merged).expect("its room");
            sort.rows.try_grow(0).expect("nothing");
            sort.rows.try_grow(ALL).expect_err("beyond its room");
            assert_eq!(sort.rows.size(), held + 30 + merged);
            sort.merge.try_grow(1).expect("a key");
        }
    }

    #[test]
    fn what_is_merged_on_its_way_to_the_disk_takes_no_room() {
        let sort = Sort::full(40);
        sort.merge.free();
        let merged = sort.rows.new_empty();
        merged.try_grow(1).expect_err("the room is for keys");
        drop(merged);
        sort.rows.free();
        sort.take_all();
        assert!(sort.rows.size() > 20, "it takes rows again");
    }

    /// A batch for whose keys there is no room is taken alone.
    #[test]
    fn the_first_batch_needs_no_room() {
        let sort = Sort::full(2 * ALL);
        assert_eq!(sort.rows.size(), 20);
        sort.rows.free();
        sort.room_bytes.store(0, Ordering::Relaxed);
        sort.take_all();
        assert_eq!(sort.rows.size(), (ALL - MERGING) / 20 * 20);
    }
}
