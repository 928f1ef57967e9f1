//! A lake on a folder that can crash, and the log that it is fed from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array as _, RecordBatch};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::flaky::Flaky;
use crate::buffer::{Buffer, BufferLimits};
use crate::catalog::{self, Bucket, Catalog};
use crate::clock::Clock;
use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};
use crate::id::Sequence;
use crate::lake::options::JoinLimits;
use crate::lake::store::Store;
use crate::lake::{Lake, LakeError, LakeParts, Options};
use crate::memory::{Budget, Marks};
use crate::storage::{FaultStorage, data_format};
use crate::telemetry::Metrics;

/// (host, time) and the value of `v`: with it, how often the point is in the table.
pub(super) type Points = BTreeMap<(String, i64), (f64, usize)>;

pub(super) struct World {
    pub(super) storage: FaultStorage,
    pub(super) buffer: Buffer,
    pub(super) catalog: Catalog,
    pub(super) bucket: Arc<Bucket>,
    pub(super) lake: Lake,
    budget: Budget,
    /// The acknowledged rows, frame by frame.
    pub(super) log: Vec<Batch>,
}

/// The cases of a long run: as many as `TIDEGATE_CASES` says, otherwise all of them.
#[allow(
    clippy::disallowed_methods,
    reason = "a setting of the tests, not of the program"
)]
pub(super) fn cases(all: u64) -> u64 {
    let given = std::env::var("TIDEGATE_CASES").ok();
    given.map_or(all, |cases| {
        cases.parse().expect("TIDEGATE_CASES is a number")
    })
}

pub(super) fn options() -> Options {
    Options {
        url: None,
        shared: false,
        refresh: Duration::ZERO,
        flush_bytes: 1 << 20,
        flush_age: Duration::from_secs(600),
        flushes_max: 2,
        log_bytes: 1 << 20,
        compact_files_min: 4,
        file_bytes_max: 1 << 20,
        vacuum_age: Duration::ZERO,
        checkpoint_every: 5,
        upkeep_every: Duration::ZERO,
    }
}

pub(super) fn budget() -> Budget {
    budget_of(1 << 30)
}

pub(super) fn budget_of(bytes: u64) -> Budget {
    Budget::new(Marks {
        budget_bytes: bytes,
        soft_bytes: bytes / 2,
        hard_bytes: bytes,
    })
}

impl World {
    pub(super) async fn new(seed: u64) -> Self {
        let storage = FaultStorage::new(seed);
        Self::open(storage, Vec::new()).await.expect("opened")
    }

    /// Opens a folder and replays what its tables lack.
    pub(super) async fn open(storage: FaultStorage, log: Vec<Batch>) -> Result<Self, LakeError> {
        Self::within(storage, log, budget()).await
    }

    /// The same, in a lake that others write to.
    pub(super) async fn shared(seed: u64) -> Self {
        let options = Options {
            shared: true,
            ..options()
        };
        let storage = FaultStorage::new(seed);
        let opened = Self::open_with(storage, Vec::new(), options, Clock::system());
        opened.await.expect("opened")
    }

    /// The same with a budget.
    pub(super) async fn within(
        storage: FaultStorage,
        log: Vec<Batch>,
        budget: Budget,
    ) -> Result<Self, LakeError> {
        Self::open_in(None, storage, log, (options(), Clock::system(), budget)).await
    }

    /// The same, with its tables in a store of their own.
    pub(super) async fn on(
        store: &Arc<Flaky>,
        storage: FaultStorage,
        log: Vec<Batch>,
        options: Options,
    ) -> Self {
        let store = Arc::clone(store) as Store;
        let how = (options, Clock::system(), budget());
        let opened = Self::open_in(Some(store), storage, log, how).await;
        opened.expect("opened")
    }

    pub(super) async fn open_with(
        storage: FaultStorage,
        log: Vec<Batch>,
        options: Options,
        clock: Clock,
    ) -> Result<Self, LakeError> {
        Self::open_in(None, storage, log, (options, clock, budget())).await
    }

    async fn open_in(
        store: Option<Store>,
        storage: FaultStorage,
        log: Vec<Batch>,
        (options, clock, budget): (Options, Clock, Budget),
    ) -> Result<Self, LakeError> {
        let limits = catalog::Limits {
            buckets_max: 10,
            tokens_max: 10,
        };
        let catalog = Catalog::open(Arc::new(storage.clone()), clock.clone(), limits);
        let catalog = catalog.expect("readable");
        let bucket = catalog.create_bucket("b", None).expect("created");
        let buffer = Buffer::new(BufferLimits::default());
        let opened = LakeParts {
            storage: Arc::new(storage.clone()),
            catalog: catalog.clone(),
            buffer: buffer.clone(),
            budget: budget.clone(),
            metrics: Metrics::new(&clock),
            clock,
            options,
        };
        let lake = match store {
            None => Lake::open(opened).await?,
            Some(store) => {
                let node_id = data_format(&storage).expect("a node").node_id;
                Lake::open_in(store, node_id, opened, JoinLimits::default()).await?
            }
        };
        let mut world = Self {
            storage,
            buffer,
            catalog,
            bucket,
            lake,
            budget,
            log: Vec::new(),
        };
        for batch in log {
            let sequence = Sequence(world.log.len() as u64 + 1);
            let flushed = world.lake.flushed(&world.bucket.table(batch.measurement()));
            if sequence > flushed {
                world.apply(sequence, &batch);
            }
            world.log.push(batch);
        }
        Ok(world)
    }

