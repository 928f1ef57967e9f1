//! The memory that the schemas of all buckets may take, while frames with new names may fail.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::gate::Gate;
use super::support::{LIMITS, NOW_NS, Setup, World};
use crate::ingest::{Limits, Target, WriteError, WriteOutcome};
use crate::storage::fault::Fault;
use crate::storage::{FaultStorage, Operation};

const KIB: u64 = 1 << 10;

type Write = JoinHandle<Result<WriteOutcome, WriteError>>;

/// A world in which the names of one wide line fit, and those of two do not; each frame is a group.
fn small_world() -> (World, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let setup = Setup {
        limits: Limits {
            schema_bytes_max: 96 * KIB,
            schemas_bytes_max: 96 * KIB,
            ..LIMITS
        },
        group_bytes_max: 1,
        observer: Some(Arc::clone(&gate) as _),
        ..Setup::default()
    };
    let world = World::open(FaultStorage::new(1), setup).expect("opens");
    (world, gate)
}

fn spawn(world: &World, bucket: &str, lines: &str, accept_partial: bool) -> Write {
    let mut request = world.request(lines, accept_partial);
    request.target = match world.catalog.bucket_named(bucket) {
        Some(bucket) => Target::Existing(bucket),
        None => Target::Create(bucket.to_owned()),
    };
    let ingest = world.ingest.clone();
    tokio::spawn(async move { ingest.write(request).await })
}

/// A line with 600 columns, of about 56 KiB as names in memory.
fn wide(measurement: &str) -> String {
    let fields: Vec<String> = (0..600).map(|n| format!("{measurement}_{n}=1")).collect();
    format!("{measurement} {} {NOW_NS}\n", fields.join(","))
}

/// Lets everything run until a write has put this many more frames into the log's queue, or ended.
async fn submitted(world: &World, write: &Write, before: u64) {
    let wal = world.ingest.shared.resolver.wal();
    while wal.last_submitted().0 <= before && !write.is_finished() {
        tokio::task::yield_now().await;
    }
}

/// A write of which nothing stays takes the room of another while it may still fail.
async fn is_written_in_the_end(bucket: &str, accept_partial: bool) {
    let (world, gate) = small_world();
    for bucket in ["b", "c"] {
        let first = spawn(&world, bucket, "m v=1 1", true).await;
        first.expect("no panic").expect("the log works");
    }
    gate.shut();
    let known = spawn(&world, "c", "m v=2 2", true);
    gate.held().await;
    let last = || world.ingest.shared.resolver.wal().last_submitted().0;
    let before = last();
    let other = spawn(&world, "c", &wide("t"), true);
    submitted(&world, &other, before).await;
    let before = last();
    let mine = spawn(&world, bucket, &wide("u"), accept_partial);
    submitted(&world, &mine, before).await;
    assert!(!mine.is_finished(), "it is not known yet whether it fits");
    world.storage.fail(Operation::Sync, 0, Fault::Io);
    gate.open();
    let known = known.await.expect("no panic").expect("it was durable");
    assert_eq!(known.accepted, 1);
    let other = other.await.expect("no panic").expect_err("not synced");
    assert!(matches!(other, WriteError::LogUnavailable(_)), "{other}");
    let mine = mine.await.expect("no panic").expect("the log works again");
    assert_eq!((mine.accepted, mine.rejected), (1, 0), "{mine:?}");
}

/// A kind of issue 8, B6: a rejection for the names of all buckets counted as provisional only what its
/// own bucket had on its way, and was permanent for a state that passed.
#[tokio::test]
async fn nobody_is_refused_for_names_of_another_bucket_whose_write_failed() {
    is_written_in_the_end("b", true).await;
    is_written_in_the_end("b", false).await;
}

/// There is no frame in its name to wait for: the bucket is made, and then it is decided.
#[tokio::test]
async fn nor_is_a_write_to_a_bucket_that_is_to_be_made() {
    is_written_in_the_end("new", true).await;
    is_written_in_the_end("new", false).await;
}
