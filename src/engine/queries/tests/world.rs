//! An engine on a folder of its own, and a plain map of what was acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampNanosecondType, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use bytes::Bytes;
use futures_util::future::{self, BoxFuture};
use futures_util::{FutureExt, TryStreamExt};
use tidegate_query::{Database, DatabaseError, Parameters, Piece, QueryError, Scan, Table};

use crate::catalog::Bucket;
use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::engine::{Engine, Environment};
use crate::ingest::{Acknowledge, Body, Target, WriteRequest};
#[cfg(feature = "lake")]
use crate::lake::{LakeError, Upkeep};
use crate::line_protocol::Precision;
use crate::memory::Budget;
use crate::telemetry::Metrics;

/// 2023-11-14 22:13:20 UTC.
pub(super) const NOW_NS: i64 = 1_700_000_000_000_000_000;

/// Host, rack and time of a point.
pub(super) type Key = (Option<String>, Option<String>, i64);

/// The last value of each field, as text.
pub(super) type Model = BTreeMap<Key, BTreeMap<String, String>>;

/// The cells of a row, as text.
pub(super) type Row = Vec<Option<String>>;

pub(super) struct World {
    folder: tempfile::TempDir,
    config: Arc<Config>,
    pub(super) clock: Clock,
    pub(super) budget: Budget,
    pub(super) engine: Engine,
    pub(super) bucket: Arc<Bucket>,
}

impl World {
    pub(super) async fn new(change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = Config::load(&Sources::default()).expect("the defaults are valid");
        config.storage.data_dir = folder.path().join("data");
        // The tests alone decide when rows move.
        config.lake.flush_age = Duration::from_secs(3600);
        config.lake.upkeep_every = Duration::ZERO;
        change(&mut config);
        let config = Arc::new(config);
        let clock = Clock::manual(NOW_NS);
        let (engine, budget) = open(&config, &clock).await;
        let bucket = engine.catalog.create_bucket("b", None).expect("created");
        Self {
            folder,
            config,
            clock,
            budget,
            engine,
            bucket,
        }
    }

    /// Ends and starts again, without moving what is in memory.
    pub(super) async fn restart(self) -> Self {
        let Self {
            folder,
            config,
            clock,
            engine,
            ..
        } = self;
        engine.close(Duration::ZERO).await;
        drop(engine);
        let (engine, budget) = open(&config, &clock).await;
        let bucket = engine.catalog.bucket_named("b").expect("it is kept");
        Self {
            folder,
            config,
            clock,
            budget,
            engine,
            bucket,
        }
    }

    /// Writes lines, which are acknowledged when it returns.
    pub(super) async fn write(&self, lines: &str) {
        self.write_to(&self.bucket, lines).await;
    }

    pub(super) async fn write_to(&self, bucket: &Arc<Bucket>, lines: &str) {
        let bytes = Bytes::from(lines.to_owned());
        let request = WriteRequest {
            target: Target::Existing(Arc::clone(bucket)),
            body: Body {
                reservation: self.budget.force(bytes.len() as u64),
                bytes,
            },
            precision: Precision::Nanosecond,
            accept_partial: false,
            acknowledge: Acknowledge::Durable,
            received_ns: self.clock.now_ns(),
        };
        let written = self.engine.ingest.write(request).await.expect("written");
        assert_eq!(written.rejected, 0, "{:?}", written.reports);
    }

    /// Moves what is in memory to the tables.
    #[cfg(feature = "lake")]
    pub(super) async fn flush(&self) {
        self.flush_of(&self.bucket, "m").await;
    }

    #[cfg(feature = "lake")]
    pub(super) async fn flush_of(&self, bucket: &Bucket, measurement: &str) {
        let tables = &self.engine.tables;
        // The tables of a deleted bucket of the same name go first.
        tables.wait_for_removal(bucket.id).await;
        let moved = tables.flush_table(&bucket.table(measurement)).await;
        moved.expect("moved");
    }

