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
