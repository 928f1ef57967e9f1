//! Memory for moving rows into a table, beside the rows themselves, and the number of rows for which
//! it is enough.
//!
//! A flush frees memory, so it must work when no memory is free. Then it moves only as many rows as
//! fit the memory set aside for flushing ([`crate::memory::Marks::flush_bytes`]); segments are small
//! enough for at least one to fit. While memory is plentiful, it takes more at once, for larger files.

use crate::buffer::Sealed;
use crate::columnar::Segment;
use crate::memory::{Budget, FlushShare, Reservation};

/// Bytes per row for sorting (rank, time, place, order) and for the one column that is being encoded
/// (values, the rows that have one, indexes).
const ROW_BYTES: u64 = 92;

/// Bytes per column: a chunk, its part of a footer, its part of the table's metadata.
const COLUMN_BYTES: u64 = 3072;

/// While memory is plentiful, a flush takes at most one part in this many of the budget.
const PLENTY_PART: u64 = 4;

/// The memory that a flush holds.
#[derive(Debug)]
pub(in crate::lake) enum Scratch {
    /// Memory that everybody shares.
    Free { _held: Reservation },
    /// Memory that is set aside for flushing.
    SetAside { _held: FlushShare },
}

impl Scratch {
    /// Returns as many of the rows as can be moved at once, with the memory for them. Waits for other
    /// flushes only.
    pub(in crate::lake) async fn take(budget: &Budget, sealed: Sealed) -> (Sealed, Self) {
        let marks = budget.marks();
        let plenty = (marks.budget_bytes / PLENTY_PART).max(marks.flush_bytes());
        let large = sealed.cut(plenty, cost);
        let large_bytes = cost_of(&large);
        let is_plenty = budget.used_bytes().saturating_add(large_bytes) <= marks.soft_bytes;
        if large_bytes > marks.flush_bytes()
            && is_plenty
            && let Ok(held) = budget.try_reserve(large_bytes)
        {
            return (large, Self::Free { _held: held });
        }
        let small = large.cut(marks.flush_bytes(), cost);
        let held = budget.flush_share(cost_of(&small)).await;
        (small, Self::SetAside { _held: held })
    }
}

/// The bytes that one segment takes: for its rows, as a file, and for the column that is being
/// encoded.
fn cost(segment: &Segment, bytes: u64) -> u64 {
    let columns = segment.column_count() as u64;
    ROW_BYTES * segment.rows() as u64 + bytes + bytes / 2 + COLUMN_BYTES * columns
}

fn cost_of(sealed: &Sealed) -> u64 {
    let bytes_each = sealed
        .segments
        .iter()
        .map(|segment| (segment, segment.heap_bytes()));
    bytes_each
        .map(|(segment, bytes)| cost(segment, bytes))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::{Scratch, cost_of};
    use crate::buffer::{Buffer, BufferLimits};
    use crate::columnar::{BatchBuilder, FieldValue};
    use crate::id::{BucketId, Sequence, TableId};
    use crate::memory::{Budget, Marks};

    fn budget() -> Budget {
        Budget::new(Marks {
            budget_bytes: 64 << 20,
            soft_bytes: 40 << 20,
            hard_bytes: 54 << 20,
        })
    }

    /// A table with many segments of the size that the marks allow.
    fn filled(budget: &Budget) -> Buffer {
        let segment_bytes_max = budget.marks().segment_bytes_max();
        let buffer = Buffer::new(BufferLimits { segment_bytes_max });
        for sequence in 1..=60 {
            let mut builder = BatchBuilder::new("m");
            let series = builder.series(&[]);
            let column = builder.field_column("v", crate::columnar::FieldType::Float);
            for row in 0..10_000 {
                builder.push_row(series, row, &[(column, FieldValue::Float(1.5))]);
            }
            let batch = builder.batch();
            let reserved = budget.force(Buffer::apply_bytes_max(batch));
            buffer.apply(BucketId(1), Sequence(sequence), batch, reserved);
        }
        buffer
    }

    /// Issue 8, C1: a flush took what was not there.
    #[tokio::test]
    async fn a_flush_goes_on_without_free_memory_and_takes_what_is_set_aside_at_most() {
        let budget = budget();
        let buffer = filled(&budget);
        let sealed = buffer.seal(&TableId::new(BucketId(1), "m")).expect("rows");
        assert!(cost_of(&sealed) > budget.marks().flush_bytes());
        let rest = budget.marks().hard_bytes - budget.used_bytes();
        let _full = budget.try_reserve(rest).expect("fits");
        let (unit, scratch) = Scratch::take(&budget, sealed).await;
        assert!(matches!(scratch, Scratch::SetAside { .. }));
        assert!(unit.rows > 0 && cost_of(&unit) <= budget.marks().flush_bytes());
        assert_eq!(budget.used_bytes(), budget.marks().hard_bytes);
    }

    #[tokio::test]
    async fn a_flush_takes_more_while_there_is_plenty_and_counts_it() {
        let budget = budget();
        let buffer = filled(&budget);
        let sealed = buffer.seal(&TableId::new(BucketId(1), "m")).expect("rows");
        let before = budget.used_bytes();
        let (unit, scratch) = Scratch::take(&budget, sealed).await;
        assert!(matches!(scratch, Scratch::Free { .. }));
        assert_eq!(budget.used_bytes(), before + cost_of(&unit));
        assert!(cost_of(&unit) <= 16 << 20);
    }
}
