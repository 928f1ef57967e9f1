//! Issue 8, C10: after a release the series that are left were counted anew under the table's lock,
//! and every acknowledgement waited.

use super::budget;
use crate::buffer::BufferLimits;
use crate::buffer::table::{Table, apply_bytes_max};
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use crate::id::Sequence;
use crate::memory::Budget;

fn batch(hosts: std::ops::Range<usize>) -> Batch {
    let mut builder = BatchBuilder::new("m");
    let column = builder.field_column("v", FieldType::Integer);
    for host in hosts {
        let series = builder.series(&[("host", &format!("host-{host}"))]);
        builder.push_row(series, 1, &[(column, FieldValue::Integer(1))]);
    }
    builder.finish()
}

fn apply(table: &mut Table, budget: &Budget, sequence: u64, batch: &Batch) {
    let reservation = budget.try_reserve(apply_bytes_max(batch)).expect("room");
    let limits = BufferLimits::default();
    table.apply(Sequence(sequence), batch, reservation, limits);
}

#[test]
fn writers_get_their_turn_while_series_are_counted_anew() {
    let budget = budget();
    let mut table = Table::new("m");
    apply(&mut table, &budget, 1, &batch(0..100));
    let sealed = table.seal().expect("rows");
    apply(&mut table, &budget, 2, &batch(50..20_050));
    let mut released = table.release(sealed.last).expect("sealed");
    let mut recount = released.recount.take().expect("rows are left");
    let (mut steps, mut sequence) = (0, 2);
    loop {
        recount.count_frozen();
        if table.count_on(&mut recount) {
            break;
        }
        // The lock is free here: a writer that waits for it applies now.
        steps += 1;
        sequence += 1;
        apply(
            &mut table,
            &budget,
            sequence,
            &batch(30_000 + steps..30_001 + steps),
        );
        if steps == 2 {
            // Segments that are frozen or released in between are no obstacle either.
            let sealed = table.seal().expect("rows");
            apply(&mut table, &budget, sequence + 1, &batch(0..10));
            sequence += 1;
            assert!(table.release(Sequence(1)).is_none(), "{sealed:?}");
        }
    }
    assert!(steps >= 3, "{steps}");
    let expected = 20_000 + steps + 10;
    assert_eq!(table.series_count(), expected as u64);
    let tags = |host: usize| format!("host-{host}");
    assert!(!table.contains_series(&[("host", &tags(20))]));
    assert!(table.contains_series(&[("host", &tags(5))]));
    assert!(table.contains_series(&[("host", &tags(20_049))]));
}

#[test]
fn an_empty_table_has_nothing_to_count() {
    let budget = budget();
    let mut table = Table::new("m");
    apply(&mut table, &budget, 1, &batch(0..10));
    let sealed = table.seal().expect("rows");
    let released = table.release(sealed.last).expect("sealed");
    assert!(released.recount.is_none());
    assert_eq!(table.series_count(), 0);
}
