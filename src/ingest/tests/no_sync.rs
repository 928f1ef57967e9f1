//! Points acknowledged before they are on disk (`no_sync`): what this may cost, and what it may not.

use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::support::{LIMITS, PATIENCE, Setup, World, soon};
use crate::clock;
use crate::ingest::{Acknowledge, WriteError, WriteOutcome};
use crate::storage::fault::Fault;
use crate::storage::{FaultStorage, Operation};

async fn queue(world: &World, lines: &str) -> Result<WriteOutcome, WriteError> {
    let mut request = world.request(lines, true);
    request.acknowledge = Acknowledge::Queued;
    world.ingest.write(request).await
}

/// Waits until only stored points take memory, and the log works.
async fn settled(world: &World) {
    soon("nothing is on its way", || {
        world.ingest.shared.queued.is_empty() && world.ingest.health().is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_stop_flushes_what_was_only_queued() {
    for round in 0..20 {
        let world = World::new();
        for n in 0..50 {
            let outcome = queue(&world, &format!("m v={n} {n}"))
                .await
                .expect("queued");
            assert_eq!(outcome.accepted, 1);
        }
        world.ingest.close().expect("closes");
        assert_eq!(world.after_crash().rows("m").len(), 50, "round {round}");
    }
}

/// The task that waits for them may run late, and others must not wait for it.
#[tokio::test]
async fn rows_that_nobody_waits_for_are_committed_before_a_task_runs() {
    let world = World::new();
    world.write("m v=0 0").await;
    let wal = world.ingest.shared.resolver.wal();
    for n in 1..=20 {
        // The log's thread may sleep by now.
        std::thread::sleep(Duration::from_millis(5));
        let queued = queue(&world, &format!("m v={n} {n}")).await;
        assert_eq!(queued.expect("queued").accepted, 1);
        // This is the only thread of tasks.
        let started = clock::instant();
        while wal.durable_sequence() < wal.last_submitted() {
            assert!(started.elapsed() < PATIENCE, "its task holds the log");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_log_is_known_to_fail_nothing_is_acknowledged() {
    let world = World::new();
    world.write("m v=1 1").await;
    let before = world.budget.used_bytes();
    world.storage.fail_always(Operation::Write, Fault::Io);
    // At first nobody knows: these are lost, as the client accepted.
    for n in 2..200 {
        let lines = format!("m v={n},new{n}=1 {n}");
        let is_known = world.ingest.health().is_err();
        match queue(&world, &lines).await {
            Ok(_) => assert!(!is_known, "acknowledged though the log is known to fail"),
            Err(error) => assert!(matches!(error, WriteError::LogUnavailable(_)), "{error}"),
        }
    }
    soon("it is known", || world.ingest.health().is_err()).await;
    let refused = queue(&world, "m v=200 200").await;
    assert!(
        matches!(refused, Err(WriteError::LogUnavailable(_))),
        "{refused:?}"
    );
    world.storage.heal();
    settled(&world).await;
    // Whole or not at all, in memory as on disk, and no memory is kept for lost points.
    assert_eq!(world.rows("m"), [" v=1.0 1"]);
    assert_eq!(world.after_crash().rows("m"), world.rows("m"));
    soon("memory is given back", || {
        world.budget.used_bytes() == before
    })
    .await;
    queue(&world, "m v=5 5").await.expect("it works again");
    settled(&world).await;
    assert_eq!(world.rows("m"), [" v=1.0 1", " v=5.0 5"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_told_of_a_clash_with_a_column_that_may_never_be() {
    for round in 0..200 {
        let world = World::new();
        world.write("m z=1 0").await;
        world.storage.fail(Operation::Sync, 0, Fault::Io);
        let (float, boolean) =
            tokio::join!(world.try_write("m v=1.5 1\n"), queue(&world, "m v=t 2\n"));
        settled(&world).await;
        if let Ok(outcome) = &boolean
            && outcome.rejected == 1
        {
            assert!(float.is_ok(), "round {round}: refused for nothing");
            assert_eq!(world.rows("m"), [" z=1.0 0", " v=1.5 1"], "round {round}");
        }
        assert_eq!(world.after_crash().rows("m"), world.rows("m"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_waits_for_nothing_takes_its_share_and_the_others_go_on() {
    let gate = Arc::new(Gate::default());
    let room = (16 << 20, 1 << 20);
    let world = World::over(FaultStorage::new(1), LIMITS, room, Some(gate.clone()));
    let other = world.catalog.create_bucket("other", None).expect("created");
    world.write("m v=0 0").await;
    gate.shut();
    let (mut queued, mut refused) = (0, None);
    for n in 1..5000 {
        match queue(&world, &format!("m v={n} {n}")).await {
            Ok(_) => queued += 1,
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    let refused = refused.expect("the queue is not without end");
    assert!(
        matches!(refused, WriteError::BucketFull { .. }),
        "{refused}"
    );
    assert!(queued > 10, "{queued}");
    let mut request = world.request("m v=1 1", true);
    request.target = crate::ingest::Target::Existing(other);
    request.acknowledge = Acknowledge::Queued;
    world
        .ingest
        .write(request)
        .await
        .expect("it has its own share");
    gate.open();
    settled(&world).await;
    assert_eq!(world.rows("m").len(), queued + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_that_waits_for_nothing_stays_within_the_budget() {
    let gate = Arc::new(Gate::default());
    let room = (1 << 20, 64 << 20);
    let world = World::over(FaultStorage::new(1), LIMITS, room, Some(gate.clone()));
    world.write("m v=0 0").await;
    gate.shut();
    let (mut queued, mut refused) = (0, None);
    for n in 1..5000 {
        match queue(&world, &format!("m v={n} {n}")).await {
            Ok(_) => queued += 1,
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
        assert!(world.budget.used_bytes() <= 1 << 20);
    }
    assert!(
        matches!(refused, Some(WriteError::Overloaded(_))),
        "{refused:?}"
    );
    gate.open();
    settled(&world).await;
    assert_eq!(
        world.rows("m").len(),
        queued + 1,
        "what was acknowledged is there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_for_a_bucket_that_is_deleted_goes_with_it() {
    let gate = Arc::new(Gate::default());
    let room = (64 << 20, 32 << 20);
    let world = World::over(FaultStorage::new(1), LIMITS, room, Some(gate.clone()));
    world.write("m v=0 0").await;
    gate.shut();
    for n in 1..20 {
        queue(&world, &format!("m v={n} {n}"))
            .await
            .expect("queued");
    }
    gate.held().await;
    world.delete().expect("deleted");
    gate.open();
    settled(&world).await;
    let after = world.after_crash();
    world.catalog.create_bucket("b", None).expect("created");
    after.catalog.create_bucket("b", None).expect("created");
    assert!(world.rows("m").is_empty() && after.rows("m").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_or_nothing_stays_so_without_waiting() {
    let world = World::new();
    let lines: String = (0..500).map(|n| format!("m v={n} {n}\n")).collect();
    let write = |lines: String| {
        let mut request = world.request(&lines, false);
        request.acknowledge = Acknowledge::Queued;
        world.ingest.write(request)
    };
    let refused = write(format!("{lines}m v=true 9\n"))
        .await
        .expect("answered");
    assert_eq!((refused.accepted, refused.rejected), (0, 1));
    settled(&world).await;
    assert!(world.rows("m").is_empty());
    let taken = write(lines).await.expect("queued");
    assert_eq!((taken.accepted, taken.rejected), (500, 0));
    settled(&world).await;
    assert_eq!(world.rows("m").len(), 500);
}

/// It was resolved and logged again, after what had been acknowledged after it: the older value
/// won, also between the slices of one body.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_queued_behind_a_failure_is_not_logged_late() {
    let gate = Arc::new(Gate::default());
    let setup = Setup {
        group_bytes_max: 1,
        observer: Some(gate.clone()),
        ..Setup::default()
    };
    let world = World::open(FaultStorage::new(1), setup).expect("the log opens");
    world.write("m v=0 0").await;
    let submitted = || world.ingest.log_stats().last.0;
    let before = submitted();
    gate.shut();
    let spawn = |lines: &str| {
        let (ingest, request) = (world.ingest.clone(), world.request(lines, true));
        tokio::spawn(async move { ingest.write(request).await })
    };
    let first = spawn("m v=1 1");
    gate.held().await;
    let second = spawn("m v=2 2");
    soon("it is submitted", || submitted() == before + 2).await;
    queue(&world, "m v=3 3").await.expect("queued");
    // The first group is durable, the next one fails.
    world.storage.fail(Operation::Sync, 0, Fault::Io);
    gate.open();
    let mut outcomes = Vec::new();
    for write in [first, second] {
        outcomes.push(write.await.expect("no panic").is_ok());
    }
    assert_eq!(outcomes, [true, false]);
    settled(&world).await;
    queue(&world, "m v=4 4").await.expect("it works again");
    settled(&world).await;
    assert_eq!(world.rows("m"), [" v=0.0 0", " v=1.0 1", " v=4.0 4"]);
    assert_eq!(world.after_crash().rows("m"), world.rows("m"));
}
