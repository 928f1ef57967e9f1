//! Threads and tasks without which the server must not go on: a panic in one ends the process.
//!
//! The log's thread, those that apply, and the flusher keep state between two pieces of work. After
//! a panic it is half of one thing and half of another: durable frames that no reader will see, a
//! table that nobody flushes any more while the log grows, and a server that says it is healthy.
//! The log is the truth, so the honest answer is to end at once, which says so to everybody, and to
//! be started again: the start replays the log. `abort`, because nothing of what an orderly end
//! does (close the log, tell clients) can be trusted any more.
//!
//! Work of one request is not vital: its panic is a 500 of that request. Nor is a piece of work
//! that is done on the side and leaves nothing half done, such as encoding files: it fails and is
//! tried again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::thread::JoinHandle;

#[cfg(test)]
pub(crate) mod tests;

/// Starts a thread of this name.
///
/// # Errors
///
/// As the system's: there are no threads to be had.
pub fn thread<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn(move || step(name, work))
}

/// Does a few steps, on a thread that is not vital, of which a panic must not leave some undone.
pub fn step<T>(name: &'static str, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| end(name, panic.as_ref()))
}

/// Does the work of a task.
pub async fn task<T>(name: &'static str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| end(name, panic.as_ref()))
    })
    .await
}

/// What a panic said.
#[must_use]
pub fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned())
}

#[cold]
fn end(name: &'static str, panic: &(dyn Any + Send)) -> ! {
    // Log lines are written as they come: nothing is lost by the abort.
    tracing::error!(
        part = name,
        panic = text(panic),
        "a part of the server that it cannot go on without has panicked: tidegate ends at once; start it again, and it replays the log"
    );
    std::process::abort()
}
