//! Writes that find nobody else writing: their own thread commits and applies them.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::gate::Gate;
use super::support::{NOW_NS, PATIENCE, Setup, World, soon};
use crate::ingest::apply::Committed;
use crate::ingest::parse::Parsing;
use crate::ingest::resolve::{Mode, Submitted};
use crate::ingest::rules::LineRules;
use crate::ingest::scratch::Part;
use crate::ingest::{Target, outcome};
use crate::storage::FaultStorage;

/// A log that can be held after each group.
fn gated() -> (Arc<World>, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let setup = Setup {
        observer: Some(Arc::clone(&gate) as _),
        ..Setup::default()
    };
    let world = World::open(FaultStorage::new(1), setup).expect("opens");
    (Arc::new(world), gate)
}

/// Polls a write once. It must not be over later than that if the log's thread sleeps.
fn is_over_at_once(world: &World, line: &str) -> bool {
    let mut write = Box::pin(world.try_write(line));
    match write.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(written) => written.expect("works").accepted == 1,
        Poll::Pending => false,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_write_beside_no_other_is_over_before_it_waits() {
    let world = World::new();
    world.write("m v=0 0").await;
    let mut at_once = 0;
    for n in 1..=100 {
        if is_over_at_once(&world, &format!("m v={n} {n}")) {
            at_once += 1;
            let expected = format!(" v={n}.0 {n}");
            assert_eq!(world.rows("m").last(), Some(&expected), "read at once");
            let durable = world.after_crash().rows("m");
            assert_eq!(durable.last(), Some(&expected), "and durable");
        } else {
            // The one before it was left to the log's thread, which does not sleep yet.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(at_once > 50, "{at_once}");
}

/// A runtime of one thread has nobody to hand over to while the disk works.
#[tokio::test]
async fn a_write_on_a_runtime_of_one_thread_is_left_to_the_logs_thread() {
    let (world, gate) = gated();
    world.write("m v=0 0").await;
    gate.shut();
    assert!(!is_over_at_once(&world, "m v=1 1"));
    gate.held().await;
    gate.open();
    soon("it is applied", || world.rows("m").len() == 2).await;
}

/// A disk may take its time: others must be served meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_only_thread_that_serves_goes_on_while_a_write_waits_for_the_disk() {
    let (world, gate) = gated();
    world.write("m v=0 0").await;
    gate.shut();
    let writers = [1, 2, 3].map(|n| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.write(&format!("m v={n} {n}")).await })
    });
    gate.held().await;
    let served = tokio::spawn(async { tokio::time::sleep(Duration::from_millis(1)).await });
    served.await.expect("served");
    assert_eq!(
        world.rows("m").len(),
        1,
        "nothing is read before it is acknowledged"
    );
    gate.open();
    for writer in writers {
        writer.await.expect("written");
    }
    assert_eq!(world.rows("m").len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_writers_each_sees_its_own_last_value_and_so_does_a_replay() {
    let world = Arc::new(World::new());
    world.write("m v=0 0").await;
    let writers: Vec<_> = (1..=6_u64)
        .map(|writer| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for n in 0..100 {
                    world.write(&format!("m,w={writer} v={n} {writer}")).await;
                    let expected = format!("w={writer} v={n}.0 {writer}");
                    assert!(
                        world.rows("m").contains(&expected),
                        "{expected}: {:?}",
                        world.rows("m")
                    );
                    if n % 10 == writer {
                        tokio::time::sleep(Duration::from_millis(writer)).await;
                    }
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    assert_eq!(world.after_crash().rows("m"), world.rows("m"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beside_many_writes_a_small_one_is_left_to_the_logs_thread() {
    let (world, gate) = gated();
    world.write("m v=0 0").await;
    let others = [(); 16].map(|()| Arc::clone(&world.ingest.shared.under_way));
    gate.shut();
    assert!(!is_over_at_once(&world, "m v=1 1"));
    gate.held().await;
    gate.open();
    soon("it is applied", || world.rows("m").len() == 2).await;
    drop(others);
}

/// The rows of a line.
async fn part(world: &World, line: &str) -> Part {
    let rules = LineRules {
        limits: world.ingest.shared.options.limits,
        oldest_ns: None,
        default_ns: NOW_NS,
    };
    let request = world.request(line, true);
    let (body, precision) = (request.body, request.precision);
    let mut parsing = Parsing::start(&world.ingest, body, precision, rules, usize::MAX);
    let slice = parsing.next().await.expect("it parses");
    slice.expect("it has a line").part
}

/// It applies some of them, and nobody has told the thread of the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_of_others_that_a_write_commits_are_applied_however_many_they_are() {
    let world = World::new();
    let mut buckets = Vec::new();
    for n in 0..8 {
        let mut request = world.request("m v=0 0", true);
        request.target = Target::Create(format!("b{n}"));
        world.ingest.write(request).await.expect("the log works");
        buckets.extend(world.catalog.bucket_named(&format!("b{n}")));
    }
    let resolver = &world.ingest.shared.resolver;
    let mut led = 0;
    for n in 1..=20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let mut all = Submitted::default();
        for bucket in &buckets {
            let parts = vec![part(&world, &format!("m v={n} {n}")).await];
            let resolved = resolver.resolve(bucket, parts, Mode::Partial, &world.budget);
            let submitted = resolved.await.expect("resolved").submitted;
            all.commits.extend(submitted.commits);
            all.lead = all.lead.or(submitted.lead);
        }
        if let Some(lead) = all.lead {
            led += 1;
            resolver.commit_here(lead);
        }
        let applied = tokio::time::timeout(PATIENCE, outcome::wait_for(all.commits));
        assert_eq!(applied.await.expect("soon"), Committed::Done);
    }
    assert!(led > 0, "the log's thread never slept");
}
