//! Flushes of unknown outcome, across restarts: issue 8, C8 and its part about replays.

use std::sync::Arc;
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::flaky::{Failing, Flaky};
use super::world::{Points, World, options};
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use crate::lake::{Options, Upkeep};
use crate::storage::FaultStorage;

const LOG: &str = "lake/b/cpu/_delta_log";

fn shared() -> Options {
    Options {
        shared: true,
        ..options()
    }
}

fn commit_path(version: u64) -> String {
    format!("{LOG}/{version:020}.json")
}

fn value(host: &str, time_ns: i64, value: f64) -> Batch {
    let mut builder = BatchBuilder::new("cpu");
    let series = builder.series(&[("host", host)]);
    let field = builder.field_column("v", FieldType::Float);
    builder.push_row(series, time_ns, &[(field, FieldValue::Float(value))]);
    builder.finish()
}

/// All files of a table are read: each point must stand once.
async fn check_once(world: &World, what: &str) {
    assert!(world.buffer.tables().is_empty(), "{what}");
    assert_eq!(world.stored("cpu").await, world.expected("cpu"), "{what}");
}

/// Another program raises the protocol of the table: nobody can add to it until that is undone.
async fn raise(store: &Flaky, version: u64) -> Path {
    let path = Path::from(format!("b/cpu/_delta_log/{version:020}.json"));
    let protocol = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":3}}"#;
    store.put(&path, protocol.into()).await.expect("written");
    path
}

/// Flushes until nothing is left.
async fn flush_all(world: &World) {
    for _ in 0..10 {
        world.flush("cpu").await.expect("flushed");
        if world.buffer.table(&world.bucket.table("cpu")).is_none() {
            return;
        }
    }
    panic!("rows stay");
}

/// The rows of the flush came again in one segment with newer ones, and were flushed again with
/// them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_a_start_could_not_ask_about_is_not_flushed_again() {
    let storage = FaultStorage::new(1);
    let store = Arc::new(Flaky::new());
    let mut world = World::on(&store, storage.clone(), Vec::new(), shared()).await;
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    world.write("cpu", 0..2, 2);
    world.flush("cpu").await.expect("flushed");
    // Killed before that was noted, and the table cannot tell when it starts again.
    world.write("cpu", 0..2, 3);
    let raised = raise(&store, 2).await;
    let log = std::mem::take(&mut world.log);
    let mut world = World::on(&store, storage.crash(), log, shared()).await;
    world.write("cpu", 0..2, 4);
    world.flush("cpu").await.expect_err("refused");
    store.delete(&raised).await.expect("deleted");
    flush_all(&world).await;
    check_once(&world, "after the start").await;
}

/// The same where another node has overwritten a point meanwhile: the older value won.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_was_in_doubt_does_not_win_over_what_another_node_wrote_after_it() {
    let (storage, store) = (FaultStorage::new(1), Arc::new(Flaky::new()));
    let mut world = World::on(&store, storage.clone(), Vec::new(), shared()).await;
    let mut other = World::on(&store, FaultStorage::new(2), Vec::new(), shared()).await;
    world.push(value("h0", 1, 10.0));
    world.flush("cpu").await.expect("flushed");
    other.push(value("h0", 1, 20.0));
    other.flush("cpu").await.expect("flushed");
    let raised = raise(&store, 2).await;
    let log = std::mem::take(&mut world.log);
    let mut world = World::on(&store, storage.crash(), log, shared()).await;
    world.push(value("h1", 1, 11.0));
    store.delete(&raised).await.expect("deleted");
    flush_all(&world).await;
    let newest = |host: &str, value| ((host.to_owned(), 1), value);
    let expected = Points::from([newest("h0", (20.0, 2)), newest("h1", (11.0, 1))]);
    assert_eq!(world.stored("cpu").await, expected);
}

/// A commit that was not answered, and arrives when the next process has asked the table already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_arrives_after_the_start_is_not_flushed_again() {
    for flushes in [1, 2, 3] {
        let (storage, store) = (FaultStorage::new(1), Arc::new(Flaky::new()));
        let mut world = World::on(&store, storage.clone(), Vec::new(), options()).await;
        world.write("cpu", 0..2, 1);
        world.flush("cpu").await.expect("flushed");
        store.fail(Failing::Commits);
        for time in 0..flushes {
            world.write("cpu", 0..2, 2 + time);
            world.flush("cpu").await.expect_err("not answered");
        }
        world.write("cpu", 0..2, 5);
        store.fail(Failing::Nothing);
        let log = std::mem::take(&mut world.log);
        let mut world = World::on(&store, storage.crash(), log, options()).await;
        world.write("cpu", 0..2, 6);
        store.arrive().await;
        flush_all(&world).await;
        check_once(&world, &format!("{flushes} flushes in doubt")).await;
    }
}

/// Faults that the log of a table may have.
const DAMAGES: [&str; 5] = [
    "an entry is garbage",
    "an entry is missing",
    "the checkpoint is missing",
    "the protocol was raised",
    "the checkpoint is garbage",
];

