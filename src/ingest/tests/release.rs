//! Points on their way elsewhere, and the release of the log after them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::support::{PATIENCE, Setup, World, segment_rows};
use crate::buffer::Buffer;
use crate::catalog::schema::TableSchema;
use crate::clock;
use crate::id::{Sequence, TableId};
use crate::ingest::{OpenError, WriteError};
use crate::storage::fault::{Fault, SplitMix};
use crate::storage::{FaultStorage, Operation, Storage};

/// The last frame that was flushed of a table, and its rows.
type Flush = (Sequence, Vec<String>);

/// The destination of points from the buffer, as durable as a test needs it.
#[derive(Clone, Default)]
pub(super) struct Elsewhere {
    tables: Arc<Mutex<BTreeMap<TableId, Flush>>>,
}

impl Elsewhere {
    fn tables(&self) -> MutexGuard<'_, BTreeMap<TableId, Flush>> {
        self.tables.lock().expect("whole")
    }

    pub(super) fn flush(&self, buffer: &Buffer, id: &TableId) {
        let Some(sealed) = buffer.seal(id) else {
            return;
        };
        let mut tables = self.tables();
        let table = tables.entry(id.clone()).or_default();
        assert!(table.0 < sealed.last, "nothing flushed comes back");
        table.0 = sealed.last;
        let rows = sealed.segments.iter();
        table.1.extend(rows.flat_map(|rows| segment_rows(rows)));
        drop(tables);
        buffer.release(id, sealed.last);
    }

    fn flush_all(&self, buffer: &Buffer) {
        for table in buffer.tables() {
            self.flush(buffer, &table.id);
        }
    }

    pub(super) fn open(&self, storage: FaultStorage, setup: Setup) -> Result<World, OpenError> {
        let tables = self.tables();
        let last = tables.values().map(|(last, _)| *last).max();
        drop(tables);
        let elsewhere = self.clone();
        let flushed = move |id: &TableId| {
            let tables = elsewhere.tables();
            tables.get(id).map_or(Sequence(0), |(last, _)| *last)
        };
        let setup = Setup {
            flushed: Box::new(flushed),
            sequences_after: last.unwrap_or_default(),
            ..setup
        };
        World::open(storage, setup)
    }

    /// All rows of a measurement of a world, wherever they are.
    pub(super) fn rows(&self, world: &World, measurement: &str) -> Vec<String> {
        let bucket = world.catalog.bucket_named("b");
        let tables = self.tables();
        let here = bucket.and_then(|bucket| tables.get(&bucket.table(measurement)));
        let mut rows = here.map(|(_, rows)| rows.clone()).unwrap_or_default();
        drop(tables);
        rows.extend(world.rows(measurement));
        rows
    }
}

pub(super) fn small() -> Setup {
    Setup {
        segment_bytes_max: 700,
        ..Setup::default()
    }
}

fn schemas(world: &World) -> BTreeMap<String, TableSchema> {
    let checkpoint = world.ingest.shared.resolver.checkpoint();
    let bucket = world.catalog.bucket_named("b");
    bucket.map_or_else(BTreeMap::new, |bucket| checkpoint.tables(bucket.id))
}

/// The log works on its own thread.
pub(super) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let started = clock::instant();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test]
async fn what_was_flushed_does_not_come_back_but_its_columns_do() {
    let (world, elsewhere) = (World::new(), Elsewhere::default());
    world.write("gone,t=a v=1 1\nstays v=1 1").await;
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    elsewhere.flush(world.ingest.buffer(), &TableId::new(bucket, "gone"));
    world.write("gone,t=a v=2 2").await;
    let before = schemas(&world);
    let world = elsewhere
        .open(world.storage.crash(), Setup::default())
        .expect("opens");
    assert_eq!(world.rows("gone"), ["t=a v=2.0 2"]);
    assert_eq!(world.rows("stays"), [" v=1.0 1"]);
    assert_eq!(schemas(&world), before);
    let refused = world.write("gone v=\"text\" 3").await;
    assert_eq!(refused.rejected, 1);
}

