//! Reading and joining tables that are larger than the memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::world::{World, budget_of};
use crate::columnar::{BatchBuilder, FieldType, FieldValue};
use crate::lake::{LakeError, Upkeep};
use crate::memory::{Budget, Room};
use crate::merge::{Merge, Run, Stretch, TimeRange};
use crate::storage::FaultStorage;

const BUDGET_BYTES: u64 = 4 << 20;

/// A day that takes some times the budget, in files that all have the same series and stretch of
/// time.
async fn large_day() -> (World, Budget) {
    let budget = budget_of(BUDGET_BYTES);
    let world = World::within(FaultStorage::new(7), Vec::new(), budget.clone()).await;
    let mut world = world.expect("opened");
    let mut seed = 1_u64;
    for part in 0..8 {
        let mut builder = BatchBuilder::new("cpu");
        let fields: Vec<u32> = (0..20)
            .map(|number| builder.field_column(&format!("f{number:02}"), FieldType::Float))
            .collect();
        for row in 0..4000_i64 {
            let series = builder.series(&[("host", &format!("h{}", row % 50))]);
            let cells = fields.iter().map(|field| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (
                    *field,
                    FieldValue::Float(f64::from_bits(seed >> 12 | 0x3ff << 52)),
                )
            });
            let cells: Vec<_> = cells.collect();
            builder.push_row(series, row * 8 + part, &cells);
        }
        world.push(builder.finish());
        world.flush("cpu").await.expect("flushed");
    }
    (world, budget)
}

/// Returns the number of rows that the table has in a time range.
async fn rows_of(world: &World, budget: &Budget, times: TimeRange) -> Result<usize, LakeError> {
    let snapshot = world.lake.snapshot(&world.bucket, "cpu").await?;
    let days = snapshot.expect("there").files();
    let room = Room::enter(budget, Duration::from_secs(60)).await?;
    let read = tokio::task::spawn_blocking(move || {
        let mut rows = 0;
        for files in days.values() {
            let runs = files.iter().map(|file| {
                let chunks = file.open(times, None, &room, files.len())?;
                Ok(Run::stream(&file.file().path, chunks, times))
            });
            let runs = runs.collect::<Result<Vec<Run>, LakeError>>()?;
            let mut merge = Merge::new(runs).map_err(LakeError::merge)?;
            let mut row = Stretch::default();
            while merge.next(&mut row).map_err(LakeError::merge)? {
                rows += row.length;
            }
        }
        Ok(rows)
    });
    read.await?
}

/// Asserts that only the kept state of the table still takes memory.
fn assert_given_back(budget: &Budget) {
    let started = crate::clock::instant();
    while budget.used_bytes() >= 64 << 10 {
        let is_late = started.elapsed().as_secs() >= 60;
        assert!(!is_late, "{} are held", budget.used_bytes());
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_larger_than_the_budget_is_read_and_joined() {
    let (world, budget) = large_day().await;
    let table = world.lake.snapshot(&world.bucket, "cpu").await;
    let days = table.expect("read").expect("there").files();
    let bytes: u64 = days.values().flatten().map(|file| file.file().bytes).sum();
    assert!(bytes > BUDGET_BYTES, "{bytes}");
    let rows = rows_of(&world, &budget, TimeRange::ALL).await;
    assert_eq!(rows.expect("read"), 32_000);
    let early = TimeRange {
        start_ns: 0,
        end_ns: Some(1000),
    };
    let rows = rows_of(&world, &budget, early).await;
    assert_eq!(rows.expect("read"), 1000);
    let joined = world.lake.upkeep(&world.bucket, "cpu", Upkeep::Compact);
    let joined = joined.await.expect("joined");
    assert!(joined.files_removed >= 8, "{joined:?}");
    let rows = rows_of(&world, &budget, TimeRange::ALL).await;
    assert_eq!(rows.expect("read"), 32_000);
    assert_given_back(&budget);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_readers_at_once_do_not_wait_for_one_another_for_ever() {
    let (world, budget) = large_day().await;
    let world = Arc::new(world);
    // The floors of all of them are more than there is.
    let tasks: Vec<_> = (0..9)
        .map(|_| {
            let (world, budget) = (Arc::clone(&world), budget.clone());
            tokio::spawn(async move { rows_of(&world, &budget, TimeRange::ALL).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic").expect("read"), 32_000);
    }
    assert_given_back(&budget);
}

/// A flush that ended while a reader looked at the table made it say that the table was lost: what
/// the table must have was asked after what it has.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_that_is_flushed_while_it_is_read_is_not_taken_for_lost() {
    let mut world = World::new(1).await;
    world.write("cpu", 0..2, 0);
    world.flush("cpu").await.expect("flushed");
    let is_over = Arc::new(AtomicBool::new(false));
    let readers = (0..4).map(|_| {
        let (lake, bucket) = (world.lake.clone(), Arc::clone(&world.bucket));
        let is_over = Arc::clone(&is_over);
        tokio::spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let snapshot = lake.snapshot(&bucket, "cpu").await;
                assert!(snapshot.expect("readable").is_some());
            }
        })
    });
    let readers: Vec<_> = readers.collect();
    for time in 1..100 {
        world.write("cpu", 0..2, time);
        world.flush("cpu").await.expect("flushed");
    }
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.expect("nothing is lost");
    }
}
