//! Questions that begin beside writes, and who wants to know of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// The time after which there may be questions though none was told of: writes may begin after them.
const UNTOLD: Duration = Duration::from_millis(250);

/// Tells of questions that begin after writes that no question before them saw. To wake a thread for each
/// one would take as long as a part of a small question.
#[derive(Debug, Default)]
pub(super) struct Beside {
    begun: Arc<Notify>,
    writes_seen: AtomicU64,
}

impl Beside {
    /// A question begins; this is the number of writes so far.
    pub(super) fn question(&self, writes: u64) {
        if self.writes_seen.swap(writes, Ordering::Relaxed) != writes {
            self.begun.notify_one();
        }
    }

    /// Waits until there may be questions beside writes.
    pub(super) fn wait(&self) -> impl Future<Output = ()> + Send + use<> {
        let begun = Arc::clone(&self.begun).notified_owned();
        async move {
            let _told_or_not = timeout(UNTOLD, begun).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn only_questions_after_new_writes_are_told_of_at_once() {
        let beside = Beside::default();
        let is_told = || beside.wait().now_or_never().is_some();
        beside.question(0);
        assert!(!is_told(), "nothing was written");
        beside.question(7);
        assert!(is_told());
        beside.question(7);
        assert!(!is_told(), "it was told of these writes");
        beside.question(8);
        assert!(is_told());
        // Writes that begin later are beside the question, too.
        beside.wait().await;
    }
}
