//! Small frames pass large ones of other buckets on their way to the buffer.

use std::sync::mpsc;

use super::support::{NOW_NS, World};
use crate::ingest::Target;
use crate::vital::tests::assert_ends_the_process;

async fn create(world: &World, bucket: &str) {
    let mut request = world.request("m v=1 1", true);
    request.target = Target::Create(bucket.to_owned());
    world.ingest.write(request).await.expect("the log works");
}

/// A line with this many columns that no other line has.
fn wide(measurement: &str, columns: usize) -> String {
    let fields: Vec<String> = (0..columns)
        .map(|n| format!("{measurement}_{n}=1"))
        .collect();
    format!("{measurement} {} {NOW_NS}\n", fields.join(","))
}

/// Issue 8, C3: one thread applied everything, and a line of another bucket waited until a hundred
/// thousand new columns were applied.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_line_of_another_bucket_is_answered_before_a_large_frame_is_applied() {
    let world = World::new();
    create(&world, "b").await;
    create(&world, "large").await;
    let resolver = &world.ingest.shared.resolver;
    let (open, gate) = mpsc::channel();
    resolver.jobs().hold_heavy(gate);
    let before = resolver.wal().durable_sequence();
    let mut request = world.request(&wide("w", 1000), true);
    let bucket = world.catalog.bucket_named("large").expect("just made");
    request.target = Target::Existing(bucket);
    let ingest = world.ingest.clone();
    let large = tokio::spawn(async move { ingest.write(request).await });
    while resolver.wal().durable_sequence().0 < before.0 + 1 {
        tokio::task::yield_now().await;
    }
    let small = world.write("m v=2 2");
    let small = tokio::time::timeout(std::time::Duration::from_secs(60), small);
    let small = small.await.expect("it does not wait for the large one");
    assert_eq!(small.accepted, 1);
    assert_eq!(world.rows("m").len(), 2, "readers see it");
    assert!(!large.is_finished());
    // Frames that are not applied are still needed.
    let applied = || world.ingest.shared.applied.get();
    assert_eq!(applied(), before);
    drop(open);
    let large = large.await.expect("no panic").expect("the log works");
    assert_eq!(large.accepted, 1);
    assert_eq!(applied(), resolver.wal().durable_sequence());
}

#[test]
fn a_panic_on_a_thread_that_applies_ends_the_process() {
    let test = "ingest::tests::passing::a_panic_on_a_thread_that_applies_ends_the_process";
    assert_ends_the_process(test, "\"apply-heavy\"", || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let world = World::new();
            let (panic, gate) = mpsc::channel();
            world.ingest.shared.resolver.jobs().hold_heavy(gate);
            panic.send(()).expect("the gate is there");
            world.write(&wide("w", 1000)).await;
        });
    });
}
