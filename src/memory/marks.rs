//! The size of the memory, and the marks in it.

/// The size of the memory and the marks from which on it is short, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The whole budget.
    pub budget_bytes: u64,
    /// The soft mark: from here on, acknowledgements slow down.
    pub soft_bytes: u64,
    /// The hard mark: reservations past it are refused.
    pub hard_bytes: u64,
}

/// The divisor of the budget for the part that is set aside even if the hard mark is close to the
/// budget.
const ASIDE_PART_MIN: u64 = 16;

/// The number of segments of the largest size that fit into what a flush of one of them takes; see
/// [`Marks::segment_bytes_max`].
const SEGMENTS_IN_FLUSH: u64 = 7;

impl Marks {
    /// The bytes that all flushes together may hold besides the rows that they move.
    pub fn flush_bytes(&self) -> u64 {
        self.aside_bytes() / 3 * 2
    }

    /// The bytes that may be kept of tables between their flushes.
    pub fn kept_bytes(&self) -> u64 {
        self.aside_bytes() / 3
    }

    /// The largest segment that a flush can always move: sorting takes up to 90 bytes per row,
    /// which has 20 at least, and the file and a column of it half as much again as the segment.
    pub fn segment_bytes_max(&self) -> u64 {
        (self.flush_bytes() / SEGMENTS_IN_FLUSH).max(1)
    }

    /// The most bytes in use up to which questions, exports and what else reads may take more. What is
    /// above is for writes, which would be refused else while many of them run.
    pub fn reading_bytes_max(&self) -> u64 {
        self.hard_bytes - self.hard_bytes.saturating_sub(self.soft_bytes) / 2
    }

    fn aside_bytes(&self) -> u64 {
        let above = self.budget_bytes.saturating_sub(self.hard_bytes);
        above.max(self.budget_bytes / ASIDE_PART_MIN)
    }
}
