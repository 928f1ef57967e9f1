//! Tables in memory: `cpu` has three rows, `broken` cannot be read, `stuck` never answers.

use std::sync::Arc;
use std::task::{Context, Poll};

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use async_trait::async_trait;
use futures_util::future::{self, BoxFuture, FutureExt};
use futures_util::stream::{self, StreamExt};
use tidegate_query::{
    Batches, Column, ColumnKind, Database, DatabaseError, FixedMemory, Holding, Limits, Merged,
    NoDisk, Piece, QueryEngine, QueryError, Question, Scan, Table,
};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::auth::Identity;
use crate::catalog::{self, Catalog, NewToken, Permissions, Scope};
use crate::clock::Clock;
use crate::flight::{self, Asking, Asks, Bindings, Starting};
use crate::storage::FaultStorage;

/// Told of the questions about `stuck`.
#[derive(Debug, Default)]
pub struct Signals {
    /// One waits for rows.
    pub stuck: Notify,
    /// One is gone.
    pub gone: Notify,
}

/// Two buckets are known: `b` and `other`.
pub struct Tables {
    engine: QueryEngine,
    /// Each question takes one, until it and its answer are gone.
    places: Arc<Semaphore>,
    pub signals: Arc<Signals>,
}

impl Tables {
    pub fn new() -> Self {
        Self::with_places(Semaphore::MAX_PERMITS)
    }

    /// Tables of which so many questions are answered at once.
    pub fn with_places(count: usize) -> Self {
        Self {
            engine: engine(),
            places: Arc::new(Semaphore::new(count)),
            signals: Arc::default(),
        }
    }
}

/// An engine that works on the threads of the test.
pub fn engine() -> QueryEngine {
    let limits = Limits {
        partitions: 1,
        memory: Arc::new(FixedMemory::new(64 << 20)),
        threads: tokio::runtime::Handle::current(),
        timeout: None,
        disk: Arc::new(NoDisk),
        instant: crate::clock::instant,
    };
    QueryEngine::new(limits).expect("an engine")
}

#[async_trait]
impl Asks for Tables {
    type Bucket = ();

    fn threads(&self) -> tokio::runtime::Handle {
        tokio::runtime::Handle::current()
    }

    fn memory(&self) -> Option<Holding> {
        Some(self.engine.holding())
    }

    fn bucket(&self, name: &str) -> Result<Option<()>, Starting> {
        Ok(["b", "other"].contains(&name).then_some(()))
    }

    async fn ask(&self, bucket: &(), asking: Asking<'_>) -> Result<Question, QueryError> {
        self.sql(bucket, asking.text).await
    }

    async fn influxql(
        &self,
        _database: &str,
        _asking: Asking<'_>,
        _values: Bindings,
    ) -> Result<flight::Rows, QueryError> {
        let text = "InfluxQL is not spoken here".to_owned();
        Err(QueryError::Invalid(text))
    }

    async fn sql(&self, _bucket: &(), text: &str) -> Result<Question, QueryError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let database = InMemory {
            signals: Arc::clone(&self.signals),
            _place: place.expect("never closed"),
        };
        self.engine.sql(Arc::new(database), text).await
    }
}

#[derive(Debug)]
struct InMemory {
    signals: Arc<Signals>,
    _place: OwnedSemaphorePermit,
}

impl Database for InMemory {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        future::ok(["broken", "cpu"].map(str::to_owned).to_vec()).boxed()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        let table = ["cpu", "broken", "stuck"].contains(&name).then(|| {
            Arc::new(Cpu {
                name: name.to_owned(),
                columns: columns(),
                signals: Arc::clone(&self.signals),
            }) as Arc<dyn Table>
        });
        future::ok(table).boxed()
    }
}

fn columns() -> Vec<Column> {
    [
        (
            "time",
            ColumnKind::Time,
            DataType::Timestamp(TimeUnit::Nanosecond, None),
        ),
        ("host", ColumnKind::Tag, DataType::Utf8),
        ("usage", ColumnKind::Field, DataType::Float64),
    ]
    .map(|(name, kind, data_type)| Column {
        name: name.to_owned(),
        kind,
        data_type,
    })
    .to_vec()
}

#[derive(Debug)]
struct Cpu {
    name: String,
    columns: Vec<Column>,
    signals: Arc<Signals>,
}

impl Table for Cpu {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>> {
        let array = |name: &String| -> (Field, ArrayRef) {
            match name.as_str() {
                "time" => {
                    let kind = DataType::Timestamp(TimeUnit::Nanosecond, None);
                    let times = TimestampNanosecondArray::from(vec![1, 2, 3]);
                    (Field::new(name, kind, false), Arc::new(times))
                }
                "host" => {
                    let hosts = StringArray::from(vec![Some("a"), Some("b"), None]);
                    (Field::new(name, DataType::Utf8, true), Arc::new(hosts))
                }
                _ => {
                    let usage = Float64Array::from(vec![1.0, 2.0, 3.0]);
                    (Field::new(name, DataType::Float64, true), Arc::new(usage))
                }
            }
        };
        let (fields, arrays): (Vec<_>, Vec<_>) = scan.columns.iter().map(array).unzip();
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(3));
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options);
        let rows = Rows {
            name: self.name.clone(),
            batch: batch.expect("a batch"),
            signals: Arc::clone(&self.signals),
        };
        future::ok(vec![Piece::Merged(Arc::new(rows))]).boxed()
    }
}

#[derive(Debug)]
struct Rows {
    name: String,
    batch: RecordBatch,
    signals: Arc<Signals>,
}

/// Tells when it is dropped.
struct Guard(Arc<Signals>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.gone.notify_one();
    }
}

impl Merged for Rows {
    fn read(&self) -> Batches {
        match self.name.as_str() {
            "broken" => {
                let error = DatabaseError::unreadable("/data/x is damaged");
                stream::iter([Err(error)]).boxed()
            }
            "stuck" => {
                let guard = Guard(Arc::clone(&self.signals));
                let wait = move |_: &mut Context<'_>| {
                    guard.0.stuck.notify_one();
                    Poll::Pending
                };
                stream::poll_fn(wait).boxed()
            }
            _ => stream::iter([Ok(self.batch.clone())]).boxed(),
        }
    }
}

/// The holder of a token that may read these buckets.
pub fn reader<'a>(buckets: impl IntoIterator<Item = &'a str>) -> Identity {
    let limits = catalog::Limits {
        buckets_max: 10,
        tokens_max: 10,
    };
    let storage = Arc::new(FaultStorage::new(1));
    let catalog = Catalog::open(storage, Clock::manual(0), limits).expect("opens");
    let new = NewToken {
        description: String::new(),
        permissions: Permissions {
            operator: false,
            read: Scope::of(buckets),
            write: Scope::of(["*"]),
        },
        expires_ns: None,
    };
    let (_, token) = catalog.create_token(new).expect("made");
    Identity::Token(token)
}
