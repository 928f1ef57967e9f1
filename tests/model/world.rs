//! The write path and the export over a disk in memory, built from public parts.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use tidegate::buffer::{Buffer, BufferLimits};
use tidegate::catalog::{self, Catalog};
use tidegate::clock::Clock;
use tidegate::export::{self, ExportQuery, Exporter, Format};
use tidegate::id::Sequence;
use tidegate::ingest::{
    Acknowledge, Body, Ingest, IngestParts, Limits, Options, Target, WriteError, WriteOutcome,
    WriteRequest,
};
use tidegate::line_protocol::Precision;
use tidegate::memory::{Budget, Marks};
use tidegate::read::Sources;
use tidegate::storage::{FaultStorage, Storage};
use tidegate::telemetry::Metrics;
use tidegate::wal::WalOptions;

use super::lines::{Line, NOW_NS, text};
use super::points::Points;

const LIMITS: Limits = Limits {
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

pub struct World {
    pub storage: FaultStorage,
    catalog: Catalog,
    ingest: Ingest,
    exporter: Exporter,
    budget: Budget,
}

impl World {
    /// Everything is small, so that slices, segments of the log and of the buffer come in numbers.
    pub fn open(storage: FaultStorage) -> Self {
        let clock = Clock::manual(NOW_NS);
        let dynamic: Arc<dyn Storage> = Arc::new(storage.clone());
        let limits = catalog::Limits {
            buckets_max: 10,
            tokens_max: 1000,
        };
        let catalog =
            Catalog::open(Arc::clone(&dynamic), clock.clone(), limits).expect("the catalog opens");
        let budget = Budget::new(Marks {
            budget_bytes: 256 << 20,
            soft_bytes: 200 << 20,
            hard_bytes: 240 << 20,
        });
        let buffer = Buffer::new(BufferLimits {
            segment_bytes_max: 4096,
        });
        let options = export::Options {
            concurrent_max: 4,
            rate_bytes_min: 0,
            line_bytes_max: 4 << 20,
        };
        let sources = Sources {
            buffer: buffer.clone(),
            lake: None,
            budget: budget.clone(),
        };
        let exporter = Exporter::new(sources, clock.clone(), options);
        let log = WalOptions {
            segment_bytes_max: 2048,
            probe_first: Duration::from_millis(1),
            probe_every: Duration::from_millis(2),
            ..WalOptions::default()
        };
        let opened = IngestParts {
            storage: dynamic,
            catalog: catalog.clone(),
            buffer,
            budget: budget.clone(),
            metrics: Metrics::new(&clock),
            log,
            flushed: Box::new(|_| Sequence(0)),
            pressure: None,
            on_delete: None,
            options: Options {
                limits: LIMITS,
                slice_bytes_max: 48,
                inline_bytes_max: 96,
                bucket_bytes_max: 128 << 20,
                log_bytes_max: 1 << 30,
            },
        };
        let ingest = Ingest::open(opened, &mut |_| {}).expect("the log opens");
        Self {
            storage,
            catalog,
            ingest,
            exporter,
            budget,
        }
    }

    /// The power goes, and comes back.
    pub fn crash(self) -> Self {
        Self::open(self.storage.crash())
    }

    /// A clean stop and a start, on a disk that works.
    pub async fn restart(self) -> Self {
        self.storage.heal();
        let ingest = self.ingest.clone();
        let closed = tokio::task::spawn_blocking(move || ingest.close())
            .await
            .expect("no panic");
        // Without power nothing can be closed, nor opened again.
        match closed {
            Ok(()) => Self::open(self.storage),
            Err(_) => Self::open(self.storage.crash()),
        }
    }

    /// The disk works; waits a while for the log to notice.
    pub async fn heal(&self) {
        self.storage.heal();
        self.wait_until_healthy(100).await;
    }

    /// Waits until the server is healthy, for at most `ms_max` milliseconds: a fault that comes
    /// once is over soon, and one that stays is not.
    pub async fn wait_until_healthy(&self, ms_max: u32) {
        for _ in 0..ms_max {
            if self.ingest.health().is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub async fn write(
        &self,
        lines: &[Line],
        accept_partial: bool,
    ) -> Result<WriteOutcome, WriteError> {
        self.write_text(&text(lines), accept_partial).await
    }

    async fn write_text(
        &self,
        text: &str,
        accept_partial: bool,
    ) -> Result<WriteOutcome, WriteError> {
        let target = match self.catalog.bucket_named("b") {
            Some(bucket) => Target::Existing(bucket),
            None => Target::Create("b".to_owned()),
        };
        let reservation = self
            .budget
            .account()
            .try_reserve(text.len() as u64)
            .expect("fits");
        let body = Body {
            bytes: Bytes::copy_from_slice(text.as_bytes()),
            reservation,
        };
        let request = WriteRequest {
            target,
            body,
            precision: Precision::Nanosecond,
            accept_partial,
            acknowledge: Acknowledge::Durable,
            received_ns: NOW_NS,
        };
        self.ingest.write(request).await
    }

    /// Everything that is stored, as line protocol.
    pub async fn export(&self) -> String {
        let Some(bucket) = self.catalog.bucket_named("b") else {
            return String::new();
        };
        let query = ExportQuery {
            measurement: None,
            start_ns: None,
            end_ns: None,
            format: Format::Lp,
        };
        let mut pieces = self.exporter.export(&bucket, query).await.expect("starts");
        let mut text = Vec::new();
        while let Some(piece) = std::future::poll_fn(|cx| Pin::new(&mut pieces).poll_next(cx)).await
        {
            text.extend_from_slice(&piece.expect("a piece"));
        }
        String::from_utf8(text).expect("text")
    }

    pub async fn stored(&self) -> Points {
        Points::read(&self.export().await)
    }

    /// Writes an export of another world; every line is taken.
    pub async fn copy(&self, export: &str) {
        let outcome = self.write_text(export, false).await.expect("works");
        assert!(outcome.reports.is_empty(), "{outcome:?}");
    }
}
