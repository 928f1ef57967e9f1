//! The part of the budget that plans may take.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_query::Memory;

use crate::memory::{Budget, Reservation};
use crate::narrow;

/// A part of the budget, lent to the plans of all questions together.
#[derive(Debug)]
pub(super) struct QueryMemory {
    bytes_max: u64,
    held: Mutex<Reservation>,
}

impl QueryMemory {
    /// At most `bytes_max` of a budget.
    pub(super) fn new(budget: &Budget, bytes_max: u64) -> Self {
        Self {
            bytes_max,
            held: Mutex::new(budget.empty()),
        }
    }

    fn held(&self) -> MutexGuard<'_, Reservation> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory for QueryMemory {
    fn bytes_max(&self) -> usize {
        narrow::to_usize(self.bytes_max)
    }

    fn try_take(&self, bytes: usize) -> Result<(), String> {
        let taken = self.held().try_grow_to_read(narrow::to_u64(bytes));
        taken.map_err(|refused| refused.to_string())
    }

    fn take(&self, bytes: usize) {
        self.held().force_grow(narrow::to_u64(bytes));
    }

    fn give_back(&self, bytes: usize) {
        let mut held = self.held();
        let left = held.bytes().checked_sub(narrow::to_u64(bytes));
        debug_assert!(left.is_some(), "no more is given back than was taken");
        if left.is_none() {
            // In the middle of a drop, where a panic would end the process.
            tracing::error!(bytes, "queries gave back more memory than they had taken");
        }
        held.shrink_to(left.unwrap_or(0));
    }

    fn all_is_taken(&self) -> String {
        format!(
            "the query needs more memory than is left of the {} bytes that all queries share \
             (three quarters of query.memory_bytes_max)",
            self.bytes_max
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidegate_query::Memory;

    use super::QueryMemory;
    use crate::memory::{Budget, Marks, Room};

    #[test]
    fn what_plans_take_is_counted_in_the_budget_until_they_give_it_back() {
        let budget = Budget::new(Marks {
            budget_bytes: 100,
            soft_bytes: 50,
            hard_bytes: 90,
        });
        let memory = QueryMemory::new(&budget, 80);
        memory.try_take(60).expect("free");
        assert_eq!(budget.used_bytes(), 60);
        let refused = memory.try_take(40).expect_err("60 + 40 > 90");
        assert!(refused.contains("memory.budget_bytes"), "{refused}");
        memory.take(40);
        assert_eq!(budget.used_bytes(), 100);
        memory.give_back(90);
        assert_eq!(budget.used_bytes(), 10);
    }

    /// From a review: questions, exports and a compaction together had all that writes may take.
    #[tokio::test]
    async fn questions_and_exports_leave_writes_their_part_however_many_come() {
        let budget = Budget::new(Marks {
            budget_bytes: 256 << 20,
            soft_bytes: 179 << 20,
            hard_bytes: 217 << 20,
        });
        let compaction = budget.reserve_within(Room::floor_bytes(&budget), Duration::ZERO);
        let _compaction = compaction.await.expect("free");
        let plans = QueryMemory::new(&budget, 96 << 20);
        plans.try_take(96 << 20).expect("free");
        let mut rooms = Vec::new();
        while let Ok(room) = Room::enter(&budget, Duration::ZERO).await {
            rooms.push(room);
        }
        let room = rooms.first().expect("one at least");
        let mut files = Vec::new();
        while let Ok(more) = room.need(1 << 20) {
            files.push(more);
        }
        budget.try_reserve(18 << 20).expect("for writes");
    }
}
