use std::sync::Arc;

use super::{Growth, Schemas, TableSchema, work};
use crate::columnar::{ColumnKind, FieldType};
use crate::id::{BucketId, Sequence, TableId};
use crate::storage::FaultStorage;

const BUCKET: BucketId = BucketId(7);
const FLOAT: ColumnKind = ColumnKind::Field(FieldType::Float);
const STRING: ColumnKind = ColumnKind::Field(FieldType::String);

fn extend(schemas: &mut Schemas, table: &str, columns: &[(&str, ColumnKind)], since: u64) {
    schemas
        .extend(
            &TableId::new(BUCKET, table),
            columns.iter().copied(),
            Sequence(since),
        )
        .expect("no contradiction");
}

#[test]
fn what_was_never_durable_is_taken_back() {
    let mut schemas = Schemas::default();
    extend(
        &mut schemas,
        "home",
        &[("room", ColumnKind::Tag), ("temp", FLOAT)],
        1,
    );
    let before = (
        schemas.heap_bytes(),
        schemas.ground(BUCKET, []).bucket_bytes,
    );
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    extend(&mut schemas, "other", &[("v", FLOAT)], 3);
    extend(&mut schemas, "home", &[("more", FLOAT)], 4);
    schemas.roll_back(Sequence(1));
    let after = (
        schemas.heap_bytes(),
        schemas.ground(BUCKET, []).bucket_bytes,
    );
    assert_eq!(after, before, "memory is given back");
    let home = schemas.table(&TableId::new(BUCKET, "home")).expect("stays");
    assert_eq!((home.len(), home.column("hum")), (2, None));
    assert_eq!(home.column("temp"), Some(FLOAT));
    assert!(schemas.table(&TableId::new(BUCKET, "other")).is_none());
    extend(&mut schemas, "home", &[("hum", STRING)], 4);
    let home = schemas.table(&TableId::new(BUCKET, "home")).expect("stays");
    assert_eq!(home.column("hum"), Some(STRING));
}

#[test]
fn what_is_durable_survives_a_later_roll_back() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    schemas.settle(Sequence(1));
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    schemas.roll_back(Sequence(1));
    assert_eq!(
        schemas
            .table(&TableId::new(BUCKET, "home"))
            .map(|table| table.len()),
        Some(1)
    );
}

#[test]
fn a_snapshot_does_not_change_under_its_reader() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    let snapshot = Arc::clone(schemas.table(&TableId::new(BUCKET, "home")).expect("there"));
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    assert_eq!(snapshot.len(), 1);
}

/// Issue 8, C3: names were compared each with each, under the lock that every write takes.
#[test]
fn a_column_costs_the_same_however_many_there_are() {
    let work_of = |count: usize| {
        let names: Vec<String> = (0..count).map(|n| format!("Ä{n}")).collect();
        let mut schemas = Schemas::default();
        let before = work::names();
        for (name, since) in names.iter().zip(1..) {
            extend(&mut schemas, "m", &[(name, FLOAT)], since);
            schemas.settle(Sequence(since));
        }
        let table = schemas.table(&TableId::new(BUCKET, "m")).expect("there");
        assert!(names.iter().all(|name| table.column(name).is_some()));
        work::names() - before
    };
    let (few, many) = (work_of(1000), work_of(16_000));
    assert!(
        many < 2 * 16 * few,
        "{few} names for 1,000 columns, {many} for 16 times as many"
    );
}

#[test]
fn putting_tables_in_place_looks_at_none_of_their_columns() {
    let names: Vec<String> = (0..10_000).map(|n| n.to_string()).collect();
    let columns = names.iter().map(|name| (name.as_str(), FLOAT));
    let mut schemas = Schemas::default();
    extend(&mut schemas, "m", &[("v", FLOAT)], 1);
    let table = schemas.table(&TableId::new(BUCKET, "m")).expect("there");
    let growth = Growth {
        measurement: "m".into(),
        schema: table.extended(columns),
    };
    let before = work::names();
    schemas.grow(BUCKET, vec![growth], Sequence(2));
    let ground = schemas.ground(BUCKET, ["m"]);
    assert_eq!(work::names(), before);
    assert_eq!(
        ground.tables[0].as_ref().map(|table| table.len()),
        Some(10_001)
    );
    schemas.roll_back(Sequence(1));
    assert_eq!(work::names(), before);
}

#[test]
fn memory_of_schemas_is_counted_by_what_they_hold_however_they_came() {
    let names: Vec<String> = (0..500).map(|n| format!("column-{n}")).collect();
    let mut one_by_one = Schemas::default();
    for (name, since) in names.iter().zip(1..) {
        extend(&mut one_by_one, "m", &[(name, FLOAT)], since);
    }
    let mut at_once = Schemas::default();
    let columns: Vec<_> = names.iter().map(|name| (name.as_str(), FLOAT)).collect();
    extend(&mut at_once, "m", &columns, 1);
    assert_eq!(one_by_one.heap_bytes(), at_once.heap_bytes());
    let table: &TableSchema = at_once.table(&TableId::new(BUCKET, "m")).expect("there");
    assert_eq!(
        one_by_one
            .table(&TableId::new(BUCKET, "m"))
            .map(|table| &**table),
        Some(table)
    );
}

