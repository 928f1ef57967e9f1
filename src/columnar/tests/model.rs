//! The meaning of a batch, without columns: a list of rows, each with its tags and fields by name.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any, prop_oneof};

use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue, Segment};

/// A value by its bits, so that `-0.0` differs from `0.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Float(u64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    Text(String),
}

impl Value {
    pub(super) fn borrow(&self) -> FieldValue<'_> {
        match self {
            Self::Float(bits) => FieldValue::Float(f64::from_bits(*bits)),
            Self::Integer(value) => FieldValue::Integer(*value),
            Self::Unsigned(value) => FieldValue::Unsigned(*value),
            Self::Boolean(value) => FieldValue::Boolean(*value),
            Self::Text(text) => FieldValue::String(text),
        }
    }

    fn of(value: FieldValue<'_>) -> Self {
        match value {
            FieldValue::Float(value) => Self::Float(value.to_bits()),
            FieldValue::Integer(value) => Self::Integer(value),
            FieldValue::Unsigned(value) => Self::Unsigned(value),
            FieldValue::Boolean(value) => Self::Boolean(value),
            FieldValue::String(text) => Self::Text(text.to_owned()),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Row {
    pub(super) tags: BTreeMap<String, String>,
    pub(super) time_ns: i64,
    pub(super) fields: BTreeMap<(String, FieldType), Value>,
}

pub(super) fn push(builder: &mut BatchBuilder, row: &Row) {
    let tags: Vec<(&str, &str)> = row.tags.iter().map(|(k, v)| (&**k, &**v)).collect();
    let series = builder.series(&tags);
    // Back to front: the order of the cells must not matter.
    let cells: Vec<(u32, FieldValue<'_>)> = row
        .fields
        .iter()
        .rev()
        .map(|((name, field_type), value)| {
            (builder.field_column(name, *field_type), value.borrow())
        })
        .collect();
    builder.push_row(series, row.time_ns, &cells);
}

pub(super) fn builder_of(rows: &[Row]) -> BatchBuilder {
    let mut builder = BatchBuilder::new("m");
    rows.iter().for_each(|row| push(&mut builder, row));
    builder
}

pub(super) fn batch_of(rows: &[Row]) -> Batch {
    builder_of(rows).finish()
}

/// Reads a batch back, and checks on the way that its two ways of reading agree.
pub(super) fn rows_of(batch: &Batch) -> Vec<Row> {
    let row = |row: usize| Row {
        tags: owned(batch.series_tags(batch.series_of_rows()[row])),
        time_ns: batch.times()[row],
        fields: batch
            .fields()
            .iter()
            .filter_map(|field| {
                let value = field.value(row);
                assert_eq!(field.has(row), value.is_some());
                Some((
                    (field.name().to_owned(), field.field_type()),
                    Value::of(value?),
                ))
            })
            .collect(),
    };
    for field in batch.fields() {
        let listed: Vec<(usize, Value)> = field.iter().map(|(r, v)| (r, Value::of(v))).collect();
        let asked = (0..batch.rows()).filter_map(|r| Some((r, Value::of(field.value(r)?))));
        assert_eq!(listed, asked.collect::<Vec<_>>());
        assert_eq!(listed.len(), field.present_count());
    }
    (0..batch.rows()).map(row).collect()
}

/// The same for a segment.
pub(super) fn rows_of_segment(segment: &Segment) -> Vec<Row> {
    let mut rows: Vec<Row> = (0..segment.rows())
        .map(|row| Row {
            tags: owned(segment.series_tags(segment.series_of_rows()[row])),
            time_ns: segment.times()[row],
            fields: BTreeMap::new(),
        })
        .collect();
    for field in segment.fields() {
        assert_eq!(field.iter().count(), field.present_count());
        for (row, value) in field.iter() {
            assert_eq!(field.value(row), Some(value));
            let key = (field.name().to_owned(), field.field_type());
            rows[row].fields.insert(key, Value::of(value));
        }
        let absent = (0..segment.rows() + 1).filter(|row| !field.has(*row));
        absent.for_each(|row| assert_eq!(field.value(row), None));
    }
    rows
}

fn owned<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, String> {
    let tags: Vec<(&str, &str)> = tags.collect();
    assert!(
        tags.is_sorted_by(|a, b| a.0 < b.0),
        "tags come ordered by key"
    );
    tags.into_iter()
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

fn value(field_type: FieldType) -> impl Strategy<Value = Value> {
    let integer = prop_oneof![0..100_i64, any::<i64>(), Just(i64::MIN), Just(i64::MAX)];
    match field_type {
        FieldType::Float => prop_oneof![
            any::<u64>().prop_filter("finite", |b| f64::from_bits(*b).is_finite()),
            (-100..100_i32).prop_map(|whole| f64::from(whole).to_bits()),
        ]
        .prop_map(Value::Float)
        .boxed(),
        FieldType::Integer => integer.prop_map(Value::Integer).boxed(),
        FieldType::Unsigned => integer
            .prop_map(|i| Value::Unsigned(i.cast_unsigned()))
            .boxed(),
        FieldType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        FieldType::String => "[a-zä☃\\PC]{0,12}".prop_map(Value::Text).boxed(),
    }
}

fn cell() -> impl Strategy<Value = ((String, FieldType), Value)> {
    let types = prop_oneof![
        Just(FieldType::Float),
        Just(FieldType::Integer),
        Just(FieldType::Unsigned),
        Just(FieldType::Boolean),
        Just(FieldType::String),
    ];
    ("[f-h]|fé", types).prop_flat_map(|(name, field_type)| {
        value(field_type).prop_map(move |value| ((name.clone(), field_type), value))
    })
}

pub(super) fn row() -> impl Strategy<Value = Row> {
    let time = prop_oneof![
        (0..100_i64).prop_map(|second| 1_700_000_000_000_000_000 + second * 1_000_000_000),
        (0..100_i64).prop_map(|micro| micro * 1_000),
        any::<i64>(),
    ];
    let fields = vec(cell(), 1..6).prop_map(|cells| cells.into_iter().collect());
    (btree_map("[a-d]|ä", "[x-z]{1,2}", 0..4), time, fields).prop_map(|(tags, time_ns, fields)| {
        Row {
            tags,
            time_ns,
            fields,
        }
    })
}

pub(super) fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    vec(row(), 0..most)
}
