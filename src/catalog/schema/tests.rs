use std::sync::Arc;

use super::{ColumnKind, Schemas};
use crate::columnar::FieldType;
use crate::id::{BucketId, Sequence};
use crate::storage::FaultStorage;

const BUCKET: BucketId = BucketId(7);
const FLOAT: ColumnKind = ColumnKind::Field(FieldType::Float);
const STRING: ColumnKind = ColumnKind::Field(FieldType::String);

fn extend(schemas: &mut Schemas, table: &str, columns: &[(&str, ColumnKind)], since: u64) {
    schemas
        .extend(BUCKET, table, columns.iter().copied(), Sequence(since))
        .expect("no contradiction");
}

#[test]
fn what_was_never_durable_is_taken_back_and_its_numbers_are_given_again() {
    let mut schemas = Schemas::default();
    extend(
        &mut schemas,
        "home",
        &[("room", ColumnKind::Tag), ("temp", FLOAT)],
        1,
    );
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    extend(&mut schemas, "other", &[("v", FLOAT)], 3);
    let before = schemas.heap_bytes();
    schemas.roll_back(Sequence(1));
    assert!(schemas.heap_bytes() < before, "memory is given back");
    let home = schemas.table(BUCKET, "home").expect("stays");
    assert!(home.column("hum").is_none());
    assert_eq!(home.column("temp").map(|column| column.id), Some(1));
    assert!(schemas.table(BUCKET, "other").is_none());
    extend(&mut schemas, "home", &[("hum", STRING)], 4);
    extend(&mut schemas, "third", &[("v", FLOAT)], 5);
    let hum = schemas
        .table(BUCKET, "home")
        .and_then(|table| table.column("hum").cloned());
    assert_eq!(
        hum.map(|column| (column.id, column.kind)),
        Some((2, STRING))
    );
    assert_eq!(
        schemas.table(BUCKET, "third").map(|table| table.id),
        Some(1)
    );
}

#[test]
fn what_is_durable_survives_a_later_roll_back() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    schemas.settle(Sequence(1));
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    schemas.roll_back(Sequence(1));
    assert_eq!(
        schemas.table(BUCKET, "home").map(|table| table.len()),
        Some(1)
    );
}

#[test]
fn a_snapshot_does_not_change_under_its_reader() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    let snapshot = Arc::clone(schemas.table(BUCKET, "home").expect("there"));
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    assert_eq!(snapshot.len(), 1);
}

#[test]
fn a_checkpoint_of_the_first_version_is_read() {
    let storage = FaultStorage::new(1);
    let old = r#"{"format":1,"sequence":3,"next_table_id":1,"tables":[{"id":0,"bucket":1,
        "measurement":"m","columns":[{"name":"v","kind":"float","since":2,"storage_name":"v"}]}]}"#;
    storage.put("schemas.json", old.as_bytes());
    let schemas = Schemas::read_checkpoint(&storage).expect("read");
    let table = schemas.table(BucketId(1), "m").expect("there");
    assert_eq!(table.column("v").map(|column| column.kind), Some(FLOAT));
}

#[test]
fn a_frame_that_contradicts_the_schema_is_told() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    let error = schemas
        .extend(BUCKET, "home", [("temp", STRING)], Sequence(9))
        .expect_err("clash");
    assert_eq!(
        error.to_string(),
        "column \"temp\" of \"home\" is float, the log has it as string at 9"
    );
}

#[test]
fn a_checkpoint_reads_back_as_it_was_written() {
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
    let read = Schemas::read_checkpoint(&storage).expect("read");
    assert_eq!(read.table(BUCKET, "home"), schemas.table(BUCKET, "home"));
    assert_eq!(read.next_table_id, schemas.next_table_id);
    assert_eq!(read.heap_bytes(), schemas.heap_bytes());
}

#[test]
fn a_checkpoint_leaves_out_what_may_still_fail() {
    let storage = FaultStorage::new(1);
    let mut schemas = Schemas::default();
    extend(&mut schemas, "home", &[("temp", FLOAT)], 1);
    let durable = schemas.table(BUCKET, "home").cloned();
    extend(&mut schemas, "home", &[("hum", FLOAT)], 2);
    extend(&mut schemas, "other", &[("v", FLOAT)], 3);
    schemas.drop_bucket(BucketId(9));
    let checkpoint = schemas.checkpoint(Sequence(1));
    // What comes later does not change what was taken out.
    extend(&mut schemas, "third", &[("v", FLOAT)], 4);
    checkpoint.write(&storage).expect("written");
    let mut read = Schemas::read_checkpoint(&storage).expect("read");
    assert_eq!(read.table(BUCKET, "home"), durable.as_ref());
    assert!(read.table(BUCKET, "other").is_none());
    // The log adds the rest, under the same numbers.
    extend(&mut read, "home", &[("hum", FLOAT)], 2);
    extend(&mut read, "other", &[("v", FLOAT)], 3);
    extend(&mut read, "third", &[("v", FLOAT)], 4);
    for table in ["home", "other", "third"] {
        assert_eq!(read.table(BUCKET, table), schemas.table(BUCKET, table));
    }
    assert_eq!(read.next_table_id, schemas.next_table_id);
}

#[test]
fn a_checkpoint_counts_the_new_tables_of_a_dropped_bucket_as_the_log_will() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "durable", &[("v", FLOAT)], 1);
    extend(&mut schemas, "provisional", &[("v", FLOAT)], 2);
    schemas.drop_bucket(BUCKET);
    assert_eq!(schemas.checkpoint(Sequence(1)).next_table_id, 1);
    assert_eq!(schemas.checkpoint(Sequence(2)).next_table_id, 2);
}

#[test]
fn a_dropped_bucket_gives_its_memory_back_and_only_what_was_never_durable_gives_its_number() {
    let mut schemas = Schemas::default();
    extend(&mut schemas, "durable", &[("v", FLOAT)], 1);
    schemas.settle(Sequence(1));
    extend(&mut schemas, "provisional", &[("v", FLOAT)], 2);
    schemas.drop_bucket(BUCKET);
    assert_eq!(schemas.heap_bytes(), 0);
    schemas.roll_back(Sequence(1));
    let other = BucketId(8);
    let columns = [("v", FLOAT)];
    let extended = schemas.extend(other, "next", columns, Sequence(3));
    extended.expect("no contradiction");
    let id = schemas.table(other, "next").map(|table| table.id);
    assert_eq!(
        id,
        Some(1),
        "as after a replay, which knows of one table before it"
    );
}
