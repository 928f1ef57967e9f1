//! The threads that work on questions, beside those that serve connections and at a lower priority:
//! a heavy question makes other questions wait, and hardly a write.

use std::io;
#[cfg(target_os = "linux")]
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};

#[cfg(target_os = "linux")]
use super::spare::Spare;

/// The stack of each. Plans are walked by functions that call themselves, as deep as a chain of operators
/// is long; what is not used of it takes no memory.
const STACK_BYTES: usize = 16 << 20;

/// The time after which the thread that waits for timers looks at them, whatever they say. Who starts a
/// timer that ends before that must wake it, and a thread is woken in the time that a part of a small
/// question takes: as each question has timers, and a lone one found none there, it woke a thread for them.
const TICK: Duration = Duration::from_secs(1);

/// A runtime of their own. It is left behind when this is dropped, which may happen on any thread.
#[derive(Debug)]
pub(super) struct Threads {
    runtime: Option<Runtime>,
    handle: Handle,
    #[cfg(target_os = "linux")]
    spare: Option<Arc<Spare>>,
}

impl Threads {
    /// Starts this many, and others when they are needed for work that blocks.
    pub(super) fn start(count: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder
            .thread_name("query")
            .worker_threads(count.max(1))
            .thread_stack_size(STACK_BYTES)
            .enable_all();
        #[cfg(target_os = "linux")]
        let spare = Spare::of_this_thread();
        #[cfg(target_os = "linux")]
        yield_to_others(&mut builder, spare.as_ref());
        let runtime = builder.build()?;
        runtime.spawn(async {
            loop {
                tokio::time::sleep(TICK).await;
            }
        });
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
            #[cfg(target_os = "linux")]
            spare,
        })
    }

    /// The processors that they may run on, if they may have to leave one to others.
    #[cfg(target_os = "linux")]
    pub(super) fn spare(&self) -> Option<Arc<Spare>> {
        self.spare.clone()
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

/// Gives each of the threads its priority and its processors. Elsewhere than on Linux, threads have none of
/// their own: the process has one for all.
#[cfg(target_os = "linux")]
fn yield_to_others(builder: &mut Builder, spare: Option<&Arc<Spare>>) {
    let priority = super::priority::Priority::below_this_thread();
    let (joined, left) = (spare.cloned(), spare.cloned());
    builder.on_thread_start(move || {
        match &priority {
            Ok(priority) => priority.take(),
            Err(error) => tracing::debug!(%error, "a thread for queries keeps its priority"),
        }
        joined.iter().for_each(|spare| spare.join());
    });
    builder.on_thread_stop(move || left.iter().for_each(|spare| spare.leave()));
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
