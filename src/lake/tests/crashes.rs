//! The power goes at every step.

use super::world::World;

/// Runs some flushes on a folder whose power is cut after so many changes of the disk; says whether
/// they came to their end.
async fn cut(seed: u64, changes: u64) -> (World, bool) {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_point_is_lost_or_doubled_wherever_the_power_goes() {
    let mut changes = 0;
    loop {
        let (before, is_done) = cut(changes, changes).await;
        let after = World::open(before.storage.crash(), before.log).await;
        let after = after.expect("opened");
        for table in ["cpu", "mem"] {
            after.flush(table).await.expect("flushed");
            // Points of different flushes may stand in several files; each in one of each.
            let (stored, expected) = (after.stored(table).await, after.expected(table));
            let values = |points: &super::world::Points| {
                let points = points.iter();
                points
                    .map(|(key, (value, _))| (key.clone(), *value))
                    .collect::<Vec<_>>()
            };
            assert_eq!(
                values(&stored),
                values(&expected),
                "after {changes} changes: {table}"
            );
            let doubled = stored
                .iter()
                .filter(|((_, time), (_, count))| *time != 1 && *count > 1);
            assert_eq!(doubled.count(), 0, "after {changes} changes: {stored:?}");
            after
                .lake
                .upkeep(&after.bucket, table, crate::lake::Upkeep::Vacuum)
                .await
                .expect("vacuumed");
            assert_eq!(after.orphans(table).await, 0, "after {changes} changes");
            assert_eq!(values(&after.stored(table).await), values(&expected));
        }
        if is_done {
            break;
        }
        changes += 1;
    }
    assert!(changes > 20, "only {changes} changes of the disk");
}
