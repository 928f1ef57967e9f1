//! Flushes whose end is not known, over restarts: issue 8, C8 and what was read about replays.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStoreExt as _, PutPayload};

use super::flaky::{Failing, Flaky};
use super::world::{Points, World, options};
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use crate::lake::Options;
use crate::storage::FaultStorage;

fn shared() -> Options {
    Options {
        shared: true,
        ..options()
    }
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
        if world.buffer.table(world.bucket.id, "cpu").is_none() {
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
    let doubts = world.lake.shared.positions.of(world.bucket.id, "cpu");
    let doubts = doubts.doubts().count();
    assert!((2..=8).contains(&doubts), "{doubts}");
    flush_all(&world).await;
    check_once(&world, "after all").await;
    let position = world.lake.shared.positions.of(world.bucket.id, "cpu");
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
