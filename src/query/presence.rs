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
    is_late: AtomicBool,
    told: watch::Sender<Told>,
}

/// What who waits is told, and when it looks at that again without being woken.
#[derive(Clone, Debug, Default)]
struct Told {
    late: Option<Late>,
    looks_at: Option<Instant>,
}

impl Told {
    /// Returns true if who waits would look too late.
    fn is_before_look(&self) -> bool {
        match (&self.late, self.looks_at) {
            (Some((late, _)), Some(looks_at)) => *late < looks_at,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }
}

impl Presence {
    /// Returns true once nobody waits any more.
    pub(crate) fn is_gone(&self) -> bool {
        self.0.is_gone.load(Ordering::Relaxed)
    }

    /// Returns true if nobody waits any more since the time was over.
    pub(crate) fn is_late(&self) -> bool {
        self.0.is_late.load(Ordering::Relaxed)
    }

    /// Tells who waits when the time of the question is over. It is woken only if that is before it looks
    /// again: to wake it for each question takes as long as a part of a small one.
    pub(crate) fn is_late_at(&self, late: Option<Late>) {
        self.0.told.send_if_modified(|told| {
            told.late = late;
            told.is_before_look()
        });
    }

    /// The moment at which who waits looks again: `first_look`, or when the time is over if that is earlier.
    fn looks(&self, first_look: Option<Instant>) -> Option<Instant> {
        let mut looks_at = first_look;
        self.0.told.send_if_modified(|told| {
            let late = told.late.as_ref().map(|(late, _)| *late);
            looks_at = first_look.into_iter().chain(late).min();
            told.looks_at = looks_at;
            false
        });
        looks_at
    }
}

/// Somebody who waits for an answer, until this is dropped.
#[derive(Debug, Default)]
pub struct Waiter {
    presence: Presence,
    /// No question that is told of later ends before.
    first_look: Option<Instant>,
}

impl Waiter {
    /// Somebody who need not know before `first_look` when a question ends.
    pub(crate) fn looking_at(first_look: Option<Instant>) -> Self {
        Self {
            presence: Presence::default(),
            first_look,
        }
    }

    /// What is told of it to the questions.
    pub fn presence(&self) -> Presence {
        self.presence.clone()
    }

    /// Waits for work on other threads, but not longer than the question that it does has time.
    ///
    /// # Errors
    /// That of the work, or [`QueryError::Late`].
    pub async fn in_time<T, E: From<QueryError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut changes = self.presence.0.told.subscribe();
        let late = async {
            let mut first_look = self.first_look;
            loop {
                changes.mark_unchanged();
                let looks_at = self.presence.looks(first_look);
                let changed = changes.changed();
                // The sender is there as long as this is.
                let Some(looks_at) = looks_at else {
                    drop(changed.await);
                    continue;
                };
                tokio::select! {
                    () = sleep_until(looks_at.into()) => {}
                    _ = changed => continue,
                }
                first_look = None;
                // It may be later than when it was looked at before.
                let late = self.presence.0.told.borrow().late.clone();
                if let Some((_, text)) = late.filter(|(late, _)| *late <= looks_at) {
                    // Before the work is given up.
                    self.presence.0.is_late.store(true, Ordering::Relaxed);
                    return text;
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
        self.presence.0.is_gone.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::{Context, Wake, Waker};
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

    /// Each question tells it, and to wake a thread takes as long as a part of a small one.
    #[tokio::test]
    async fn who_waits_is_woken_only_for_what_comes_before_it_looks() {
        #[derive(Default)]
        struct Woken(AtomicBool);
        impl Wake for Woken {
            fn wake(self: Arc<Self>) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let now = (limits().instant)();
        let (soon, later) = (Duration::from_millis(50), Duration::from_secs(3600));
        let waiter = Waiter::looking_at(Some(now + soon));
        let presence = waiter.presence();
        presence.is_late_at(Some((now + later, "hours".into())));
        let mut waits = Box::pin(waiter.in_time(pending::<Result<(), QueryError>>()));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        assert!(
            waits
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        presence.is_late_at(Some((now + soon, "soon".into())));
        presence.is_late_at(Some((now + soon * 2, "soon after".into())));
        assert!(!woken.0.load(Ordering::Relaxed));
        let late = waits.as_mut().await.expect_err("it is over");
        assert_eq!(late.to_string(), "soon after");
        assert!(presence.is_late());
        assert!((limits().instant)() >= now + soon * 2);

        presence.is_late_at(Some((now + later, "hours".into())));
        let mut waits = Box::pin(waiter.in_time(pending::<Result<(), QueryError>>()));
        assert!(
            waits
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        woken.0.store(false, Ordering::Relaxed);
        presence.is_late_at(Some((now, "now".into())));
        assert!(woken.0.load(Ordering::Relaxed));
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
