//! The standard `process_…` metrics, as far as Linux provides them in `/proc/self`.

use std::sync::atomic::AtomicU64;

use crate::narrow;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// Metrics of the process, under the names that every exporter uses.
#[derive(Debug, Default)]
pub(super) struct Process {
    start_seconds: Gauge<f64, AtomicU64>,
    resident_bytes: Gauge<u64, AtomicU64>,
    open_descriptors: Gauge<u64, AtomicU64>,
}

impl Process {
    /// Registers them in a registry without a prefix. `start_ns` is the time of the start.
    pub(super) fn register(&self, registry: &mut Registry, start_ns: i64) {
        let start = Duration::from_secs(narrow::not_negative(start_ns) / 1_000_000_000);
        self.start_seconds.set(start.as_secs_f64());
        registry.register(
            "process_start_time_seconds",
            "Start time of the process since the Unix epoch in seconds",
            self.start_seconds.clone(),
        );
        registry.register(
            "process_resident_memory_bytes",
            "Resident memory size in bytes",
            self.resident_bytes.clone(),
        );
        registry.register(
            "process_open_fds",
            "Number of open file descriptors",
            self.open_descriptors.clone(),
        );
    }

    /// Looks them up. A value that the system does not provide stays as it was.
    pub(super) fn refresh(&self) {
        if let Some(bytes) = std::fs::read_to_string("/proc/self/status")
            .ok()
            .and_then(resident)
        {
            self.resident_bytes.set(bytes);
        }
        if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
            self.open_descriptors.set(narrow::to_u64(entries.count()));
        }
    }
}

/// Returns `VmRSS:     1234 kB` in bytes.
fn resident(status: String) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<u64>()
        .ok()?
        .checked_mul(1024)
}
