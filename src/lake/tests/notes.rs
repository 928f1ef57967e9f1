//! The notes of flushes, and when they are written: issue 8, C8 and C10.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::flaky::{Failing, Flaky};
use super::world::{World, options};
use crate::id::{Sequence, TableId};
use crate::lake::positions::Positions;
use crate::lake::{Flusher, Log, Options, TableHold};
use crate::storage::fault::Fault;
use crate::storage::{FaultStorage, Operation};

#[derive(Debug)]
struct NoLog;

impl Log for NoLog {
    fn bytes(&self) -> u64 {
        0
    }

    fn outgrown(&self) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn release(&self) -> Result<(), String> {
        Ok(())
    }

    fn pinned_bytes(&self, _tables: &HashSet<TableId>) -> u64 {
        0
    }

    fn refuse(&self, _tables: HashSet<TableId>, _apart_bytes: u64) {}

    fn hold(&self, _table: &TableId) -> Result<Box<dyn TableHold>, String> {
        Err("there is none".to_owned())
    }
}

/// Waits until a crash would leave no flush in doubt.
async fn noted(storage: &FaultStorage) -> bool {
    for _ in 0..500 {
        let found = Positions::open(Arc::new(storage.crash())).expect("readable");
        if found.last() > Sequence(0) && found.doubtful().is_empty() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// The end of a flush was noted with the next one only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_after_a_crash_asks_the_store_nothing_once_a_flush_is_noted() {
    let (storage, store) = (FaultStorage::new(1), Arc::new(Flaky::new()));
    let mut world = World::on(&store, storage.clone(), Vec::new(), options()).await;
    let flusher = Flusher::start(world.lake.clone(), Arc::new(NoLog));
    world.write("cpu", 0..2, 1);
    let flushed = flusher.flush_table(&world.bucket.table("cpu")).await;
    assert_eq!(flushed.expect("flushed").files, 1);
    assert!(noted(&storage).await, "no other flush comes");
    world.write("cpu", 0..2, 2);
    let log = std::mem::take(&mut world.log);
    store.fail(Failing::All);
    let before = store.requests();
    let opened = World::on(&store, storage.crash(), log, options());
    let opened = tokio::time::timeout(Duration::from_secs(120), opened).await;
    let world = opened.expect("the start waits for the store");
    assert_eq!(store.requests(), before);
    assert_eq!(
        world.lake.flushed(&world.bucket.table("cpu")),
        Sequence(1),
        "and replays what the table lacks"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_node_whose_first_probes_fail_asks_again_and_serves() {
    let options = Options {
        shared: true,
        ..options()
    };
    for failures in [1, 2, 7] {
        let store = Arc::new(Flaky::new());
        store.fail(Failing::Next(failures));
        let mut world = World::on(&store, FaultStorage::new(1), Vec::new(), options.clone()).await;
        assert!(store.requests() > failures);
        world.write("cpu", 0..2, 1);
        world.flush("cpu").await.expect("flushed");
        assert_eq!(world.stored("cpu").await, world.expected("cpu"));
    }
}

/// Each try wrote its files before it found out that the disk is full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_that_cannot_be_noted_brings_its_files_once_and_not_with_every_try() {
    for operation in [Operation::Write, Operation::Sync] {
        let (storage, store) = (FaultStorage::new(1), Arc::new(Flaky::new()));
        let mut world = World::on(&store, storage.clone(), Vec::new(), options()).await;
        world.write("cpu", 0..2, 1);
        storage.fail_always(operation, Fault::Full);
        for _ in 0..10 {
            world.flush("cpu").await.expect_err(&operation.to_string());
        }
        assert_eq!(store.files(), 1, "{operation}");
        storage.heal();
        world.flush("cpu").await.expect("flushed");
        assert_eq!(store.files(), 2, "{operation}");
        assert_eq!(world.stored("cpu").await, world.expected("cpu"));
        assert_eq!(world.orphans("cpu").await, 0);
    }
}
