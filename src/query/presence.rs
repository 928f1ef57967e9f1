//! Whether anybody waits for an answer, and until when.
//!
//! A step of a plan may take seconds, and all threads of questions with it. No timer runs there meanwhile,
//! and nobody notices there that a client has left. So who waits for an answer, on another thread, says
//! when that ends, and what computes asks as often as it can.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::watch;
use tokio::time::sleep_until;

use crate::error::QueryError;

/// The moment at which the time of a question is over, and the text for that.
pub(crate) type Late = (Instant, Arc<str>);

/// Whether anybody waits. Clones are about the same one.
#[derive(Clone, Debug, Default)]
pub struct Presence(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_gone: AtomicBool,
    late: watch::Sender<Option<Late>>,
}

impl Presence {
    /// Returns true once nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.is_gone.load(Ordering::Relaxed)
    }

    /// Tells who waits when the time of the question is over.
    pub(crate) fn is_late_at(&self, late: Option<Late>) {
        self.0.late.send_replace(late);
    }
}

/// Somebody who waits for an answer, until this is dropped.
#[derive(Debug, Default)]
pub struct Waiter(Presence);

impl Waiter {
    /// What is told of it to the questions.
    pub fn presence(&self) -> Presence {
        self.0.clone()
    }

    /// Waits for work on other threads, but not longer than the question that it does has time.
    ///
    /// # Errors
    /// That of the work, or [`QueryError::Late`].
    pub async fn in_time<T, E: From<QueryError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut told = self.0.0.late.subscribe();
        let late = async {
            loop {
                let late = told.borrow_and_update().clone();
                let changed = told.changed();
                match late {
                    // The sender is there as long as this is.
                    None => drop(changed.await),
                    Some((at, text)) => tokio::select! {
                        () = sleep_until(at.into()) => return text,
                        _ = changed => {}
                    },
                }
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            text = late => Err(QueryError::Late(text.to_string()).into()),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.0.is_gone.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;
    use crate::tests::limits;

    #[tokio::test]
    async fn who_waits_is_told_when_the_time_is_over_and_when_it_changes() {
        let now = (limits().instant)();
        let waiter = Waiter::default();
        let presence = waiter.presence();
        let done = waiter.in_time(async { Ok::<_, QueryError>(7) }).await;
        assert_eq!(done.expect("in time"), 7);
        presence.is_late_at(Some((now + Duration::from_secs(3600), "hours".into())));
        let waits = waiter.in_time(pending::<Result<(), QueryError>>());
        let mut waits = std::pin::pin!(waits);
        assert!(futures_util::poll!(waits.as_mut()).is_pending());
        presence.is_late_at(Some((now, "now".into())));
        let late = waits.await.expect_err("it is over");
        assert_eq!(late.to_string(), "now");
    }

    #[test]
    fn who_is_dropped_waits_no_longer() {
        let waiter = Waiter::default();
        let presence = waiter.presence();
        assert!(!presence.is_gone());
        drop(waiter);
        assert!(presence.is_gone());
    }
}