#[tokio::test]
async fn the_log_goes_when_everything_is_flushed_and_the_schemas_stay() {
    let elsewhere = Elsewhere::default();
    let world = elsewhere
        .open(FaultStorage::new(1), small())
        .expect("opens");
    for time in 0..40 {
        world.write(&format!("m{time},t=a v{time}=1i {time}")).await;
    }
    let stats = world.ingest.log_stats();
    assert!(stats.segments > 3, "{stats:?}");
    world.ingest.release_log().expect("nothing to do");
    assert!(world.storage.contents("schemas.json").is_none());
    elsewhere.flush_all(world.ingest.buffer());
    world.ingest.release_log().expect("works");
    eventually("one segment", || world.ingest.log_stats().segments == 1);
    let before = schemas(&world);
    let world = elsewhere
        .open(world.storage.crash(), small())
        .expect("opens");
    assert_eq!(schemas(&world), before);
    world.write("m7 v7=1i 77\nnew v=1 1").await;
    assert_eq!(elsewhere.rows(&world, "m7"), ["t=a v7=1i 7", " v7=1i 77"]);
    assert_eq!(schemas(&world)["new"].len(), 1);
}

#[tokio::test]
async fn one_table_that_is_not_flushed_keeps_the_log_from_its_first_row_on() {
    let elsewhere = Elsewhere::default();
    let world = elsewhere
        .open(FaultStorage::new(1), small())
        .expect("opens");
    for time in 0..60 {
        let measurement = if time == 30 { "slow" } else { "fast" };
        world.write(&format!("{measurement} v=1 {time}")).await;
    }
    let bucket = world.catalog.bucket_named("b").expect("there").id;
    elsewhere.flush(world.ingest.buffer(), &TableId::new(bucket, "fast"));
    world.ingest.release_log().expect("works");
    eventually("a release", || {
        world.ingest.log_stats().released == Sequence(30)
    });
    let world = elsewhere
        .open(world.storage.crash(), small())
        .expect("opens");
    assert_eq!(world.rows("slow"), [" v=1.0 30"]);
    assert_eq!(elsewhere.rows(&world, "fast").len(), 59);
}

#[tokio::test]
async fn a_full_log_refuses_writes_until_it_shrinks() {
    let elsewhere = Elsewhere::default();
    let setup = Setup {
        log_bytes_max: 4000,
        ..small()
    };
    let world = elsewhere.open(FaultStorage::new(1), setup).expect("opens");
    assert!(world.ingest.log_pressure() < f64::EPSILON);
    let mut written = 0;
    let refused = loop {
        match world.try_write(&format!("m v=1 {written}")).await {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 1000, "never full");
    };
    assert!(matches!(refused, WriteError::LogFull { .. }), "{refused}");
    assert!(refused.to_string().contains("(wal.log_bytes_max)"));
    let reason = world.ingest.health().expect_err("unhealthy");
    assert_eq!(reason, refused.to_string());
    assert!((world.ingest.log_pressure() - 1.0).abs() < f64::EPSILON);
    elsewhere.flush_all(world.ingest.buffer());
    world.ingest.release_log().expect("works");
    eventually("healthy", || world.ingest.health().is_ok());
    world.write("m v=1 5000").await;
    assert_eq!(elsewhere.rows(&world, "m").len(), written + 1);
}

#[tokio::test]
async fn a_deleted_bucket_gives_its_log_back() {
    let world = World::open(FaultStorage::new(1), small()).expect("opens");
    for time in 0..40 {
        world.write(&format!("m v=1 {time}")).await;
    }
    let ingest = world.ingest.clone();
    let bucket = world.catalog.bucket_named("b").expect("there");
    let deleted = tokio::task::spawn_blocking(move || ingest.delete_bucket(bucket.id));
    deleted.await.expect("no panic").expect("deleted");
    eventually("one segment", || world.ingest.log_stats().segments == 1);
}