    #[cfg(not(feature = "lake"))]
    pub(super) async fn flush(&self) {}

    #[cfg(not(feature = "lake"))]
    pub(super) async fn flush_of(&self, _: &Bucket, _: &str) {}

    /// Joins what can be joined of a table's files, and removes those of no table. The clock of these
    /// tests is years behind that of the library that removes them: no file is too young for it, so no
    /// question may run meanwhile.
    #[cfg(feature = "lake")]
    pub(super) async fn tidy(&self, measurement: &str) {
        self.join(measurement).await;
        let lake = self.engine.tables.lake();
        let done = lake.upkeep(&self.bucket, measurement, Upkeep::Vacuum).await;
        done.expect("vacuumed");
    }

    /// Joins what can be joined of a table's files.
    #[cfg(feature = "lake")]
    pub(super) async fn join(&self, measurement: &str) {
        let lake = self.engine.tables.lake();
        // A clock that is set ahead by a day and more is not trusted by itself.
        lake.trust_clock().expect("trusted");
        let done = lake
            .upkeep(&self.bucket, measurement, Upkeep::Compact)
            .await;
        // One that finds no memory is begun again later.
        if !matches!(done, Err(LakeError::Exhausted(_))) {
            done.expect("compacted");
        }
    }

    #[cfg(not(feature = "lake"))]
    pub(super) async fn tidy(&self, _: &str) {}

    #[cfg(not(feature = "lake"))]
    pub(super) async fn join(&self, _: &str) {}

    /// The names of the columns and the rows of an answer.
    pub(super) async fn ask(&self, text: &str) -> Result<(Vec<String>, Vec<Row>), QueryError> {
        self.ask_of(&self.bucket, text).await
    }

    pub(super) async fn ask_of(
        &self,
        bucket: &Arc<Bucket>,
        text: &str,
    ) -> Result<(Vec<String>, Vec<Row>), QueryError> {
        let question = self.engine.queries.sql(bucket, text).await?;
        let mut answer = question.run(Parameters::none()).await?;
        let fields = answer.schema().fields().clone();
        let names = fields.iter().map(|field| field.name().clone()).collect();
        let mut rows = Vec::new();
        while let Some(batch) = answer.next_batch().await? {
            rows.extend(rows_of(&batch));
        }
        Ok((names, rows))
    }

    /// The table `m` at one moment.
    pub(super) async fn table(&self) -> Arc<dyn Table> {
        let database = self.engine.queries.database(&self.bucket).await;
        let table = database.expect("a place").table("m").await;
        table.expect("it is read").expect("it is there")
    }

