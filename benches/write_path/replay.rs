//! The speed of reading a log back into memory.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tidegate::buffer::{Buffer, BufferLimits};
use tidegate::catalog::{self, Catalog};
use tidegate::clock::Clock;
use tidegate::id::Sequence;
use tidegate::ingest::{Ingest, IngestParts, Limits, Options};
use tidegate::memory::Budget;
use tidegate::storage::{DiskStorage, Storage};
use tidegate::telemetry::Metrics;
use tidegate::wal::WalOptions;

use crate::bodies::{self, LINES};
use crate::server::{self, Server};
use crate::stats::{median, verdict};

const BODIES: usize = 100;
/// The number of further writes of the same log.
const PASSES: usize = 4;
const ROUNDS: usize = 5;
const LINES_A_SECOND_MIN: f64 = 2e6;

pub fn run(folder: &Path) {
    let folder = folder.join("data");
    let server = Server::start(&folder);
    let mut client = server.connect();
    let requests = bodies::tsbs(BODIES);
    for _ in 0..PASSES {
        for request in &requests {
            client.write(request);
        }
    }
    let bytes = server.metric("wal_group_bytes_sum");
    server.stop();
    let lines = PASSES * BODIES * LINES;
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| open(&folder, lines).as_secs_f64())
        .collect();
    let middle = median(&mut times);
    let rate = lines as f64 / middle;
    println!(
        "replay of {lines} lines of tsbs cpu-only, {:.0} MB of log, from the page cache, median of {ROUNDS}:",
        bytes / 1e6
    );
    println!(
        "    {rate:.0} lines/s, {:.0} MB/s, {:.2} s; best {:.0} lines/s",
        bytes / 1e6 / middle,
        middle,
        lines as f64 / times[0]
    );
    println!(
        "    target: {LINES_A_SECOND_MIN:.0} lines/s: {}",
        verdict(rate >= LINES_A_SECOND_MIN)
    );
}

/// The time to open the folder for writing.
fn open(folder: &Path, lines: usize) -> Duration {
    let config = server::config(folder);
    let storage: Arc<dyn Storage> = Arc::new(DiskStorage::open(folder).expect("a data folder"));
    let clock = Clock::system();
    let buckets_max = config.limits.buckets_max;
    let limits = catalog::Limits {
        buckets_max,
        tokens_max: 1,
    };
    let catalog = Catalog::open(Arc::clone(&storage), clock.clone(), limits).expect("a catalog");
    let segment_bytes_max = config.buffer.segment_bytes_max;
    let buffer = Buffer::new(BufferLimits { segment_bytes_max });
    let opened = IngestParts {
        storage,
        catalog,
        buffer: buffer.clone(),
        budget: Budget::new(config.memory.marks()),
        metrics: Metrics::new(&clock),
        log: WalOptions::default(),
        flushed: Box::new(|_| Sequence(0)),
        pressure: None,
        on_delete: None,
        options: options(&config),
    };
    let started = Instant::now();
    let ingest = Ingest::open(opened, &mut |_| {}).expect("a good log");
    let elapsed = started.elapsed();
    assert_eq!(buffer.stats().rows, lines as u64);
    ingest.close().expect("closed");
    elapsed
}

fn options(config: &tidegate::config::Config) -> Options {
    Options {
        limits: Limits {
            point_bytes_max: config.limits.point_bytes_max,
            string_bytes_max: config.limits.string_bytes_max,
            name_bytes_max: config.limits.name_bytes_max,
            tag_value_bytes_max: config.limits.tag_value_bytes_max,
            columns_max: config.limits.columns_max,
            tables_max: config.limits.tables_max,
            series_max: config.limits.series_max as u64,
            schema_bytes_max: config.schema_bytes_max(),
            integer_into_float: config.types.integer_into_float,
            schemas_bytes_max: config.memory.schemas_bytes_max(),
        },
        slice_bytes_max: config.wal.slice_bytes_max,
        inline_bytes_max: 256 * 1024,
        bucket_bytes_max: config.memory.bucket_bytes_max(),
        log_bytes_max: config.wal.log_bytes_max,
    }
}
