//! The rows that a stop leaves in memory.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::world::{World, budget_of};
use crate::id::TableId;
use crate::lake::{Flusher, Log, TableHold};
use crate::storage::FaultStorage;
use crate::vital::tests::{assert_ends_the_process, wait_for_the_end};

#[derive(Debug)]
struct NoLog {
    panics: bool,
}

impl Log for NoLog {
    fn bytes(&self) -> u64 {
        assert!(!self.panics, "on purpose");
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

    fn refuse(&self, _tables: HashSet<TableId>, _again_bytes: u64) {}

    fn hold(&self, _table: &TableId) -> Result<Box<dyn TableHold>, String> {
        Err("there is none".to_owned())
    }
}

/// It flushed one piece of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_flushes_all_of_a_table_that_is_larger_than_one_flush() {
    let world = World::within(FaultStorage::new(1), Vec::new(), budget_of(1 << 20));
    let mut world = world.await.expect("opened");
    for time_ns in 0..200 {
        world.write("cpu", 0..2, time_ns);
        // Each becomes a segment of its own.
        world.buffer.seal(&world.bucket.table("cpu")).expect("rows");
    }
    let flusher = Flusher::start(world.lake.clone(), Arc::new(NoLog { panics: false }));
    flusher.stop(Duration::from_secs(60)).await;
    assert!(
        world.buffer.tables().is_empty(),
        "{:?}",
        world.buffer.tables()
    );
    assert_eq!(world.stored("cpu").await, world.expected("cpu"));
}

#[test]
fn a_panic_of_the_flusher_ends_the_process() {
    let test = "lake::tests::stop::a_panic_of_the_flusher_ends_the_process";
    assert_ends_the_process(test, "\"flusher\"", || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let world = World::new(1).await;
            let _flusher = Flusher::start(world.lake.clone(), Arc::new(NoLog { panics: true }));
            wait_for_the_end();
        });
    });
}
