//! The codec against the model.

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::model::{batch_of, builder_of, rows, rows_of};
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};

pub(super) fn encoded(batch: &Batch) -> Vec<u8> {
    let mut out = Vec::new();
    batch.encode(&mut out);
    out
}

pub(super) fn decoded(mut bytes: &[u8]) -> Batch {
    let batch = Batch::decode(&mut bytes).expect("what was encoded decodes");
    assert!(bytes.is_empty(), "all bytes are read");
    batch
}

proptest! {
    #[test]
    fn what_was_encoded_decodes_to_the_same_batch(rows in rows(40)) {
        let batch = batch_of(&rows);
        let copy = decoded(&encoded(&batch));
        prop_assert_eq!(rows_of(&copy), rows);
        prop_assert_eq!(encoded(&copy), encoded(&batch));
        if batch.rows() != 1 {
            prop_assert_eq!(copy, batch);
        }
    }

    #[test]
    fn batches_end_to_end_are_read_one_by_one(first in rows(8), second in rows(8)) {
        let mut bytes = Vec::new();
        batch_of(&first).encode(&mut bytes);
        batch_of(&second).encode(&mut bytes);
        bytes.extend_from_slice(b"tail");
        let mut rest = bytes.as_slice();
        prop_assert_eq!(rows_of(&Batch::decode(&mut rest).expect("first")), first);
        prop_assert_eq!(rows_of(&Batch::decode(&mut rest).expect("second")), second);
        prop_assert_eq!(rest, b"tail");
    }

    #[test]
    fn every_cut_is_an_error_and_leaves_the_input_alone(rows in rows(8)) {
        let bytes = encoded(&batch_of(&rows));
        for end in 0..bytes.len() {
            let mut cut = &bytes[..end];
            prop_assert!(Batch::decode(&mut cut).is_err());
            prop_assert_eq!(cut.len(), end);
        }
    }

    #[test]
    fn an_unfinished_builder_encodes_like_its_batch(rows in rows(8)) {
        let builder = builder_of(&rows);
        prop_assert_eq!(encoded(builder.batch()), encoded(&batch_of(&rows)));
    }
}

#[test]
fn columns_and_series_without_a_row_are_not_written_with_a_lone_row() {
    let mut builder = BatchBuilder::new("m");
    builder.series(&[("unused", "x")]);
    let series = builder.series(&[("used", "y")]);
    builder.field_column("unused", FieldType::Float);
    let column = builder.field_column("used", FieldType::Boolean);
    builder.push_row(series, 7, &[(column, FieldValue::Boolean(true))]);
    let copy = decoded(&encoded(builder.batch()));
    assert_eq!(copy.tag_keys().collect::<Vec<_>>(), ["used"]);
    assert_eq!(copy.series_tags(0).collect::<Vec<_>>(), [("used", "y")]);
    assert_eq!(
        copy.fields()
            .iter()
            .map(|field| field.name())
            .collect::<Vec<_>>(),
        ["used"]
    );
}

#[test]
fn extreme_numbers_survive_alone_and_in_columns() {
    let integers = [i64::MIN, -1, 0, 1, i64::MAX];
    let floats = [f64::MIN, f64::MAX, -0.0, 0.0, f64::MIN_POSITIVE / 2.0];
    for count in [1, 2, 5] {
        let mut builder = BatchBuilder::new("m");
        let series = builder.series(&[]);
        let float = builder.field_column("f", FieldType::Float);
        let integer = builder.field_column("i", FieldType::Integer);
        let unsigned = builder.field_column("u", FieldType::Unsigned);
        for (number, value) in integers.into_iter().zip(floats).take(count) {
            let cells = [
                (float, FieldValue::Float(value)),
                (integer, FieldValue::Integer(number)),
                (unsigned, FieldValue::Unsigned(number.cast_unsigned())),
            ];
            builder.push_row(series, number, &cells);
        }
        let batch = builder.finish();
        assert_eq!(rows_of(&decoded(&encoded(&batch))), rows_of(&batch));
    }
}

#[test]
fn more_than_fifteen_tags_and_fields_survive() {
    let names: Vec<String> = (10..40).map(|n| format!("n{n}")).collect();
    for count in [14, 15, 16, 30] {
        let tags: Vec<(&str, &str)> = names.iter().take(count).map(|n| (&**n, "v")).collect();
        for rows in [1, 2] {
            let mut builder = BatchBuilder::new("m");
            let series = builder.series(&tags);
            let cells: Vec<_> = names
                .iter()
                .take(count)
                .map(|name| {
                    (
                        builder.field_column(name, FieldType::Integer),
                        FieldValue::Integer(3),
                    )
                })
                .collect();
            (0..rows).for_each(|row| builder.push_row(series, row, &cells));
            let batch = builder.finish();
            assert_eq!(decoded(&encoded(&batch)), batch);
        }
    }
}
