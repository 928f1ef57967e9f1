//! The threads that work on questions, beside those that serve connections and at a lower priority:
//! a heavy question makes other questions wait, and hardly a write.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

/// What is added to the niceness of these threads: a tenth of the processor is left to them if writes
/// want all.
#[cfg(target_os = "linux")]
const NICER: i32 = 10;

/// The largest niceness that there is.
#[cfg(target_os = "linux")]
const NICENESS_MAX: i32 = 19;

/// The stack of each. Plans are walked by functions that call themselves, as deep as a chain of operators
/// is long; what is not used of it takes no memory.
const STACK_BYTES: usize = 16 << 20;

/// A runtime of their own. It is left behind when this is dropped, which may happen on any thread.
#[derive(Debug)]
pub(super) struct Threads {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Threads {
    /// Starts this many, and others when they are needed for work that blocks.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .thread_name("query")
            .worker_threads(count.max(1))
            .thread_stack_size(STACK_BYTES)
            .on_thread_start(yield_to_others)
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lowers the priority of the calling thread. On Linux each thread has one of its own, elsewhere the
/// process has one for all.
#[cfg(target_os = "linux")]
fn yield_to_others() {
    let lowered = rustix::process::getpriority_process(None).and_then(|niceness| {
        let niceness = niceness.saturating_add(NICER).min(NICENESS_MAX);
        rustix::process::setpriority_process(None, niceness)
    });
    if let Err(error) = lowered {
        tracing::debug!(%error, "a thread for queries keeps its priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn yield_to_others() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{NICENESS_MAX, NICER, Threads};

    #[test]
    fn only_the_threads_of_questions_have_a_lower_priority() {
        let niceness = || rustix::process::getpriority_process(None).expect("it is known");
        let before = niceness();
        let threads = Threads::start(1).expect("started");
        let asked = std::sync::mpsc::channel();
        threads
            .handle()
            .spawn(async move { asked.0.send(niceness()) });
        let patience = std::time::Duration::from_secs(30);
        let of_worker = asked.1.recv_timeout(patience).expect("it runs");
        let lowered = (before + NICER).min(NICENESS_MAX);
        assert_eq!((niceness(), of_worker), (before, lowered));
    }
}