    #[cfg(feature = "lake")]
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

async fn open(config: &Arc<Config>, clock: &Clock) -> (Engine, Budget) {
    let begun = crate::clock::instant();
    loop {
        let budget = Budget::new(config.memory.marks());
        let environment = Environment {
            config: Arc::clone(config),
            clock: clock.clone(),
            budget: budget.clone(),
            metrics: Metrics::new(clock),
        };
        // An engine that was dropped gives its folder back a moment later.
        match Engine::open(environment, Box::new(|_| Ok(()))).await {
            Ok(engine) => return (engine, budget),
            Err(error) => assert!(begun.elapsed().as_secs() < 60, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

impl World {
    /// Joins the files of the table.
    #[cfg(feature = "lake")]
    pub(super) async fn compact(&self) {
        let lake = self.engine.tables.lake();
        let all = lake.upkeep(&self.bucket, "m", crate::lake::Upkeep::Compact);
        all.await.expect("joined");
    }

    #[cfg(not(feature = "lake"))]
    pub(super) async fn compact(&self) {}

    /// The rows of a table that a scan asks for.
    pub(super) async fn read(&self, table: &Arc<dyn Table>, scan: &Scan) -> Vec<Row> {
        let database = Arc::new(Only(Arc::clone(table)));
        let engine = &self.engine.queries.shared.engine;
        let text = sql(scan);
        for piece in table.scan(scan.clone()).await.expect("it is planned") {
            if let Piece::Merged(merged) = &piece
                && let Some(most) = merged.rows_at_most()
            {
                assert!(read_piece(&piece).await.len() <= most, "{text}");
            }
        }
        let question = engine.sql(database, &text).await;
        let question = question.unwrap_or_else(|error| panic!("{text}: {error}"));
        let answer = question.run(Parameters::none()).await;
        let mut answer = answer.unwrap_or_else(|error| panic!("{text}: {error}"));
        let mut rows = Vec::new();
        while let Some(batch) = answer.next_batch().await.expect("it is read") {
            let some = rows_of(&batch);
            // A statement without columns cannot be said.
            let some = some.into_iter().map(|mut row| {
                row.truncate(scan.columns.len());
                row
            });
            rows.extend(some);
        }
        rows
    }
}

/// A scan as a statement.
fn sql(scan: &Scan) -> String {
    let columns: Vec<String> = scan
        .columns
        .iter()
        .map(|name| format!("\"{name}\""))
        .collect();
    let columns = match columns.is_empty() {
        true => "1".to_owned(),
        false => columns.join(", "),
    };
    let mut conditions = Vec::new();
    let time = |time_ns: i64| format!("to_timestamp({time_ns})");
    if *scan.times.start() != i64::MIN {
        conditions.push(format!("time >= {}", time(*scan.times.start())));
    }
    if *scan.times.end() != i64::MAX {
        conditions.push(format!("time <= {}", time(*scan.times.end())));
    }
    conditions.extend(scan.tags.iter().map(|filter| {
        let values = filter.one_of.iter().map(|value| match value {
            Some(value) => format!("{} = '{value}'", filter.column),
            None => format!("{} IS NULL", filter.column),
        });
        let values: Vec<String> = values.chain(["false".to_owned()]).collect();
        format!("({})", values.join(" OR "))
    }));
    let conditions = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    format!("SELECT {columns} FROM m{conditions}")
}

/// A database of one table.
#[derive(Debug)]
struct Only(Arc<dyn Table>);

impl Database for Only {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        future::ok(vec!["m".to_owned()]).boxed()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        let table = (name == "m").then(|| Arc::clone(&self.0));
        future::ok(table).boxed()
    }
}

/// Rows in order.
pub(super) fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort();
    rows
}

/// The rows of a merged piece.
pub(super) async fn read_piece(piece: &Piece) -> Vec<Row> {
    let Piece::Merged(merged) = piece else {
        panic!("a piece of files");
    };
    let batches: Vec<RecordBatch> = merged.read().try_collect().await.expect("it is read");
    batches.iter().flat_map(rows_of).collect()
}

fn rows_of(batch: &RecordBatch) -> Vec<Row> {
    let rows = 0..batch.num_rows();
    let row = |row| {
        batch
            .columns()
            .iter()
            .map(|column| cell(column, row))
            .collect()
    };
    rows.map(row).collect()
}

fn cell(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Timestamp(_, None) => {
            let times = array.as_primitive::<TimestampNanosecondType>();
            times.value(row).to_string()
        }
        DataType::Dictionary(..) => {
            let tags = array.as_dictionary::<Int32Type>();
            let key = usize::try_from(tags.keys().value(row)).expect("a place");
            tags.values().as_string::<i32>().value(key).to_owned()
        }
        other => panic!("a column of {other}"),
    })
}

/// All Parquet files below a folder.
#[cfg(feature = "lake")]
#[allow(
    clippy::disallowed_methods,
    reason = "the tests damage the data folder"
)]
pub(super) fn parquet(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(parquet(&path));
        } else if path.extension().is_some_and(|kind| kind == "parquet") {
            found.push(path);
        }
    }
    found
}

/// The name of a file.
#[cfg(feature = "lake")]
pub(super) fn name(path: &std::path::Path) -> Option<String> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned)
}
