//! The limit on series counts what a bucket has and what is on its way there, and no other's.

use std::sync::Arc;

use super::gate::Gate;
use super::support::{LIMITS, World};
use crate::ingest::{Limits, Target, WriteOutcome, WriteRequest};
use crate::storage::FaultStorage;

const MIB: u64 = 1 << 20;

/// A world with a limit on series, and a gate for the frames that its log has committed.
fn held_world(series_max: u64) -> (World, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let limits = Limits {
        series_max,
        ..LIMITS
    };
    let observer = Some(Arc::clone(&gate) as _);
    let world = World::over(
        FaultStorage::new(1),
        limits,
        (256 * MIB, 128 * MIB),
        observer,
    );
    (world, gate)
}

fn to_bucket(world: &World, bucket: &str, lines: &str) -> WriteRequest {
    let mut request = world.request(lines, true);
    request.target = match world.catalog.bucket_named(bucket) {
        Some(bucket) => Target::Existing(bucket),
        None => Target::Create(bucket.to_owned()),
    };
    request
}

async fn write(world: &World, bucket: &str, lines: &str) -> WriteOutcome {
    let request = to_bucket(world, bucket, lines);
    world.ingest.write(request).await.expect("the log works")
}

/// Lets everything run that can, on the one thread that there is.
async fn let_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Issue 8, B6: one count for all buckets, of which each series was taken for a new one.
#[tokio::test]
async fn series_on_their_way_to_one_bucket_are_no_series_of_another() {
    let (world, gate) = held_world(1);
    write(&world, "b", "m v=1 1").await;
    write(&world, "c", "other v=1 1").await;
    gate.shut();
    let first = tokio::spawn({
        let (ingest, request) = (world.ingest.clone(), to_bucket(&world, "b", "m v=2 2"));
        async move { ingest.write(request).await }
    });
    gate.held().await;
    let second = tokio::spawn({
        let (ingest, request) = (world.ingest.clone(), to_bucket(&world, "c", "other v=2 2"));
        async move { ingest.write(request).await }
    });
    let_run().await;
    gate.open();
    for write in [first, second] {
        let outcome = write.await.expect("no panic").expect("the log works");
        assert_eq!((outcome.accepted, outcome.rejected), (1, 0), "{outcome:?}");
    }
}

/// Issue 8, B6: a state that passed in milliseconds was answered with a permanent 400.
#[tokio::test]
async fn a_series_is_refused_only_when_nothing_on_its_way_can_make_room_for_it() {
    let (world, gate) = held_world(2);
    write(&world, "b", "m,t=a v=1 1").await;
    gate.shut();
    let spawn = |lines: &str| {
        let (ingest, request) = (world.ingest.clone(), to_bucket(&world, "b", lines));
        tokio::spawn(async move { ingest.write(request).await })
    };
    // It is known, and counts as if it were new as long as it is on its way.
    let known = spawn("m,t=a v=2 2");
    gate.held().await;
    let new = spawn("m,t=b v=1 3");
    let_run().await;
    assert!(!new.is_finished(), "it is not known yet whether it fits");
    gate.open();
    for write in [known, new] {
        let outcome = write.await.expect("no panic").expect("the log works");
        assert_eq!((outcome.accepted, outcome.rejected), (1, 0), "{outcome:?}");
    }
    let outcome = write(&world, "b", "m,t=c v=1 4\nm,t=b v=1 5").await;
    assert_eq!((outcome.accepted, outcome.rejected), (1, 1), "{outcome:?}");
    assert_eq!(outcome.first_line(), Some(1));
    assert!(outcome.reports[0].message.contains("limits.series_max"));
}

/// A bug once: while others kept writing known series, which counted as if they were new, there was
/// always something on its way, and a request with one series too many was never answered.
#[tokio::test]
async fn a_request_past_the_limit_is_answered_however_many_others_write() {
    let (world, gate) = held_world(3);
    write(&world, "b", "m,t=a v=1 1").await;
    gate.shut();
    let spawn = |lines: String| {
        let (ingest, request) = (world.ingest.clone(), to_bucket(&world, "b", &lines));
        tokio::spawn(async move { ingest.write(request).await })
    };
    let known = |time: u64| spawn(format!("m,t=a v=2 {time}"));
    let mut others = vec![known(2)];
    gate.held().await;
    let over = spawn("m,t=b v=1 1\nm,t=c v=1 1\nm,t=d v=1 1".to_owned());
    let_run().await;
    assert!(!over.is_finished(), "it is not known yet what fits");
    // The next of the others is on its way before the last one has got there.
    for time in 3..20 {
        others.push(known(time));
        let_run().await;
        gate.let_through();
        gate.held().await;
        let_run().await;
    }
    let is_answered = over.is_finished();
    gate.open();
    for other in others {
        other.await.expect("no panic").expect("the log works");
    }
    let outcome = over.await.expect("no panic").expect("the log works");
    assert!(is_answered, "it waited as long as others wrote");
    assert_eq!((outcome.accepted, outcome.rejected), (2, 1), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_never_bring_a_bucket_above_its_limit() {
    let (world, _gate) = held_world(10);
    write(&world, "b", "m,t=0 v=1 1").await;
    let writers = (0..8).map(|writer| {
        let lines: Vec<String> = (0..5).map(|n| format!("m,t={writer}-{n} v=1 1")).collect();
        let (ingest, request) = (
            world.ingest.clone(),
            to_bucket(&world, "b", &lines.join("\n")),
        );
        tokio::spawn(async move { ingest.write(request).await })
    });
    let writers: Vec<_> = writers.collect();
    let mut accepted = 0;
    for writer in writers {
        accepted += writer.await.expect("no panic").expect("works").accepted;
    }
    assert_eq!(accepted, 9, "every place is given, and none twice");
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    assert_eq!(world.ingest.buffer().series_count(bucket), 10);
}

#[tokio::test]
async fn a_series_that_comes_in_two_slices_of_a_request_takes_one_place() {
    let (world, _gate) = held_world(1);
    let filler = "x".repeat(4096);
    let lines = format!("m,t=a s=\"{filler}\" 1\nm,t=a s=\"{filler}\" 2\n");
    let outcome = world.write_all_or_nothing(&lines).await;
    assert_eq!((outcome.accepted, outcome.rejected), (2, 0), "{outcome:?}");
}
