//! The state of tables after flushes.

use super::world::World;
use crate::columnar::{BatchBuilder, FieldType, FieldValue};
use crate::lake::{LakeError, Upkeep};
use crate::merge::DAY_NS;
use crate::storage::FaultStorage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_point_is_in_the_table_once_and_no_longer_in_memory() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..3, 1);
    world.write("cpu", 0..2, 2);
    // Overwrites, in the same flush and in the next.
    world.write("cpu", 1..2, 1);
    world.flush("cpu").await.expect("flushed");
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
    assert!(world.buffer.tables().is_empty());
    world.write("cpu", 0..1, DAY_NS + 5);
    world.write("cpu", 0..1, -5);
    world.flush("cpu").await.expect("flushed");
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
    let status = world.lake.status(&world.bucket, "cpu").await;
    let status = status.expect("readable").expect("there");
    assert_eq!((status.files, status.days, status.rows), (3, 3, 7));
    // Nothing new, nothing done.
    world.flush("cpu").await.expect("flushed");
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_columns_come_with_the_points_that_bring_them() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..1, 1);
    world.flush("cpu").await.expect("flushed");
    let mut builder = BatchBuilder::new("cpu");
    let series = builder.series(&[("Host", "other"), ("day", "x"), ("host", "h0")]);
    let v = builder.field_column("v", FieldType::Float);
    let upper = builder.field_column("V", FieldType::Unsigned);
    let values = [
        (v, FieldValue::Float(1.0)),
        (upper, FieldValue::Unsigned(u64::MAX)),
    ];
    builder.push_row(series, 2, &values);
    world.push(builder.finish());
    world.flush("cpu").await.expect("flushed");
    let table = world.lake.shared.tables.get("b", "cpu").expect("a name");
    let state = table
        .refresh(world.lake.app())
        .await
        .expect("read")
        .expect("there");
    let columns = state.columns.iter();
    let columns: Vec<(&str, &str)> = columns.map(|c| (&*c.storage, &*c.name)).collect();
    let expected = [
        ("host", "host"),
        ("v", "v"),
        ("Host_2", "Host"),
        ("day_3", "day"),
        ("V_4", "V"),
    ];
    assert_eq!(columns, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_survives_a_restart_and_many_commits() {
    let mut world = World::new(1).await;
    for time in 0..13 {
        world.write("cpu", 0..2, time);
        world.flush("cpu").await.expect("flushed");
        let done = world
            .lake
            .upkeep(&world.bucket, "cpu", crate::lake::Upkeep::Routine);
        done.await.expect("looked after");
    }
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
    let checkpoint = world
        .storage
        .contents("lake/b/cpu/_delta_log/_last_checkpoint");
    assert!(checkpoint.is_some());
    let world = World::open(world.storage.clone(), world.log)
        .await
        .expect("opened");
    assert!(world.buffer.tables().is_empty());
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_folder_is_refused_at_its_first_contact() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..1, 1);
    world.flush("cpu").await.expect("flushed");
    // The copy knows of one flush less than the original, which has written on.
    let old = world.storage.contents("flushes.json").expect("there");
    world.write("cpu", 0..1, 2);
    world.write("cpu", 0..1, 3);
    world.flush("cpu").await.expect("flushed");
    world.storage.put("flushes.json", &old);
    let log = world.log[..2].to_vec();
    let copy = World::open(world.storage.clone(), log).await;
    let refused = match copy {
        Err(error) => error,
        Ok(copy) => copy.flush("cpu").await.expect_err("refused"),
    };
    assert!(matches!(refused, LakeError::Copied { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_bucket_takes_its_tables_along_and_they_stay_away() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..1, 1);
    world.flush("cpu").await.expect("flushed");
    world
        .lake
        .note_deletion(world.bucket.id, "b")
        .expect("noted");
    // Not deleted yet: all is as before.
    assert_eq!(
        world.lake.measurements(&world.bucket).await.expect("read"),
        ["cpu"]
    );
    let id = world.bucket.id;
    world.catalog.delete_bucket(id).expect("deleted");
    let again = world.catalog.create_bucket("b", None).expect("created");
    assert!(
        world
            .lake
            .measurements(&again)
            .await
            .expect("read")
            .is_empty()
    );
    let refused = world.lake.flush_table(&again, "cpu").await;
    assert!(matches!(refused, Err(LakeError::BeingDeleted { .. })));
    world.lake.remove_deleted().await.expect("removed");
    assert!(world.lake.flush_table(&again, "cpu").await.is_ok());
    assert!(
        world
            .lake
            .measurements(&again)
            .await
            .expect("read")
            .is_empty()
    );
    assert_eq!(
        world
            .storage
            .contents("lake/b/cpu/_delta_log/00000000000000000000.json"),
        None
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_past_their_retention_are_dropped_and_newer_ones_stay() {
    let mut world = World::new(1).await;
    let now_ns = crate::clock::Clock::system().now_ns();
    for days_ago in 0..5 {
        world.write("cpu", 0..2, now_ns - days_ago * DAY_NS);
    }
    world.flush("cpu").await.expect("flushed");
    let bucket = world
        .catalog
        .set_retention(world.bucket.id, Some(2 * DAY_NS));
    let bucket = bucket.expect("set");
    let done = world
        .lake
        .upkeep(&bucket, "cpu", crate::lake::Upkeep::Routine)
        .await;
    assert_eq!(done.expect("looked after").files_removed, 2);
    let left = world.stored("cpu").await;
    // The day in which the retention ends is kept as a whole: readers hide its expired points.
    assert_eq!(left.len(), 6);
    assert!(
        left.keys()
            .all(|(_, time_ns)| *time_ns > now_ns - 4 * DAY_NS)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_files_are_joined_as_they_come_and_overwritten_points_vanish() {
    let mut world = World::new(1).await;
    let now_ns = crate::clock::Clock::system().now_ns();
    for round in 0..20 {
        world.write("cpu", 0..2, now_ns + round % 4);
        world.flush("cpu").await.expect("flushed");
        let done = world
            .lake
            .upkeep(&world.bucket, "cpu", crate::lake::Upkeep::Routine);
        done.await.expect("looked after");
        let status = world.lake.status(&world.bucket, "cpu").await;
        let files = status.expect("readable").expect("there").files;
        assert!(files <= 8, "{files} files after {round} rounds");
    }
    let done = world
        .lake
        .upkeep(&world.bucket, "cpu", crate::lake::Upkeep::Compact);
    done.await.expect("compacted");
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
}

/// From a review: it waited for memory, half a minute long, with the table in its hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_does_not_wait_for_a_vacuum_that_waits_for_memory() {
    let budget = super::world::budget_of(64 << 20);
    let storage = FaultStorage::new(1);
    let world = World::within(storage, Vec::new(), budget.clone()).await;
    let mut world = world.expect("opened");
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    world.write("cpu", 0..2, 2);
    let rest = budget.marks().hard_bytes - budget.used_bytes();
    let full = budget.try_reserve(rest).expect("fits");
    let vacuum = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Vacuum);
    let flush = async {
        let flush = world.flush("cpu");
        let flushed = tokio::time::timeout(std::time::Duration::from_secs(15), flush).await;
        drop(full);
        flushed.expect("at once").expect("flushed");
    };
    // The vacuum begins first.
    let (vacuumed, ()) = tokio::join!(biased; vacuum, flush);
    vacuumed.expect("vacuumed");
}
