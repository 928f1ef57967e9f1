//! Tables that cannot be flushed, beside others.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::world::{Points, World, budget_of};
use crate::buffer::LoggedAgain;
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use crate::id::{Sequence, TableId};
use crate::lake::{Flusher, Lake, Log, TableHold};
use crate::merge::DAY_NS;
use crate::storage::FaultStorage;

/// The second commit of a table, by another program.
const RAISED: &[u8] = br#"{"protocol":{"minReaderVersion":2,"minWriterVersion":5}}"#;

/// A log that continues after this many frames, and takes this many more.
#[derive(Clone, Debug)]
struct Tail {
    frames: Arc<Mutex<Vec<Batch>>>,
    before: u64,
    frames_max: usize,
    refused: Arc<Mutex<HashSet<TableId>>>,
    bytes: u64,
    held: Arc<AtomicUsize>,
}

impl Tail {
    fn after(world: &World, frames_max: usize) -> Self {
        Self {
            frames: Arc::default(),
            before: world.log.len() as u64,
            frames_max,
            refused: Arc::default(),
            bytes: u64::MAX,
            held: Arc::default(),
        }
    }

    fn frames(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.frames.lock().expect("whole")
    }
}

impl Log for Tail {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn pinned_bytes(&self, _tables: &HashSet<TableId>) -> u64 {
        0
    }

    fn outgrown(&self) -> futures_util::future::BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn release(&self) -> Result<(), String> {
        Ok(())
    }

    fn refuse(&self, tables: HashSet<TableId>, _again_bytes: u64) {
        *self.refused.lock().expect("whole") = tables;
    }

    fn hold(&self, _table: &TableId) -> Result<Box<dyn TableHold>, String> {
        self.held.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(self.clone()))
    }
}

impl TableHold for Tail {
    fn log_again(&mut self, rows: &Batch) -> Result<(), String> {
        if self.frames().len() == self.frames_max {
            return Err("no space".to_owned());
        }
        self.frames().push(rows.clone());
        Ok(())
    }

    fn logged(&self) -> Option<LoggedAgain> {
        let frames = self.frames().len() as u64;
        (frames > 0).then_some(LoggedAgain {
            first: Sequence(self.before + 1),
            last: Sequence(self.before + frames),
            bytes: frames,
        })
    }
}

async fn log_again(world: &World, tail: &Tail) -> bool {
    let (log, stop) = (Arc::new(tail.clone()), CancellationToken::new());
    let again = world.lake.log_again(&world.bucket, "cpu", log, stop);
    again.await.is_ok()
}

/// A table of several segments and days with overwritten points, larger than what may be sorted at
/// once.
async fn large(seed: u64) -> World {
    let world = World::within(FaultStorage::new(seed), Vec::new(), budget_of(1 << 20));
    let mut world = world.await.expect("opened");
    for round in 0..6 {
        for time_ns in 0..10 {
            world.write("cpu", 0..40, time_ns + 5 * round);
            world.write("cpu", 0..9, DAY_NS + time_ns);
        }
        world.buffer.seal(&world.bucket.table("cpu")).expect("rows");
    }
    world
}

async fn flush_all(world: &World) {
    while world.buffer.table(&world.bucket.table("cpu")).is_some() {
        world.flush("cpu").await.expect("flushed");
    }
}

fn values(points: Points) -> Vec<((String, i64), f64)> {
    let points = points.into_iter();
    points.map(|(key, (value, _))| (key, value)).collect()
}

/// Frames that the log has let go of.
fn gone(log: &[Batch]) -> Vec<Batch> {
    let empty = log.iter().map(|_| BatchBuilder::new("cpu").finish());
    empty.collect()
}

/// The stuck table's rows pinned the log until everybody was refused (issue 8, C6).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_values_are_there_whichever_frames_of_rows_logged_again_a_crash_leaves() {
    let mut frames_max = 0;
    loop {
        let world = large(1).await;
        let expected = values(world.expected("cpu"));
        let tail = Tail::after(&world, frames_max);
        let is_done = log_again(&world, &tail).await;
        let frames = tail.frames().clone();
        let mut logs = vec![[world.log.clone(), frames.clone()].concat()];
        if is_done {
            logs.push([gone(&world.log), frames].concat());
        }
        for log in logs {
            let after = World::open(world.storage.crash(), log)
                .await
                .expect("opened");
            flush_all(&after).await;
            let stored = after.stored("cpu").await;
            let doubled = stored.values().filter(|(_, count)| *count > 1);
            assert_eq!(doubled.count(), 0, "{frames_max} frames");
            assert_eq!(values(stored), expected, "{frames_max} frames");
        }
        // Or there is no crash, and it can be flushed again, in several pieces.
        flush_all(&world).await;
        assert_eq!(values(world.stored("cpu").await), expected);
        world.stop();
        let log = [world.log.clone(), tail.frames().clone()].concat();
        let after = World::open(world.storage.crash(), log)
            .await
            .expect("opened");
        assert_eq!(after.buffer.tables(), [], "nothing comes back");
        if is_done {
            break;
        }
        frames_max += 1;
    }
    assert!(frames_max > 5, "only {frames_max} frames");
}

