//! Series between the log and the buffer: the limit on series counts them as if they were new.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Series of one frame on its way to the buffer, counted until this is dropped.
#[derive(Debug)]
pub(super) struct SeriesInFlight {
    all: Arc<AtomicU64>,
    series: u64,
}

impl SeriesInFlight {
    pub(super) fn new(all: &Arc<AtomicU64>, series: u64) -> Self {
        all.fetch_add(series, Ordering::Relaxed);
        Self {
            all: Arc::clone(all),
            series,
        }
    }
}

impl Drop for SeriesInFlight {
    fn drop(&mut self) {
        self.all.fetch_sub(self.series, Ordering::Relaxed);
    }
}
