//! The id of the request that the current task serves: it is on the answer, in the log and in the
//! text of a 500. Ids are unique in a process and, because half of them is random, hardly ever
//! repeat across restarts.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// The id of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(u64);

tokio::task_local! {
    static CURRENT: RequestId;
}

impl RequestId {
    /// The next one.
    pub fn next() -> Self {
        static PROCESS: OnceLock<u32> = OnceLock::new();
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        // Without random bytes, ids repeat after a restart, which is confusing but harmless.
        let process = PROCESS.get_or_init(|| getrandom::u32().unwrap_or_default());
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self((u64::from(*process) << 32) | u64::from(number))
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Runs `request` with this id as the current one.
pub fn scope<F: Future>(id: RequestId, request: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, request)
}

/// The id of the request that this task serves, if it serves one.
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok()
}