    fn apply(&self, sequence: Sequence, batch: &Batch) {
        let reservation = self.budget.force(Buffer::apply_bytes_max(batch));
        self.buffer
            .apply(self.bucket.id, sequence, batch, reservation);
    }

    /// Acknowledges a frame with a point for each host at a time.
    pub(super) fn write(&mut self, table: &str, hosts: std::ops::Range<usize>, time_ns: i64) {
        let value = f64::from(u32::try_from(self.log.len()).expect("few frames"));
        let mut builder = BatchBuilder::new(table);
        for host in hosts {
            let host = format!("h{host}");
            let series = builder.series(&[("host", &host)]);
            let field = builder.field_column("v", FieldType::Float);
            builder.push_row(series, time_ns, &[(field, FieldValue::Float(value))]);
        }
        self.push(builder.finish());
    }

    pub(super) fn push(&mut self, batch: Batch) {
        self.log.push(batch);
        let sequence = Sequence(self.log.len() as u64);
        let batch = self.log.last().expect("just pushed");
        self.apply(sequence, batch);
    }

    /// Writes the notes that a stop writes.
    pub(super) fn stop(&self) {
        self.lake.shared.positions.write().expect("written");
    }

    pub(super) async fn flush(&self, table: &str) -> Result<(), LakeError> {
        self.lake.flush_table(&self.bucket, table).await.map(|_| ())
    }

    /// The points that a table must hold according to the log.
    pub(super) fn expected(&self, table: &str) -> Points {
        let mut points = Points::new();
        for batch in self.log.iter().filter(|b| b.measurement() == table) {
            for (row, series) in batch.series_of_rows().iter().enumerate() {
                let (_, host) = batch.series_tags(*series).next().expect("a tag");
                let value = batch.fields()[0].value(row);
                let Some(FieldValue::Float(value)) = value else {
                    panic!("{value:?}")
                };
                points.insert((host.to_owned(), batch.times()[row]), (value, 1));
            }
        }
        points
    }

    /// The points that the files of a table hold, all versions of a point counted.
    pub(super) async fn stored(&self, table: &str) -> Points {
        let table = self.lake.shared.tables.get("b", table).expect("a name");
        let Some(state) = table.refresh(self.lake.app()).await.expect("readable") else {
            return Points::new();
        };
        let mut points = Points::new();
        let mut files: Vec<_> = state.files.values().collect();
        files.sort_by_key(|file| file.order);
        for file in files {
            let path = Path::parse(&file.path).expect("a path");
            let found = table.store.get(&path).await.expect("there");
            let bytes = found.bytes().await.expect("read");
            assert_eq!(bytes.len() as u64, file.bytes);
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("Parquet");
            for batch in reader.build().expect("Parquet") {
                add(&mut points, &batch.expect("rows"));
            }
        }
        points
    }

    /// Files in the folder of tables that belong to none.
    pub(super) async fn orphans(&self, table: &str) -> usize {
        use futures_util::TryStreamExt as _;
        let table = self.lake.shared.tables.get("b", table).expect("a name");
        let state = table.refresh(self.lake.app()).await.expect("readable");
        let listed: Vec<_> = table.store.list(None).try_collect().await.expect("listed");
        let files = listed.into_iter().filter(|meta| {
            let path = meta.location.as_ref();
            let is_known = |path: &str| {
                let state = state.as_deref();
                state.is_some_and(|state| state.files.contains_key(path))
            };
            !path.starts_with("_delta_log") && !is_known(path)
        });
        files.count()
    }
}

fn add(points: &mut Points, batch: &RecordBatch) {
    let column = |name: &str| batch.column_by_name(name).expect("a column");
    let hosts = arrow_cast_to_strings(column("host"));
    let times = column("time_ns").as_primitive::<Int64Type>();
    let values = column("v").as_primitive::<Float64Type>();
    for (row, host) in hosts.into_iter().enumerate() {
        let entry = points.entry((host, times.value(row))).or_insert((0.0, 0));
        *entry = (values.value(row), entry.1 + 1);
    }
}

fn arrow_cast_to_strings(column: &arrow_array::ArrayRef) -> Vec<String> {
    let strings = column.as_string::<i32>();
    (0..strings.len())
        .map(|row| strings.value(row).to_owned())
        .collect()
}
