//! The bound on memory must hold whatever is appended: writers reserve by it before they log.

use proptest::collection::vec;
use proptest::prelude::{prop_assert, proptest};

use super::model::{batch_of, push, rows};
use crate::columnar::{BatchBuilder, FieldType, FieldValue};

proptest! {
    #[test]
    fn reservations_cover_the_heap_after_every_append(batches in vec(rows(15), 1..12)) {
        let mut builder = BatchBuilder::new("m");
        let mut reserved = builder.heap_bytes_max();
        for rows in &batches {
            let batch = batch_of(rows);
            prop_assert!(batch.heap_bytes() <= batch.append_bytes_max());
            reserved += batch.append_bytes_max();
            builder.append(&batch);
            prop_assert!(builder.heap_bytes() <= builder.heap_bytes_max());
            prop_assert!(builder.heap_bytes_max() <= reserved);
            // Giving the excess back must leave enough for what comes.
            reserved = builder.heap_bytes_max();
        }
        let segment_bytes = builder.clone().freeze().heap_bytes();
        let name_bytes = builder.batch().measurement().len() as u64;
        // The buffer freezes no segment without rows.
        prop_assert!(builder.rows() == 0 || segment_bytes + name_bytes <= reserved);
    }

    #[test]
    fn the_bound_holds_while_rows_are_pushed(rows in rows(40)) {
        let mut builder = BatchBuilder::new("m");
        for row in &rows {
            push(&mut builder, row);
            prop_assert!(builder.heap_bytes() <= builder.heap_bytes_max());
        }
    }

    #[test]
    fn the_bound_holds_for_many_series_values_and_sparse_columns(
        sizes in vec((1..60_usize, 1..40_usize, 1..300_usize), 1..8),
    ) {
        let mut builder = BatchBuilder::new("a longer name");
        let mut reserved = builder.heap_bytes_max();
        for (hosts, fields, rows) in sizes {
            let mut batch = BatchBuilder::new("a longer name");
            for row in 0..rows {
                let host = format!("host-{}", row % hosts);
                let series = batch.series(&[("host", &host), ("rack", "r")]);
                let name = format!("f{}", row % fields);
                let kind = if row % 7 < 3 { FieldType::String } else { FieldType::Boolean };
                let value = match kind {
                    FieldType::String => FieldValue::String(&host),
                    _ => FieldValue::Boolean(row % 2 == 0),
                };
                let column = batch.field_column(&name, kind);
                batch.push_row(series, 1, &[(column, value)]);
            }
            prop_assert!(batch.heap_bytes() <= batch.heap_bytes_max());
            let batch = batch.finish();
            reserved += batch.append_bytes_max();
            builder.append(&batch);
            prop_assert!(builder.heap_bytes() <= builder.heap_bytes_max());
            prop_assert!(builder.heap_bytes_max() <= reserved);
        }
    }
}

#[test]
fn absent_columns_cost_nothing_a_row() {
    let mut builder = BatchBuilder::new("m");
    let series = builder.series(&[]);
    for column in 0..1000 {
        let name = format!("f{column}");
        let column = builder.field_column(&name, FieldType::Float);
        builder.push_row(series, 1, &[(column, FieldValue::Float(1.0))]);
    }
    let before = builder.heap_bytes();
    let column = builder.field_column("f0", FieldType::Float);
    (0..10_000).for_each(|time| {
        builder.push_row(series, time, &[(column, FieldValue::Float(2.0))]);
    });
    let grown = builder.heap_bytes() - before;
    // A time, a series and a value take 20 bytes; vectors may have doubled.
    assert!(grown <= 40 * 11_000, "{grown}");
    let segment = builder.freeze();
    assert!(
        segment.heap_bytes() < 20 * 11_000 + 1000 * 400,
        "{}",
        segment.heap_bytes()
    );
}