/// The frame at which a flush in doubt ended must still show which rows the table turns out to
/// have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_which_a_flush_is_in_doubt_are_not_logged_again() {
    let world = large(1).await;
    let positions = &world.lake.shared.positions;
    positions
        .attempt(&world.bucket.table("cpu"), Sequence(20))
        .expect("noted");
    let tail = Tail::after(&world, usize::MAX);
    assert!(!log_again(&world, &tail).await);
    assert_eq!(tail.frames().len(), 0);
    flush_all(&world).await;
    assert_eq!(
        values(world.stored("cpu").await),
        values(world.expected("cpu"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_point_larger_than_a_frame_is_logged_again_in_several() {
    let mut world = World::new(1).await;
    let text = "x".repeat(1 << 20);
    for field in 0..20 {
        let mut builder = BatchBuilder::new("cpu");
        let series = builder.series(&[("host", "a")]);
        let column = builder.field_column(&format!("f{field}"), FieldType::String);
        builder.push_row(series, 1, &[(column, FieldValue::String(&text))]);
        world.push(builder.finish());
    }
    let tail = Tail::after(&world, usize::MAX);
    assert!(log_again(&world, &tail).await);
    let frames = tail.frames();
    assert!((5..=20).contains(&frames.len()), "{}", frames.len());
    let fields = frames.iter().map(|frame| frame.fields().len());
    assert_eq!(fields.sum::<usize>(), 20, "each once");
    for frame in frames.iter() {
        let mut bytes = Vec::new();
        frame.encode(&mut bytes);
        assert!(
            bytes.len() < crate::wal::FRAME_BYTES_MAX / 2,
            "{}",
            bytes.len()
        );
    }
}

/// A world with a table that cannot be flushed.
async fn sick(budget_bytes: u64) -> World {
    let world = World::within(FaultStorage::new(1), Vec::new(), budget_of(budget_bytes));
    let mut world = world.await.expect("opened");
    world.write("cpu", 0..2, 1);
    world.flush("cpu").await.expect("flushed");
    let second = "lake/b/cpu/_delta_log/00000000000000000001.json";
    world.storage.put(second, RAISED);
    world.write("cpu", 0..2, 2);
    assert!(world.flush("cpu").await.is_err());
    world
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

/// From a bug: it was reported as stuck five times per second, forever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_could_not_be_flushed_is_forgotten_with_its_bucket() {
    let world = sick(1 << 30).await;
    let tail = Tail::after(&world, 0);
    let flusher = Flusher::start(world.lake.clone(), Arc::new(tail.clone()));
    let refused = || tail.refused.lock().expect("whole").len();
    until("refused", || refused() == 1).await;
    assert_eq!(flusher.failing_count(), 1);
    world
        .catalog
        .delete_bucket(world.bucket.id)
        .expect("deleted");
    world.buffer.drop_bucket(world.bucket.id);
    until("forgotten", || {
        flusher.failing_count() == 0 && refused() == 0
    })
    .await;
    flusher.stop(Duration::from_secs(1)).await;
    assert_eq!(
        tail.held.load(Ordering::Relaxed),
        0,
        "nothing would be freed"
    );
}

/// A start tried to flush it for a minute, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_a_log_larger_than_memory_and_a_table_that_cannot_be_flushed_ends() {
    let mut world = sick(1 << 20).await;
    let replay = async {
        let mut relieved = 0;
        for round in 0..150 {
            world.write(if round % 5 == 0 { "cpu" } else { "mem" }, 0..50, round);
            if has_filled(&world.lake) {
                world.lake.relieve().await;
                relieved += 1;
            }
        }
        relieved
    };
    let relieved = tokio::time::timeout(Duration::from_secs(30), replay).await;
    let relieved = relieved.expect("it ends");
    assert!(relieved > 1, "the log is larger than memory");
    assert!(!has_filled(&world.lake));
    let sick = world
        .buffer
        .table(&world.bucket.table("cpu"))
        .expect("stays");
    assert_eq!(sick.rows, 2 + 30 * 50);
    // Also when it holds what there is by itself.
    for round in 0..150 {
        world.write("cpu", 0..50, round);
    }
    assert!(has_filled(&world.lake));
    let relief = tokio::time::timeout(Duration::from_secs(30), world.lake.relieve());
    relief.await.expect("it ends");
}

/// Half of what there is for everybody: where a replay has somebody make room.
fn has_filled(lake: &Lake) -> bool {
    let budget = &lake.shared.budget;
    budget.used_bytes() > budget.marks().soft_bytes / 2
}
