//! The power goes at every step.

use std::time::Duration;

use super::world::{Points, World};
use crate::lake::Upkeep;
use crate::merge::DAY_NS;

/// Runs some flushes on a folder whose power is cut after this many changes of the disk; says whether
/// they came to their end.
async fn flushes(seed: u64, changes: u64) -> (World, bool) {
    let mut world = World::new(seed).await;
    world.write("cpu", 0..3, 1);
    world.flush("cpu").await.expect("flushed");
    world.write("cpu", 0..2, 2);
    world.write("mem", 0..2, 2);
    world.write("cpu", 1..4, 1);
    world.storage.cut_power_after(changes);
    let mut is_done = world.flush("cpu").await.is_ok();
    world.write("cpu", 0..2, 3);
    is_done &= world.flush("mem").await.is_ok();
    is_done &= world.flush("cpu").await.is_ok();
    (world, is_done)
}

/// The same for a compaction of two days, with overwritten points, and a checkpoint.
async fn compaction(seed: u64, changes: u64) -> (World, bool) {
    let mut world = World::new(seed).await;
    for round in 0..5 {
        world.write("cpu", 0..2, round % 3);
        world.write("cpu", 0..1, DAY_NS + round % 2);
        world.write("mem", 0..1, 2 * DAY_NS + round);
        world.flush("cpu").await.expect("flushed");
    }
    world.flush("mem").await.expect("flushed");
    world.storage.cut_power_after(changes);
    let done = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Compact);
    let is_done = done.await.is_ok();
    (world, is_done)
}

/// Checks that after a restart from a crash the tables have exactly the acknowledged points.
pub(super) async fn check(before: World, when: &str, once: impl Fn(i64) -> bool) -> World {
    let opened = World::open(before.storage.crash(), before.log);
    let opened = tokio::time::timeout(Duration::from_secs(120), opened).await;
    let after = opened
        .unwrap_or_else(|_| panic!("{when}: the tables cannot be read"))
        .expect("opened");
    for table in ["cpu", "mem"] {
        after.flush(table).await.expect("flushed");
        let (stored, expected) = (after.stored(table).await, after.expected(table));
        let what = format!("{when}: {table}");
        assert_eq!(values(&stored), values(&expected), "{what}");
        let doubled = stored
            .iter()
            .filter(|((_, time), (_, count))| once(*time) && *count > 1);
        assert_eq!(doubled.count(), 0, "{what}: {stored:?}");
        let vacuumed = after.lake.upkeep(&after.bucket, table, Upkeep::Vacuum);
        vacuumed.await.expect("vacuumed");
        assert_eq!(after.orphans(table).await, 0, "{what}");
        assert_eq!(
            values(&after.stored(table).await),
            values(&expected),
            "{what}"
        );
    }
    after
}

/// The newest value of every point.
fn values(points: &Points) -> Vec<((String, i64), f64)> {
    let points = points.iter();
    points
        .map(|(key, (value, _))| (key.clone(), *value))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_point_is_lost_or_doubled_wherever_the_power_goes_in_a_flush() {
    let mut changes = 0;
    loop {
        let (before, is_done) = flushes(changes, changes).await;
        // The points at time 1 were written in two flushes: each has its own.
        check(before, &format!("after {changes} changes"), |time_ns| {
            time_ns != 1
        })
        .await;
        if is_done {
            break;
        }
        changes += 1;
    }
    assert!(changes > 20, "only {changes} changes of the disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_point_is_lost_or_doubled_wherever_the_power_goes_in_a_compaction() {
    let mut changes = 0;
    loop {
        let (before, is_done) = compaction(changes, changes).await;
        let after = check(before, &format!("after {changes} changes"), |_| false).await;
        let done = after.lake.upkeep(&after.bucket, "cpu", Upkeep::Compact);
        done.await.expect("compacted");
        let stored = after.stored("cpu").await;
        assert_eq!(stored, after.expected("cpu"), "after {changes} changes");
        let status = after.lake.status(&after.bucket, "cpu").await;
        assert_eq!(status.expect("read").expect("there").files, 2);
        if is_done {
            break;
        }
        changes += 1;
    }
    assert!(changes > 10, "only {changes} changes of the disk");
}
