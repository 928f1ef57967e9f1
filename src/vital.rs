//! Threads and tasks without which the server must not go on: a panic in one ends the process.
//!
//! The log's thread, the apply threads and the flusher keep state between two pieces of work. After
//! a panic that state is half changed: durable frames that no reader will see, a table that is no
//! longer flushed while the log grows, and a server that says it is healthy. The log is the truth,
//! so the honest answer is to end at once, which everybody notices, and to be started again: the
//! start replays the log. It is `abort`, because none of the steps of an orderly end (closing the
//! log, answering clients) can be trusted any more.
//!
//! The work of one request is not vital: its panic is a 500 for that request. Nor is background
//! work that leaves nothing half done, such as encoding files: it fails and is tried again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::thread::JoinHandle;

#[cfg(test)]
pub(crate) mod tests;

/// Starts a thread with this name.
///
/// # Errors
///
/// The system's error if it cannot start another thread.
pub fn thread<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(move || step(name, work))
}

/// Does a few steps that must all be done or none, on a thread that is not vital itself: a panic in
/// between ends the process.
pub fn step<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| end(name, panic.as_ref()))
}

/// Runs the work of a vital task.
pub async fn task<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| end(name, panic.as_ref()))
    })
    .await
}

/// The message of a panic.
#[must_use]
pub fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned())
}

#[cold]
fn end(name: &'static str, panic: &(dyn Any + Send)) -> ! {
    // Log lines are written without a buffer, so the abort loses none.
    tracing::error!(
        part = name,
        panic = text(panic),
        "a part of the server that it cannot go on without has panicked: tidegate ends at once; start it again, and it replays the log"
    );
    std::process::abort()
}
