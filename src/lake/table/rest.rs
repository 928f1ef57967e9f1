//! The version of a table at which a compaction found nothing to do.

use std::sync::{Mutex, PoisonError};

/// The version of a table at which there was nothing to do, and the time (nanoseconds since the
/// epoch) up to which that holds: until then another look costs nothing.
#[derive(Debug, Default)]
pub(in crate::lake) struct Rest(Mutex<Option<(u64, i64)>>);

impl Rest {
    pub(in crate::lake) fn holds(&self, version: u64, now_ns: i64) -> bool {
        let rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rest.is_some_and(|(at, until_ns)| at == version && now_ns <= until_ns)
    }

    /// The table is another one from now on.
    pub(in crate::lake) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(in crate::lake) fn note(&self, version: u64, until_ns: i64) {
        let mut rest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *rest = Some((version, until_ns));
    }
}
