//! The wall clock jumps: issue 8, B5.

use crate::clock::Clock;
use crate::lake::{LakeError, Upkeep};
use crate::storage::FaultStorage;

use super::world::{World, options};
use crate::merge::DAY_NS;

const NOW_NS: i64 = 20_000 * DAY_NS;

async fn world(clock: &Clock) -> World {
    let storage = FaultStorage::new(1);
    let opened = World::open_with(storage, Vec::new(), options(), clock.clone()).await;
    let mut world = opened.expect("opened");
    let bucket = world
        .catalog
        .set_retention(world.bucket.id, Some(30 * DAY_NS));
    world.bucket = bucket.expect("set");
    for days_ago in [1, 40] {
        world.write("cpu", 0..2, NOW_NS - days_ago * DAY_NS);
    }
    world.flush("cpu").await.expect("flushed");
    world
}

async fn removed(world: &World) -> u64 {
    let done = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Routine);
    done.await.expect("looked after").files_removed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_ahead_drops_nothing_until_it_is_confirmed() {
    let clock = Clock::manual(NOW_NS);
    let mut world = world(&clock).await;
    assert_eq!(removed(&world).await, 1, "one day is past its retention");
    clock.set(NOW_NS + 400 * DAY_NS);
    assert_eq!(removed(&world).await, 0);
    let vacuum = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Vacuum);
    let refused = vacuum.await.expect_err("refused");
    assert!(matches!(refused, LakeError::Uncertain { .. }), "{refused}");
    assert!(refused.to_string().contains("trust-clock"), "{refused}");
    // Nor after a restart, which knows the notes.
    world.stop();
    let log = std::mem::take(&mut world.log);
    let opened = World::open_with(world.storage.crash(), log, options(), clock.clone()).await;
    let world = opened.expect("opened");
    assert_eq!(removed(&world).await, 0);
    clock.set(NOW_NS);
    assert_eq!(removed(&world).await, 0);
    clock.set(NOW_NS + 400 * DAY_NS);
    assert_eq!(removed(&world).await, 0);
    world.lake.trust_clock().expect("noted");
    assert_eq!(removed(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retention_is_what_the_bucket_says_at_the_commit_not_an_hour_ago() {
    let clock = Clock::manual(NOW_NS);
    let world = world(&clock).await;
    let old = std::sync::Arc::clone(&world.bucket);
    let set = world.catalog.set_retention(old.id, None);
    set.expect("set");
    let done = world.lake.upkeep(&old, "cpu", Upkeep::Routine).await;
    assert_eq!(done.expect("looked after").files_removed, 0);
}
