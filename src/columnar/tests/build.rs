//! Building, appending and dropping rows against the model.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::model::{batch_of, builder_of, row, rows, rows_of, rows_of_segment};
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};

proptest! {
    #[test]
    fn rows_come_back_as_they_went_in(rows in rows(30)) {
        let builder = builder_of(&rows);
        prop_assert_eq!(rows_of(builder.batch()), rows.clone());
        let distinct: BTreeSet<_> = rows.iter().map(|row| &row.tags).collect();
        prop_assert_eq!(builder.series_count(), distinct.len());
        let batch = builder.finish();
        prop_assert_eq!(rows_of(&batch), rows.clone());
        prop_assert_eq!(rows_of_segment(&batch.freeze()), rows);
    }

    #[test]
    fn appending_batches_equals_pushing_their_rows(
        batches in vec(rows(12), 0..6),
    ) {
        let mut builder = BatchBuilder::new("m");
        for rows in &batches {
            builder.append(&batch_of(rows));
        }
        let all: Vec<_> = batches.into_iter().flatten().collect();
        prop_assert_eq!(rows_of(builder.batch()), all.clone());
        let distinct: BTreeSet<_> = all.iter().map(|row| &row.tags).collect();
        prop_assert_eq!(builder.series_count(), distinct.len());
        for row in &all {
            let tags: Vec<_> = row.tags.iter().map(|(k, v)| (&**k, &**v)).collect();
            prop_assert!(builder.contains_series(&tags));
        }
        prop_assert_eq!(rows_of_segment(&builder.freeze()), all);
    }

    #[test]
    fn rows_pushed_after_a_batch_was_appended_find_its_series_and_columns(
        first in rows(12), second in rows(12),
    ) {
        let mut builder = BatchBuilder::new("m");
        builder.append(&batch_of(&first));
        second.iter().for_each(|row| super::model::push(&mut builder, row));
        let all = [first, second].concat();
        prop_assert_eq!(rows_of(builder.batch()), all.clone());
        prop_assert_eq!(builder.batch().fields().len(), builder_of(&all).batch().fields().len());
    }

    #[test]
    fn refused_rows_leave_no_trace(rows in vec((row(), any::<bool>()), 0..30)) {
        let (all, keep): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        let kept: Vec<_> = rows.into_iter().filter(|(_, keep)| *keep).map(|(row, _)| row).collect();
        let retained = batch_of(&all).retain(&keep);
        prop_assert_eq!(rows_of(&retained), kept.clone());
        let expected = batch_of(&kept);
        prop_assert_eq!(retained.series_count(), expected.series_count());
        prop_assert_eq!(retained.tags, expected.tags);
        prop_assert_eq!(retained.fields.len(), expected.fields.len());
    }
}

#[test]
fn one_name_may_have_columns_of_several_types() {
    let mut builder = BatchBuilder::new("m");
    let series = builder.series(&[]);
    let float = builder.field_column("v", FieldType::Float);
    let text = builder.field_column("v", FieldType::String);
    assert_ne!(float, text);
    assert_eq!(builder.field_column("v", FieldType::Float), float);
    builder.push_row(series, 1, &[(float, FieldValue::Float(1.5))]);
    builder.push_row(series, 2, &[(text, FieldValue::String("x"))]);
    let batch = builder.finish();
    assert_eq!(batch.fields()[0].value(0), Some(FieldValue::Float(1.5)));
    assert_eq!(batch.fields()[1].value(1), Some(FieldValue::String("x")));
    assert_eq!(batch.fields()[1].value(0), None);
}

#[test]
fn a_row_past_the_end_of_keep_is_dropped() {
    let mut builder = BatchBuilder::new("m");
    let series = builder.series(&[("a", "b")]);
    builder.push_row(series, 1, &[]);
    builder.push_row(series, 2, &[]);
    let batch = builder.finish();
    assert_eq!(batch.retain(&[true]).times(), [1]);
    assert_eq!(
        batch.retain(&[]),
        Batch {
            measurement: "m".into(),
            ..Batch::default()
        }
    );
}

#[test]
fn unknown_series_are_not_contained() {
    let mut builder = BatchBuilder::new("m");
    builder.series(&[("a", "1"), ("b", "2")]);
    builder.series(&[("a", "2")]);
    for unknown in [
        [].as_slice(),
        &[("c", "1")],
        &[("a", "3")],
        &[("a", "2"), ("b", "2")],
        &[("b", "2")],
    ] {
        assert!(!builder.contains_series(unknown), "{unknown:?}");
    }
    assert!(builder.contains_series(&[("a", "2")]));
}

/// A series with a new value is entered into the index only when somebody looks for one.
#[test]
fn series_that_were_made_without_a_look_up_are_found() {
    for count in 1..60_u32 {
        let mut builder = BatchBuilder::new("m");
        let shape = builder.shape(["host"].into_iter());
        let column = *builder.columns_of(shape).first().expect("a key");
        for host in 0..count {
            let value = builder.tag_value(column, &format!("h{host}"));
            assert_eq!((value.id, value.is_new), (host, true));
            assert_eq!(builder.new_series(shape, &[value.id]), host);
        }
        for host in 0..count {
            let text = format!("h{host}");
            assert!(
                builder.contains_series(&[("host", &text)]),
                "{text} of {count}"
            );
        }
        assert!(!builder.contains_series(&[("host", "other")]));
        for host in (0..count).rev() {
            let text = format!("h{host}");
            let value = builder.tag_value(column, &text);
            assert_eq!((value.id, value.is_new), (host, false));
            assert_eq!(builder.series(&[("host", &text)]), host, "of {count}");
            assert!(
                builder.contains_series(&[("host", &text)]),
                "{text} of {count}"
            );
        }
        assert_eq!(builder.series_count(), count as usize);
        assert!(builder.heap_bytes() <= builder.heap_bytes_max());
    }
}

#[test]
fn types_have_words_and_codes_that_read_back() {
    for code in 0..5 {
        let field_type = FieldType::from_code(code).expect("five types");
        assert_eq!(field_type.code(), code);
    }
    assert_eq!(FieldType::from_code(5), None);
    assert_eq!(FieldType::Unsigned.to_string(), "unsigned");
    let words = ["float", "integer", "unsigned", "boolean", "string"];
    let types = (0..5)
        .filter_map(FieldType::from_code)
        .map(FieldType::as_str);
    assert!(types.eq(words));
}

/// Nothing was left of it: no tags, or no value, in an answer that looked right.
#[test]
fn an_id_of_nothing_is_loud() {
    let mut builder = BatchBuilder::new("m");
    let series = builder.series(&[("a", "1")]);
    let field = builder.field_column("f", FieldType::Float);
    builder.push_row(series, 0, &[(field, FieldValue::Float(1.0))]);
    let is_loud = |work: &mut dyn FnMut(BatchBuilder)| {
        let builder = builder.clone();
        let work = std::panic::AssertUnwindSafe(|| work(builder));
        std::panic::catch_unwind(work).is_err()
    };
    let wrong_type = [(field, FieldValue::Integer(1))];
    let twice = [(field, FieldValue::Float(1.0)); 2];
    let no_column = [(9, FieldValue::Float(1.0))];
    assert!(is_loud(&mut |builder| {
        builder.batch().series_tags(9).count();
    }));
    assert!(is_loud(&mut |mut builder| builder.push_row(
        series,
        1,
        &wrong_type
    )));
    assert!(is_loud(
        &mut |mut builder| builder.push_row(series, 1, &twice)
    ));
    assert!(is_loud(
        &mut |mut builder| builder.push_row(series, 1, &no_column)
    ));
}