#[test]
fn a_checkpoint_of_the_first_format_is_read() {
    let storage = FaultStorage::new(1);
    let old = r#"{"format":1,"sequence":3,"next_table_id":1,"tables":[{"id":0,"bucket":1,
        "measurement":"m","columns":[{"name":"v","kind":"float","since":2,"storage_name":"v"}]}]}"#;
    storage.put("schemas.json", old.as_bytes());
    let schemas = Schemas::read_checkpoint(&storage).expect("read");
    let table = schemas
        .table(&TableId::new(BucketId(1), "m"))
        .expect("there");
    assert_eq!(table.column("v"), Some(FLOAT));
}

#[test]
fn a_checkpoint_without_its_tables_is_damaged_and_not_empty() {
    let storage = FaultStorage::new(1);
    for damaged in [
        r#"{"format":1,"sequence":3,"next_table_id":1}"#,
        r#"{"format":2,"sequence":3}"#,
        r#"{"format":2,"sequence":3,"tables":[]}"#,
    ] {
        storage.put("schemas.json", damaged.as_bytes());
        let error = Schemas::read_checkpoint(&storage).expect_err(damaged);
        assert!(error.to_string().contains("schemas.json"), "{error}");
    }
}

#[test]
fn a_frame_that_contradicts_the_schema_is_told() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    let error = schemas
        .extend(
            &TableId::new(BUCKET, "home"),
            [("temp", STRING)],
            Sequence(9),
        )
        .expect_err("clash");
    assert_eq!(
        error.to_string(),
        "column \"temp\" of \"home\" is float, but the log has it as string at 9"
    );
}

#[test]
fn a_checkpoint_reads_back_as_it_was_written_and_has_little_beside_the_names() {
    let storage = FaultStorage::new(1);
    let mut schemas = Schemas::default();
    extend(
        &mut schemas,
        "home",
        &[("room", ColumnKind::Tag), ("temp", FLOAT), ("Temp", STRING)],
        3,
    );
    let checkpoint = schemas.checkpoint(Sequence(3));
    checkpoint.write(&storage).expect("written");
    let text = storage.contents("schemas.json").expect("there");
    assert_eq!(
        String::from_utf8_lossy(&text),
        r#"{"format":2,"sequence":3,"buckets":[{"id":7,"tables":[{"measurement":"home","columns":{"tag":["room"],"float":["temp"],"string":["Temp"]}}]}]}"#
    );
    let read = Schemas::read_checkpoint(&storage).expect("read");
    assert_eq!(
        read.table(&TableId::new(BUCKET, "home")),
        schemas.table(&TableId::new(BUCKET, "home"))
    );
    assert_eq!(read.heap_bytes(), schemas.heap_bytes());
}

#[test]
fn a_checkpoint_leaves_out_what_may_still_fail() {
    let storage = FaultStorage::new(1);
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    let durable = schemas.table(&TableId::new(BUCKET, "home")).cloned();
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    extend(&mut schemas, "other", &[("v", FLOAT)], 3);
    drop(schemas.drop_bucket(BucketId(9)));
    let checkpoint = schemas.checkpoint(Sequence(1));
    // Later changes do not alter what was taken out.
    extend(&mut schemas, "third", &[("v", FLOAT)], 4);
    checkpoint.write(&storage).expect("written");
    let mut read = Schemas::read_checkpoint(&storage).expect("read");
    assert_eq!(read.table(&TableId::new(BUCKET, "home")), durable.as_ref());
    assert!(read.table(&TableId::new(BUCKET, "other")).is_none());
    // The log adds the rest.
    extend(&mut read, "home", &[("hum", FLOAT)], 2);
    extend(&mut read, "other", &[("v", FLOAT)], 3);
    extend(&mut read, "third", &[("v", FLOAT)], 4);
    for table in ["home", "other", "third"] {
        assert_eq!(
            read.table(&TableId::new(BUCKET, table)),
            schemas.table(&TableId::new(BUCKET, table))
        );
    }
}

#[test]
fn a_dropped_bucket_gives_its_memory_back_and_a_roll_back_does_not_bring_it_again() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "durable", &[("v", FLOAT)], 1);
    schemas.settle(Sequence(1));
    extend(&mut schemas, "provisional", &[("v", FLOAT)], 2);
    drop(schemas.drop_bucket(BUCKET));
    assert_eq!(schemas.heap_bytes(), 0);
    schemas.roll_back(Sequence(1));
    assert_eq!(schemas.heap_bytes(), 0);
    assert!(schemas.table(&TableId::new(BUCKET, "durable")).is_none());
}
