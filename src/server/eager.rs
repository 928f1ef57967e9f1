//! Polling again at once what was woken while it was polled.
//!
//! Parts of a connection wake each other: whoever takes a piece of a body tells the reader that there is
//! room for another. They are one task, so the scheduler is asked to poll again a task that is still being
//! polled. That costs a thread that is woken, looks around and sleeps again, and another round through the
//! scheduler; and most often there is nothing to do any more.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// The number of polls in a row, at most: then it is others' turn.
const POLLS_MAX: usize = 2;

/// Nobody polls it: a wake is passed on.
const IDLE: u8 = 0;
/// It is being polled.
const POLLED: u8 = 1;
/// It is being polled, and has been woken since that began.
const WOKEN: u8 = 2;

/// A future that is polled again if it was woken meanwhile.
pub(super) struct Eager<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
    /// Wakes by way of `wakes`.
    waker: Waker,
}

#[derive(Default)]
struct Wakes {
    state: AtomicU8,
    task: AtomicWaker,
}

impl<F> Eager<F> {
    pub(super) fn new(future: F) -> Self {
        let wakes = Arc::<Wakes>::default();
        Self {
            future: Box::pin(future),
            waker: Waker::from(Arc::clone(&wakes)),
            wakes,
        }
    }
}

impl<F: Future> Future for Eager<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Self {
            future,
            wakes,
            waker,
        } = &mut *self;
        wakes.task.register(context.waker());
        for _ in 0..POLLS_MAX {
            wakes.state.store(POLLED, Ordering::SeqCst);
            let polled = future.as_mut().poll(&mut Context::from_waker(waker));
            let woken = wakes.state.swap(IDLE, Ordering::SeqCst) == WOKEN;
            if polled.is_ready() || !woken {
                return polled;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let seen = Ordering::SeqCst;
        let noted = self.state.compare_exchange(POLLED, WOKEN, seen, seen);
        if noted == Err(IDLE) {
            self.task.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread;

    use tokio::sync::mpsc;

    use super::Eager;

    /// Counts how often a task is woken.
    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Polls once something that wakes itself in its first `wakes` polls and is over after `polls`;
    /// returns whether it is over, how often it was polled and how often its task was woken.
    fn polled_once(wakes: usize, polls: usize) -> (bool, usize, usize) {
        let count = AtomicUsize::new(0);
        let mut eager = Eager::new(poll_fn(|context| {
            let nth = count.fetch_add(1, Ordering::SeqCst) + 1;
            if nth <= wakes {
                context.waker().wake_by_ref();
            }
            match nth >= polls {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }));
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        let polled = std::pin::Pin::new(&mut eager).poll(&mut Context::from_waker(&waker));
        let count = count.load(Ordering::SeqCst);
        (polled.is_ready(), count, woken.0.load(Ordering::SeqCst))
    }

    #[test]
    fn what_wakes_itself_is_polled_again_without_its_task_but_not_for_ever() {
        assert_eq!(polled_once(0, 9), (false, 1, 0));
        assert_eq!(polled_once(1, 9), (false, 2, 0));
        assert_eq!(polled_once(1, 2), (true, 2, 0));
        assert_eq!(polled_once(9, 1), (true, 1, 0));
        assert_eq!(
            polled_once(9, 9),
            (false, 2, 1),
            "then others have their turn"
        );
    }

    #[test]
    fn a_wake_between_polls_is_passed_on_each_time() {
        let kept = AtomicUsize::new(0);
        let wakers = std::sync::Mutex::new(Vec::new());
        let mut eager = Eager::new(poll_fn(|context| {
            kept.fetch_add(1, Ordering::SeqCst);
            wakers.lock().expect("whole").push(context.waker().clone());
            Poll::<()>::Pending
        }));
        let woken = Arc::<Woken>::default();
        let waker = Waker::from(Arc::clone(&woken));
        for round in 1..=3 {
            let mut context = Context::from_waker(&waker);
            assert!(
                std::pin::Pin::new(&mut eager)
                    .poll(&mut context)
                    .is_pending()
            );
            let last = wakers.lock().expect("whole").pop().expect("kept");
            last.wake_by_ref();
            last.wake();
            assert_eq!(woken.0.load(Ordering::SeqCst), round);
            assert_eq!(kept.load(Ordering::SeqCst), round);
        }
    }

    /// If one were lost, this would never end.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_of_another_thread_is_lost() {
        const SENT: usize = 20_000;
        let (there, mut arrives) = mpsc::channel(1);
        let (back, mut returns) = mpsc::channel(1);
        let echo = tokio::spawn(Eager::new(async move {
            while let Some(n) = arrives.recv().await {
                back.send(n).await.expect("somebody waits");
            }
        }));
        let other = thread::spawn(move || {
            for n in 0..SENT {
                there.blocking_send(n).expect("it is read");
            }
        });
        for n in 0..SENT {
            assert_eq!(returns.recv().await, Some(n));
        }
        other.join().expect("all sent");
        echo.await.expect("it ends");
    }
}
