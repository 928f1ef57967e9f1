//! How old the view of a reader may be, and what it costs the store.

use std::sync::Arc;
use std::time::Duration;

use super::flaky::Flaky;
use super::world::{World, options};
use crate::lake::Options;
use crate::storage::FaultStorage;

async fn node(store: &Arc<Flaky>, seed: u64, refresh: Duration) -> World {
    let options = Options {
        shared: true,
        refresh,
        ..options()
    };
    World::on(store, FaultStorage::new(seed), Vec::new(), options).await
}

/// The number of files that a reader sees, and the requests that it took.
async fn seen(store: &Flaky, world: &World) -> (usize, u64) {
    let before = store.requests();
    let snapshot = world.lake.snapshot(&world.bucket, "cpu").await;
    let files = snapshot.expect("readable").expect("there").files();
    (
        files.into_values().flatten().count(),
        store.requests() - before,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_asks_the_store_once_in_the_time_that_its_view_may_be_old() {
    let store = Arc::new(Flaky::new());
    let mut slow = node(&store, 1, Duration::from_secs(3600)).await;
    let mut prompt = node(&store, 2, Duration::ZERO).await;
    slow.write("cpu", 0..2, 1);
    slow.flush("cpu").await.expect("flushed");
    assert_eq!(seen(&store, &slow).await, (1, 0));
    prompt.write("cpu", 2..4, 1);
    prompt.flush("cpu").await.expect("flushed");
    assert_eq!(seen(&store, &slow).await, (1, 0), "it may be that old");
    slow.write("cpu", 4..6, 1);
    slow.flush("cpu").await.expect("flushed");
    assert_eq!(seen(&store, &slow).await, (3, 0), "it has looked to commit");
    let (files, requests) = seen(&store, &prompt).await;
    assert_eq!(files, 3);
    assert!(requests > 0, "it looks every time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_that_is_too_old_is_renewed() {
    let store = Arc::new(Flaky::new());
    let mut writer = node(&store, 1, Duration::ZERO).await;
    let reader = node(&store, 2, Duration::from_millis(50)).await;
    writer.write("cpu", 0..2, 1);
    writer.flush("cpu").await.expect("flushed");
    assert_eq!(seen(&store, &reader).await.0, 1);
    writer.write("cpu", 2..4, 1);
    writer.flush("cpu").await.expect("flushed");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(seen(&store, &reader).await.0, 2);
}

/// True if a reader finds a table, and the requests that it took.
async fn found(store: &Flaky, world: &World, measurement: &str) -> (bool, u64) {
    let before = store.requests();
    let snapshot = world.lake.snapshot(&world.bucket, measurement).await;
    let is_there = snapshot.expect("readable").is_some();
    (is_there, store.requests() - before)
}

/// The tables that a reader is told of, and the requests that it took.
async fn listed(store: &Flaky, world: &World) -> (Vec<String>, u64) {
    let before = store.requests();
    let names = world.lake.seen_measurements(&world.bucket).await;
    (names.expect("readable"), store.requests() - before)
}

/// From a review: each question for a table that is not there asked the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_not_there_is_looked_for_once_in_that_time() {
    let store = Arc::new(Flaky::new());
    let mut slow = node(&store, 1, Duration::from_secs(3600)).await;
    let mut prompt = node(&store, 2, Duration::ZERO).await;
    for name in ["cpu", "mem"] {
        let (is_there, requests) = found(&store, &slow, name).await;
        assert!(!is_there && requests > 0, "{name}: {requests}");
        assert_eq!(found(&store, &slow, name).await, (false, 0), "{name}");
    }
    prompt.write("cpu", 0..2, 1);
    prompt.flush("cpu").await.expect("flushed");
    assert!(found(&store, &prompt, "cpu").await.0);
    assert_eq!(found(&store, &slow, "cpu").await, (false, 0), "that late");
    for name in ["cpu", "mem"] {
        slow.write(name, 2..4, 1);
        slow.flush(name).await.expect("flushed");
        assert_eq!(found(&store, &slow, name).await, (true, 0), "{name}");
    }
    assert_eq!(seen(&store, &slow).await, (2, 0));
    for _ in 0..2 {
        let (is_there, requests) = found(&store, &prompt, "disk").await;
        assert!(!is_there && requests > 0, "it looks every time");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_not_there_is_looked_for_again() {
    let store = Arc::new(Flaky::new());
    let mut writer = node(&store, 1, Duration::ZERO).await;
    let reader = node(&store, 2, Duration::from_millis(50)).await;
    assert!(!found(&store, &reader, "cpu").await.0);
    assert!(listed(&store, &reader).await.0.is_empty());
    writer.write("cpu", 0..2, 1);
    writer.flush("cpu").await.expect("flushed");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(found(&store, &reader, "cpu").await.0);
    assert_eq!(listed(&store, &reader).await.0, ["cpu"]);
}

/// A table may be made while others look for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_this_node_made_is_never_missed() {
    let store = Arc::new(Flaky::new());
    let mut world = node(&store, 1, Duration::from_secs(3600)).await;
    for name in 0..50 {
        let name = format!("m{name}");
        let (lake, bucket, table) = (world.lake.clone(), world.bucket.clone(), name.clone());
        let looking = tokio::spawn(async move {
            for _ in 0..20 {
                lake.snapshot(&bucket, &table).await.expect("readable");
            }
        });
        world.write(&name, 0..2, 1);
        world.flush(&name).await.expect("flushed");
        assert!(found(&store, &world, &name).await.0, "{name}");
        looking.await.expect("looked");
        assert!(found(&store, &world, &name).await.0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_do_not_exist_are_noted_up_to_a_bound() {
    let store = Arc::new(Flaky::new());
    let world = node(&store, 1, Duration::from_secs(3600)).await;
    for name in 0..3_000 {
        assert!(!found(&store, &world, &format!("m{name}")).await.0);
    }
    assert!(world.lake.shared.tables.handles() <= 1024);
}

/// From a review: each question for the names of tables listed the bucket in the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_are_listed_once_in_that_time_and_those_of_this_node_are_among_them() {
    let store = Arc::new(Flaky::new());
    let mut slow = node(&store, 1, Duration::from_secs(3600)).await;
    let mut prompt = node(&store, 2, Duration::ZERO).await;
    prompt.write("disk", 0..2, 1);
    prompt.flush("disk").await.expect("flushed");
    let (names, requests) = listed(&store, &slow).await;
    assert!(names == ["disk"] && requests > 0, "{names:?} {requests}");
    assert_eq!(listed(&store, &slow).await, (names, 0));
    slow.write("cpu", 0..2, 1);
    slow.flush("cpu").await.expect("flushed");
    prompt.write("mem", 0..2, 1);
    prompt.flush("mem").await.expect("flushed");
    let late = ["cpu", "disk"].map(str::to_owned).to_vec();
    assert_eq!(listed(&store, &slow).await, (late, 0));
    let all = slow
        .lake
        .measurements(&slow.bucket)
        .await
        .expect("readable");
    assert_eq!(all, ["cpu", "disk", "mem"], "upkeep sees all");
    let (names, requests) = listed(&store, &prompt).await;
    assert!(names == all && requests > 0, "{names:?} {requests}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_of_a_bucket_ends_with_it() {
    let store = Arc::new(Flaky::new());
    let slow = node(&store, 1, Duration::from_secs(3600)).await;
    let mut prompt = node(&store, 2, Duration::ZERO).await;
    prompt.write("disk", 0..2, 1);
    prompt.flush("disk").await.expect("flushed");
    assert_eq!(listed(&store, &slow).await.0, ["disk"]);
    let removed = slow.lake.shared.tables.remove_bucket("b", 0).await;
    removed.expect("removed");
    assert!(listed(&store, &slow).await.0.is_empty());
    assert!(!found(&store, &slow, "disk").await.0);
}

/// From a measurement: who listed the fields of ten thousand tables asked for the next commit of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_columns_of_a_known_table_that_no_other_node_writes_cost_no_request() {
    for shared in [false, true] {
        let store = Arc::new(Flaky::new());
        let options = Options {
            shared,
            refresh: Duration::ZERO,
            ..options()
        };
        let storage = FaultStorage::new(1);
        let mut world = World::on(&store, storage, Vec::new(), options).await;
        world.write("cpu", 0..2, 1);
        world.flush("cpu").await.expect("flushed");
        let before = store.requests();
        let columns = world.lake.columns(&world.bucket, "cpu").await;
        let (columns, flushed) = columns.expect("readable").expect("there");
        assert_eq!(store.requests() == before, !shared);
        let snapshot = world.lake.snapshot(&world.bucket, "cpu").await;
        let snapshot = snapshot.expect("readable").expect("there");
        assert_eq!(
            (&*columns, flushed),
            (snapshot.columns(), snapshot.flushed())
        );
        let none = world.lake.columns(&world.bucket, "mem").await;
        assert!(none.expect("readable").is_none());
    }
}
