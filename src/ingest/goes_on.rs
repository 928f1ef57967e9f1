//! Work that goes on if whoever waits for it goes away.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

use crate::certain::Certain;

/// A future that finishes in a task of its own if it is dropped before it is over. As long as somebody
/// waits for it, it is polled by them: a task for each would cost more than most of the work.
pub(super) struct GoesOn<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    /// Absent once it is over, or has panicked.
    work: Option<Pin<Box<F>>>,
}

impl<F> GoesOn<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    pub(super) fn new(work: F) -> Self {
        Self {
            work: Some(Box::pin(work)),
        }
    }
}

impl<F> Future for GoesOn<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let work = self.work.take();
        let mut work = work.certain("nobody polls what is over");
        let polled = work.as_mut().poll(context);
        if polled.is_pending() {
            self.work = Some(work);
        }
        polled
    }
}

impl<F> Drop for GoesOn<F>
where
    F: Future<Output: Send> + Send + 'static,
{
    fn drop(&mut self) {
        // Without a runtime, the process ends.
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Arc;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::timeout;

    use super::GoesOn;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_finished_all_the_same() {
        let (gate, over) = (Arc::<Notify>::default(), Arc::<Notify>::default());
        let (opened, told) = (Arc::clone(&gate), Arc::clone(&over));
        let mut work = Box::pin(GoesOn::new(async move {
            opened.notified().await;
            told.notify_one();
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(work.as_mut().poll(&mut context).is_pending());
        drop(work);
        gate.notify_one();
        let over = timeout(Duration::from_secs(60), over.notified()).await;
        over.expect("it goes on");
    }

    #[tokio::test]
    async fn what_is_over_or_has_panicked_is_not_begun_again() {
        assert_eq!(GoesOn::new(ready(7)).await, 7);
        let panics = tokio::spawn(GoesOn::new(async { panic!("on purpose") }));
        assert!(panics.await.expect_err("it panics").is_panic());
    }
}
