//! The threads that work on questions, beside those that serve connections and at a lower priority:
//! a heavy question makes other questions wait, and hardly a write.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

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
            .on_thread_start(yielding_to_others())
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

/// What each of the threads does first. Elsewhere than on Linux, threads have no priority of their own: the
/// process has one for all.
fn yielding_to_others() -> impl Fn() + Send + Sync + 'static {
    #[cfg(target_os = "linux")]
    let priority = super::priority::Priority::below_this_thread();
    move || {
        #[cfg(target_os = "linux")]
        match &priority {
            Ok(priority) => priority.take(),
            Err(error) => tracing::debug!(%error, "a thread for queries keeps its priority"),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::Threads;
    use crate::engine::queries::priority::{NICENESS_MAX, NICER};

    #[test]
    fn only_the_threads_of_questions_have_a_lower_priority() {
        let niceness = || rustix::process::getpriority_process(None).expect("it is known");
        let before = niceness();
        let threads = Threads::start(1).expect("started");
        let asked = std::sync::mpsc::channel();
        threads.handle().spawn(async move {
            let of_worker = niceness();
            // A thread that a worker starts goes no lower than the worker: they did, to 19.
            let of_blocking = tokio::task::spawn_blocking(niceness).await;
            asked.0.send((of_worker, of_blocking.expect("it ends")))
        });
        let patience = std::time::Duration::from_secs(30);
        let told = asked.1.recv_timeout(patience).expect("it runs");
        let lowered = (before + NICER).min(NICENESS_MAX);
        assert_eq!((niceness(), told), (before, (lowered, lowered)));
    }
}
