//! Every single sync fails once, work continues, and then the power goes: issue 8, A2.

use super::crashes::check;
use super::world::World;
use crate::storage::Operation;
use crate::storage::fault::Fault;

/// Work is tried again so often.
const TRIES: usize = 4;

async fn flush(world: &World, table: &str) {
    for attempt in 1..=TRIES {
        match world.flush(table).await {
            Ok(()) => return,
            Err(error) if attempt == TRIES => panic!("{table} is not flushed: {error}"),
            Err(_) => {}
        }
    }
}

/// Flushes with one failing sync, and says whether there were that many.
async fn run(seed: u64, operation: Operation, after: u64) -> bool {
    let mut world = World::new(seed).await;
    world.write("cpu", 0..3, 1);
    world.storage.fail(operation, after, Fault::Io);
    flush(&world, "cpu").await;
    world.write("cpu", 0..2, 2);
    world.write("mem", 0..2, 2);
    flush(&world, "mem").await;
    flush(&world, "cpu").await;
    let is_met = !world.storage.has_faults();
    let what = format!("{operation} {after} failed");
    check(world, &what, |_| true).await;
    is_met
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_flushed_is_there_whichever_sync_failed_before_the_power_went() {
    for operation in [Operation::Sync, Operation::SyncDir] {
        for seed in 0..8 {
            let mut after = 0;
            while run(seed, operation, after).await {
                after += 1;
            }
            assert!(after > 5, "only {after} of {operation}");
        }
    }
}