/// Does the damage, and returns the file as it was.
fn damage(storage: &FaultStorage, which: &str) -> Vec<(String, Vec<u8>)> {
    let checkpoint_path = |version: u64| format!("{LOG}/{version:020}.checkpoint.parquet");
    let last = |path: &dyn Fn(u64) -> String| {
        let mut versions = (0..20).rev();
        versions.find(|version| storage.contents(&path(*version)).is_some())
    };
    let newest = last(&commit_path).expect("a log");
    let checkpoint = last(&checkpoint_path).expect("a checkpoint");
    assert!(checkpoint + 2 <= newest, "{checkpoint}, {newest}");
    let path = match which {
        "an entry is missing" => commit_path(checkpoint + 1),
        "the checkpoint is missing" | "the checkpoint is garbage" => checkpoint_path(checkpoint),
        _ => commit_path(newest),
    };
    let mut before = vec![(path.clone(), storage.contents(&path).expect("there"))];
    match which {
        "an entry is garbage" | "the checkpoint is garbage" => storage.put(&path, b"{\"add\": nothing"),
        "the protocol was raised" => storage.put(
            &path,
            br#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["x"],"writerFeatures":["x"]}}"#,
        ),
        _ => storage.take(&path),
    }
    if which == "the checkpoint is missing" {
        let path = format!("{LOG}/_last_checkpoint");
        before.push((path.clone(), storage.contents(&path).expect("there")));
        storage.take(&path);
    }
    before
}

/// The start waited for ever for one table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_damaged_while_its_flush_is_in_doubt_keeps_no_other_from_its_work() {
    for which in DAMAGES {
        let mut world = World::new(1).await;
        world.write("mem", 0..2, 1);
        world.flush("mem").await.expect("flushed");
        for time in 0..8 {
            world.write("cpu", 0..2, time);
            world.flush("cpu").await.expect("flushed");
            if time == 5 {
                let done = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Routine);
                done.await.expect("looked after");
            }
        }
        world.write("cpu", 0..2, 100);
        let storage = world.storage.crash();
        let before = damage(&storage, which);
        let log = std::mem::take(&mut world.log);
        let opened = World::open(storage.clone(), log);
        let opened = tokio::time::timeout(Duration::from_secs(20), opened).await;
        let mut world = opened
            .unwrap_or_else(|_| panic!("{which}: the start waits"))
            .expect("opened");
        world.write("mem", 0..2, 2);
        world.flush("mem").await.expect("flushed");
        assert_eq!(world.stored("mem").await, world.expected("mem"), "{which}");
        world.write("cpu", 0..2, 101);
        let refused = world.flush("cpu").await.expect_err(which);
        assert!(!refused.is_transient(), "{which}: {refused}");
        let told = refused.to_string();
        assert!(told.contains("b/cpu") && told.contains("backup"), "{told}");
        let held = world.buffer.table(&world.bucket.table("cpu"));
        assert!(held.is_some_and(|table| table.rows >= 4), "{which}");
        for (path, bytes) in before {
            storage.put(&path, &bytes);
        }
        flush_all(&world).await;
        check_once(&world, which).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_in_doubt_waits_for_a_store_that_is_away_and_not_for_one_table() {
    for (failing, waits) in [
        (Failing::All, true),
        (Failing::Below("b/cpu/_delta_log"), false),
    ] {
        let (storage, store) = (FaultStorage::new(1), Arc::new(Flaky::new()));
        let mut world = World::on(&store, storage.clone(), Vec::new(), options()).await;
        world.write("cpu", 0..2, 1);
        world.flush("cpu").await.expect("flushed");
        world.write("cpu", 0..2, 2);
        let log = std::mem::take(&mut world.log);
        store.fail(failing);
        let before = store.requests();
        let (again, storage) = (Arc::clone(&store), storage.crash());
        let opening = tokio::spawn(async move { World::on(&again, storage, log, options()).await });
        if waits {
            while store.requests() < before + 20 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert!(!opening.is_finished(), "nothing is known of the table");
            store.fail(Failing::Nothing);
        }
        let opened = tokio::time::timeout(Duration::from_secs(20), opening).await;
        let mut world = opened.expect("in time").expect("opened");
        store.fail(Failing::Nothing);
        world.write("cpu", 0..2, 3);
        flush_all(&world).await;
        check_once(&world, &format!("{failing:?}")).await;
    }
}

/// A store that takes files and no commits would leave one more attempt in doubt with each flush.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushes_that_fail_for_long_leave_a_few_in_doubt() {
    let (storage, store) = (FaultStorage::new(1), Arc::new(Flaky::new()));
    let mut world = World::on(&store, storage.clone(), Vec::new(), options()).await;
    store.fail(Failing::Commits);
    for time in 0..50 {
        world.write("cpu", 0..2, time);
        world.flush("cpu").await.expect_err("not answered");
    }
    store.fail(Failing::Nothing);
    let doubts = world.lake.shared.positions.of(&world.bucket.table("cpu"));
    let doubts = doubts.doubts().count();
    assert!((2..=8).contains(&doubts), "{doubts}");
    flush_all(&world).await;
    check_once(&world, "after all").await;
    let position = world.lake.shared.positions.of(&world.bucket.table("cpu"));
    assert_eq!(position.doubts().count(), 0);
    // The same over a restart.
    world.write("cpu", 0..2, 51);
    let log = std::mem::take(&mut world.log);
    let payload = PutPayload::from_static(b"x");
    store.put(&Path::from("b/x"), payload).await.expect("put");
    world.stop();
    let world = World::on(&store, storage.crash(), log, options()).await;
    flush_all(&world).await;
    check_once(&world, "after a restart").await;
}
