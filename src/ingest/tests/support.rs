//! A write path over a disk in memory, and its contents as text.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::buffer::{Buffer, BufferLimits};
use crate::catalog::{self, Catalog};
use crate::clock::{self, Clock};
use crate::columnar::{FieldValue, Segment};
use crate::id::{Sequence, TableId};
use crate::ingest::{
    Acknowledge, Body, Flushed, Ingest, IngestParts, Limits, OpenError, Options, Pressure, Target,
    WriteError, WriteOutcome, WriteRequest,
};
use crate::line_protocol::Precision;
use crate::memory::{Budget, Marks};
use crate::storage::{FaultStorage, Storage};
use crate::telemetry::Metrics;
use crate::wal::{Observer, WalOptions};

pub(super) const NOW_NS: i64 = 1_700_000_000_123_456_789;

pub(super) const LIMITS: Limits = Limits {
    point_bytes_max: 4 << 20,
    string_bytes_max: 1 << 20,
    name_bytes_max: 4 << 10,
    tag_value_bytes_max: 64 << 10,
    columns_max: 1000,
    tables_max: 10_000,
    series_max: 2_000_000,
    schema_bytes_max: 64 << 20,
    integer_into_float: true,
    schemas_bytes_max: 128 << 20,
};

/// Longer than anything takes on a machine that is merely slow.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until something is so, which other threads bring about.
pub(super) async fn soon(what: &str, is_so: impl Fn() -> bool) {
    let started = clock::instant();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(super) struct World {
    pub(super) storage: FaultStorage,
    pub(super) catalog: Catalog,
    pub(super) ingest: Ingest,
    pub(super) budget: Budget,
}

/// The differences of a world from the usual one.
pub(super) struct Setup {
    pub(super) limits: Limits,
    pub(super) budget_bytes: u64,
    pub(super) bucket_bytes_max: u64,
    pub(super) log_bytes_max: u64,
    pub(super) segment_bytes_max: u64,
    pub(super) group_bytes_max: usize,
    pub(super) sequences_after: Sequence,
    pub(super) flushed: Flushed,
    pub(super) pressure: Option<Pressure>,
    /// Looks on at each group that the log has committed.
    pub(super) observer: Option<Arc<dyn Observer>>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: LIMITS,
            budget_bytes: 256 << 20,
            bucket_bytes_max: 128 << 20,
            log_bytes_max: 1 << 30,
            segment_bytes_max: 64 << 20,
            group_bytes_max: WalOptions::default().group_bytes_max,
            sequences_after: Sequence(0),
            flushed: Box::new(|_| Sequence(0)),
            pressure: None,
            observer: None,
        }
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(FaultStorage::new(1), LIMITS)
    }

    pub(super) fn with(storage: FaultStorage, limits: Limits) -> Self {
        let setup = Setup {
            limits,
            ..Setup::default()
        };
        Self::open(storage, setup).expect("the log opens")
    }

    /// With a budget of this many bytes and a bucket's share of it, and somebody who looks on at
    /// each group that the log has committed.
    pub(super) fn over(
        storage: FaultStorage,
        limits: Limits,
        (budget_bytes, bucket_bytes_max): (u64, u64),
        observer: Option<Arc<dyn Observer>>,
    ) -> Self {
        let setup = Setup {
            limits,
            budget_bytes,
            bucket_bytes_max,
            observer,
            ..Setup::default()
        };
        Self::open(storage, setup).expect("the log opens")
    }

    pub(super) fn open(storage: FaultStorage, setup: Setup) -> Result<Self, OpenError> {
        let clock = Clock::manual(NOW_NS);
        let dynamic: Arc<dyn Storage> = Arc::new(storage.clone());
        let catalog_limits = catalog::Limits {
            buckets_max: 10,
            tokens_max: 1000,
        };
        let catalog = Catalog::open(Arc::clone(&dynamic), clock.clone(), catalog_limits)
            .expect("the catalog opens");
        let budget_bytes = setup.budget_bytes;
        let (soft_bytes, hard_bytes) = (budget_bytes / 16 * 12, budget_bytes / 16 * 15);
        let budget = Budget::new(Marks {
            budget_bytes,
            soft_bytes,
            hard_bytes,
        });
        let log = WalOptions {
            probe_first: Duration::from_millis(1),
            segment_bytes_max: setup.segment_bytes_max,
            group_bytes_max: setup.group_bytes_max,
            sequences_after: setup.sequences_after,
            observer: setup.observer,
            ..WalOptions::default()
        };
        let opened = IngestParts {
            on_delete: None,
            storage: dynamic,
            catalog: catalog.clone(),
            buffer: Buffer::new(BufferLimits::default()),
            budget: budget.clone(),
            metrics: Metrics::new(&clock),
            log,
            flushed: setup.flushed,
            pressure: setup.pressure,
            options: Options {
                limits: setup.limits,
                slice_bytes_max: 4096,
                inline_bytes_max: 1024,
                bucket_bytes_max: setup.bucket_bytes_max,
                log_bytes_max: setup.log_bytes_max,
            },
        };
        let ingest = Ingest::open(opened, &mut |_| {})?;
        Ok(Self {
            storage,
            catalog,
            ingest,
            budget,
        })
    }

    /// The files that are found after a power cut.
    pub(super) fn after_crash(&self) -> Self {
        Self::with(self.storage.crash(), LIMITS)
    }

    pub(super) fn request(&self, lines: &str, accept_partial: bool) -> WriteRequest {
        let target = match self.catalog.bucket_named("b") {
            Some(bucket) => Target::Existing(bucket),
            None => Target::Create("b".to_owned()),
        };
        let reservation = self.budget.try_reserve(lines.len() as u64).expect("fits");
        let body = Body {
            bytes: Bytes::copy_from_slice(lines.as_bytes()),
            reservation,
        };
        let precision = Precision::Nanosecond;
        WriteRequest {
            target,
            body,
            precision,
            accept_partial,
            acknowledge: Acknowledge::Durable,
            received_ns: NOW_NS,
        }
    }

    pub(super) async fn try_write(&self, lines: &str) -> Result<WriteOutcome, WriteError> {
        self.ingest.write(self.request(lines, true)).await
    }

    /// Deletes the bucket.
    pub(super) fn delete(&self) -> Result<(), catalog::CatalogError> {
        match self.catalog.bucket_named("b") {
            Some(bucket) => self.ingest.delete_bucket(bucket.id),
            None => Err(catalog::CatalogError::UnknownBucket("b".to_owned())),
        }
    }

    pub(super) async fn write(&self, lines: &str) -> WriteOutcome {
        self.try_write(lines).await.expect("the log works")
    }

    pub(super) async fn write_all_or_nothing(&self, lines: &str) -> WriteOutcome {
        self.ingest
            .write(self.request(lines, false))
            .await
            .expect("the log works")
    }

    /// Every stored row of a measurement, oldest first: `tags fields time`.
    pub(super) fn rows(&self, measurement: &str) -> Vec<String> {
        let Some(bucket) = self.catalog.bucket_named("b") else {
            return Vec::new();
        };
        let snapshot = self
            .ingest
            .buffer()
            .snapshot(&TableId::new(bucket.id, measurement), &self.budget);
        let Some(snapshot) = snapshot.expect("fits") else {
            return Vec::new();
        };
        snapshot
            .segments
            .iter()
            .flat_map(|sealed| segment_rows(&sealed.segment))
            .collect()
    }
}

pub(super) fn segment_rows(segment: &Segment) -> Vec<String> {
    let row = |row: usize| {
        let tags = segment.series_tags(segment.series_of_rows()[row]);
        let tags: Vec<String> = tags.map(|(key, value)| format!("{key}={value}")).collect();
        let fields = segment.fields().iter().filter_map(|field| {
            field
                .value(row)
                .map(|value| format!("{}={}", field.name(), text(value)))
        });
        let mut fields: Vec<String> = fields.collect();
        fields.sort();
        format!(
            "{} {} {}",
            tags.join(","),
            fields.join(","),
            segment.times()[row]
        )
    };
    (0..segment.rows()).map(row).collect()
}

fn text(value: FieldValue<'_>) -> String {
    match value {
        FieldValue::Float(value) => format!("{value:?}"),
        FieldValue::Integer(value) => format!("{value}i"),
        FieldValue::Unsigned(value) => format!("{value}u"),
        FieldValue::Boolean(value) => value.to_string(),
        FieldValue::String(value) => format!("{value:?}"),
    }
}
