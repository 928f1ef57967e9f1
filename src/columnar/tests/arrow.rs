//! Record batches against the model.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{Array, RecordBatch};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::model::{Row, Value, builder_of, rows};
use crate::columnar::{BatchBuilder, COLUMN_TYPE_KEY, FieldType, FieldValue, schema};

fn value(batch: &RecordBatch, column: usize, row: usize) -> Option<Value> {
    let array = batch.column(column);
    let kind = batch.schema().field(column).metadata()[COLUMN_TYPE_KEY].clone();
    array.is_valid(row).then(|| match kind.as_str() {
        "iox::column_type::field::float" => {
            Value::Float(array.as_primitive::<Float64Type>().value(row).to_bits())
        }
        "iox::column_type::field::integer" => {
            Value::Integer(array.as_primitive::<Int64Type>().value(row))
        }
        "iox::column_type::field::uinteger" => {
            Value::Unsigned(array.as_primitive::<UInt64Type>().value(row))
        }
        "iox::column_type::field::boolean" => Value::Boolean(array.as_boolean().value(row)),
        "iox::column_type::field::string" => {
            Value::Text(array.as_string::<i32>().value(row).to_owned())
        }
        _ => {
            let array = array.as_dictionary::<Int32Type>();
            let key = usize::try_from(array.keys().value(row)).unwrap();
            Value::Text(array.values().as_string::<i32>().value(key).to_owned())
        }
    })
}

fn check(batch: &RecordBatch, rows: &[Row]) {
    let tags: BTreeSet<&String> = rows.iter().flat_map(|row| row.tags.keys()).collect();
    let fields: BTreeSet<_> = rows.iter().flat_map(|row| row.fields.keys()).collect();
    let names = tags.iter().map(|key| key.as_str());
    let expected = schema(
        names,
        fields
            .iter()
            .map(|(name, field_type)| (&**name, *field_type)),
    );
    assert_eq!(batch.schema(), expected);
    assert_eq!(batch.num_rows(), rows.len());
    let times = batch.column(0).as_primitive::<TimestampNanosecondType>();
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(times.value(number), row.time_ns);
        for (column, key) in (1..).zip(&tags) {
            let expected = row.tags.get(*key).cloned().map(Value::Text);
            assert_eq!(value(batch, column, number), expected);
        }
        for (column, field) in (1 + tags.len()..).zip(&fields) {
            assert_eq!(
                value(batch, column, number),
                row.fields.get(*field).cloned()
            );
        }
    }
}

proptest! {
    #[test]
    fn a_record_batch_holds_the_rows(rows in rows(30)) {
        let segment = builder_of(&rows).freeze();
        check(&segment.record_batch().expect("consistent"), &rows);
        for (number, field) in segment.fields().iter().enumerate() {
            let array = segment.field_array(number).expect("it is there");
            prop_assert_eq!(array.len(), rows.len());
            prop_assert_eq!(array.len() - array.null_count(), field.present_count());
        }
        prop_assert!(segment.field_array(segment.fields().len()).is_none());
    }
}

#[test]
fn dense_columns_are_shared_not_copied() {
    let mut builder = BatchBuilder::new("m");
    let series = builder.series(&[("b", "2")]);
    let column = builder.field_column("v", FieldType::Float);
    let address = |builder: &BatchBuilder| builder.batch().times().as_ptr();
    (0..4).for_each(|time| builder.push_row(series, time, &[(column, FieldValue::Float(0.5))]));
    let before = address(&builder);
    let segment = builder.freeze();
    assert_eq!(
        segment.times().as_ptr(),
        before,
        "a full vector is moved into the segment"
    );
    assert_eq!(segment.time_array().values().as_ptr(), before);
    let (first, second) = (
        segment.field_array(0).unwrap(),
        segment.field_array(0).unwrap(),
    );
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn an_absent_tag_column_is_all_null() {
    let mut builder = BatchBuilder::new("m");
    let series = builder.series(&[]);
    builder.push_row(series, 1, &[]);
    let array = builder.freeze().tag_array(3).expect("consistent");
    assert_eq!((array.len(), array.null_count()), (1, 1));
}