#[tokio::test]
async fn a_log_larger_than_memory_is_replayed_if_its_points_can_go_elsewhere() {
    let world = World::new();
    for time in 0..300 {
        let text = "x".repeat(3000);
        world
            .write(&format!("m{} s=\"{text}\" {time}", time % 3))
            .await;
    }
    let little = || Setup {
        budget_bytes: 1 << 18,
        ..Setup::default()
    };
    let Err(refused) = World::open(world.storage.crash(), little()) else {
        panic!("it fits");
    };
    let mut cause: &dyn std::error::Error = &refused;
    while let Some(source) = cause.source() {
        cause = source;
    }
    assert!(cause.to_string().contains("memory.budget_bytes"), "{cause}");
    let elsewhere = Elsewhere::default();
    let calls = Arc::new(Mutex::new(0));
    let (there, counted) = (elsewhere.clone(), Arc::clone(&calls));
    let pressure = move |buffer: &Buffer| {
        *counted.lock().expect("whole") += 1;
        there.flush_all(buffer);
    };
    let setup = Setup {
        pressure: Some(Box::new(pressure)),
        ..little()
    };
    let world = elsewhere.open(world.storage.crash(), setup).expect("opens");
    let rows = (0..3).map(|m| elsewhere.rows(&world, &format!("m{m}")).len());
    assert_eq!(rows.sum::<usize>(), 300);
    let calls = *calls.lock().expect("whole");
    assert!((2..20).contains(&calls), "{calls} calls");
    // Where nothing helps it is not asked for every frame.
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    let setup = Setup {
        pressure: Some(Box::new(move |_| *counted.lock().expect("whole") += 1)),
        ..little()
    };
    assert!(World::open(world.storage.crash(), setup).is_err());
    assert!((1..=5).contains(&*asked.lock().expect("whole")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_and_a_flusher_at_once_lose_nothing_to_a_crash() {
    for seed in 0..10 {
        let elsewhere = Elsewhere::default();
        let storage = FaultStorage::new(seed);
        let world = Arc::new(elsewhere.open(storage, small()).expect("opens"));
        world.write("m0 v=1 0").await;
        let done = Arc::new(AtomicBool::new(false));
        let writers = (0..3).map(|writer| {
            let world = Arc::clone(&world);
            tokio::spawn(async move {
                for number in 0..60 {
                    let time = 1 + writer + 3 * number;
                    world.write(&format!("m{} v=1 {time}", time % 2)).await;
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let flusher = {
            let (world, elsewhere) = (Arc::clone(&world), elsewhere.clone());
            let done = Arc::clone(&done);
            tokio::task::spawn_blocking(move || {
                while !done.load(Ordering::Relaxed) {
                    elsewhere.flush_all(world.ingest.buffer());
                    world.ingest.release_log().expect("works");
                }
            })
        };
        for task in writers {
            task.await.expect("no panic");
        }
        eventually("a release", || {
            world.ingest.log_stats().released > Sequence(0)
        });
        done.store(true, Ordering::Relaxed);
        flusher.await.expect("no panic");
        let crashed = world.storage.crash();
        let world = elsewhere.open(crashed, small()).expect("opens");
        for measurement in 0..2 {
            let mut rows = elsewhere.rows(&world, &format!("m{measurement}"));
            rows.sort();
            let times = (0..=180).filter(|time| time % 2 == measurement);
            let mut expected: Vec<String> = times.map(|time| format!(" v=1.0 {time}")).collect();
            expected.sort();
            assert_eq!(rows, expected, "seed {seed}");
        }
    }
}

/// Random schedules of writes, flushes, releases, deletions, faults and power cuts.
struct Schedule {
    seed: u64,
    random: SplitMix,
    world: World,
    elsewhere: Elsewhere,
    time: u64,
    /// Must be there.
    known: BTreeMap<String, Vec<String>>,
    /// Points that may be there: the write failed, or was not answered.
    unknown: Vec<String>,
    has_faults: bool,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let elsewhere = Elsewhere::default();
        let world = elsewhere.open(FaultStorage::new(seed), small());
        Self {
            seed,
            random: SplitMix::new(seed),
            world: world.expect("opens"),
            elsewhere,
            time: 0,
            known: BTreeMap::new(),
            unknown: Vec::new(),
            has_faults: seed % 2 == 1,
        }
    }

    async fn act(&mut self) {
        match self.random.below(16) {
            0..=8 => self.write().await,
            9..=11 => {
                let bucket = self.world.catalog.bucket_named("b");
                let name = format!("m{}", self.random.below(6));
                if let Some(bucket) = bucket {
                    let buffer = self.world.ingest.buffer();
                    self.elsewhere
                        .flush(buffer, &TableId::new(bucket.id, &*name));
                }
            }
            12 | 13 => {
                let _ = self.world.ingest.release_log();
            }
            14 if self.has_faults => {
                use Operation::{Create, Remove, Rename, Sync, SyncDir, Write};
                let operations = [Create, Remove, Rename, Sync, SyncDir, Write];
                let operation = operations[self.random.below(operations.len())];
                let after = self.random.below(3) as u64;
                self.world.storage.fail(operation, after, Fault::Io);
            }
            14 => self.delete(),
            _ => self.crash(),
        }
    }

    async fn write(&mut self) {
        for _ in 0..=self.random.below(8) {
            self.time += 1;
            let (table, column) = (self.random.below(6), self.random.below(4));
            let line = format!("m{table} v{column}=1i {}", self.time);
            let row = format!(" v{column}=1i {}", self.time);
            match self.world.try_write(&line).await {
                Ok(_) => self.known.entry(format!("m{table}")).or_default().push(row),
                Err(_) => self.unknown.push(row),
            }
        }
    }

    fn delete(&mut self) {
        if self.world.delete().is_ok() {
            self.known.clear();
        }
    }

    /// The power goes, in the middle of a release or between two steps.
    fn crash(&mut self) {
        if self.random.chance(2) {
            self.elsewhere.flush_all(self.world.ingest.buffer());
            let operations = self.random.below(16) as u64;
            self.world.storage.cut_power_after(operations);
            let _ = self.world.ingest.release_log();
            std::thread::sleep(Duration::from_millis(1));
        }
        let before = schemas(&self.world);
        let crashed = self.world.storage.crash();
        let world = self.elsewhere.open(crashed, small());
        self.world = world.unwrap_or_else(|error| panic!("seed {}: {error}", self.seed));
        self.check(&before);
    }

    fn check(&mut self, before: &BTreeMap<String, TableSchema>) {
        let seed = self.seed;
        let after = schemas(&self.world);
        if !self.has_faults {
            assert_eq!(&after, before, "seed {seed}");
        }
        for table in 0..6 {
            let name = format!("m{table}");
            let mut found = self.elsewhere.rows(&self.world, &name);
            let known = self.known.entry(name.clone()).or_default();
            let lost = known.iter().find(|row| !found.contains(row));
            assert_eq!(lost, None, "seed {seed}: lost of {name}");
            found.retain(|row| !known.contains(row));
            let made_up = found.iter().find(|row| !self.unknown.contains(row));
            assert_eq!(made_up, None, "seed {seed}: made up in {name}");
            known.extend(found);
            let mut rows = self.elsewhere.rows(&self.world, &name);
            let count = rows.len();
            rows.sort();
            rows.dedup();
            assert_eq!(rows.len(), count, "seed {seed}: twice in {name}");
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_comes_twice_in_random_schedules() {
    for seed in 0..60 {
        let mut schedule = Schedule::new(seed);
        for _ in 0..60 {
            schedule.act().await;
        }
        schedule.world.storage.heal();
        schedule.crash();
    }
}

#[tokio::test]
async fn a_clean_stop_after_a_release_starts_with_the_same_schemas() {
    let elsewhere = Elsewhere::default();
    let world = elsewhere
        .open(FaultStorage::new(1), small())
        .expect("opens");
    for time in 0..40 {
        world.write(&format!("m{time} v=1 {time}")).await;
    }
    elsewhere.flush_all(world.ingest.buffer());
    world.ingest.release_log().expect("works");
    world.write("late v=1 1").await;
    world.ingest.close().expect("closed");
    let before = schemas(&world);
    let listed = world.storage.list("wal").expect("listed");
    assert_eq!(listed.len(), 2, "one segment and the record: {listed:?}");
    let world = elsewhere.open(world.storage, small()).expect("opens");
    assert_eq!(schemas(&world), before);
    assert_eq!(world.rows("late"), [" v=1.0 1"]);
}

/// A bug once: points of a bucket that the catalog had forgotten were replayed into no bucket, and
/// the next bucket got its id, and its points.
#[tokio::test]
async fn frames_of_a_bucket_that_the_catalog_never_gave_refuse_the_start() {
    let storage = FaultStorage::new(1);
    let world = World::with(storage.clone(), super::support::LIMITS);
    world.catalog.create_bucket("other", None).expect("made");
    let older = storage.contents("catalog.json").expect("there");
    world.write("m v=1 1").await;
    let crashed = storage.crash();
    crashed.put("catalog.json", &older);
    let refused = World::open(crashed, Setup::default());
    let told = match refused.map(|_| ()).expect_err("refused") {
        OpenError::Wal(error) => format!("{error}: {:?}", std::error::Error::source(&error)),
        other => panic!("{other}"),
    };
    assert!(told.contains("frame 1 at offset 72"), "{told}");
    assert!(told.contains("UnknownBucket"), "{told}");

    // One that was deleted is no reason.
    let bucket = world.catalog.bucket_named("b").expect("there");
    world.catalog.delete_bucket(bucket.id).expect("deleted");
    let rows = world.after_crash().rows("m");
    assert!(rows.is_empty(), "{rows:?}");
}
