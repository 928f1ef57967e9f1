//! The priority of the threads that work on questions: below that of all others, in share and in delay.
//!
//! Niceness is their share of a processor that others want too. It does not say when those get it: Linux
//! from 6.6 on lets a thread that runs finish its slice before one that wakes, whatever the niceness of
//! both, and looks at the end of a slice only at its ticks, which are up to 4 ms apart. The threads of one
//! write wake each other half a dozen times. From 6.12 on, a thread that asks for longer slices than the
//! one that wakes can be interrupted at once; older kernels do not know the wish. Three threads in a row
//! with an fdatasync, beside two that never pause, on two cores and Linux 6.18: alone 0.11 ms at the
//! median and 0.18 at the 99th percentile; beside niceness 10 alone, 4.0 and 8.0; with slices of 10 ms,
//! 0.13 and 1.1 (of 100 ms, 0.14 and 4.0; of 0.1 ms, 4.0 and 8.0; with `SCHED_BATCH`, 4.0 and 8.0).
//!
//! Not `SCHED_IDLE`, which is always interrupted at once (0.11 and 0.19) but has a three hundredth of a
//! processor that others want, also those of the same server. Beside compilers that kept both cores busy,
//! a server whose queries ended 1.6 times a second answered none in eight seconds. And where such a thread
//! is interrupted while it has a lock that writes need, the allocator's for one, they would wait for it
//! for a second or more.

use std::io;

use crate::behind::{self, LONG_NS};

/// What is added to the niceness of these threads: a tenth of the processor is left to them if writes
/// want all.
pub(super) const NICER: i32 = 10;

/// The largest niceness that there is.
pub(super) const NICENESS_MAX: i32 = 19;

/// The priority of all of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Priority {
    niceness: i32,
}

impl Priority {
    /// A priority below that of the calling thread. A thread begins with the priority of the one that
    /// starts it, which may be one of these: so it is decided once, not by each where it begins.
    pub(super) fn below_this_thread() -> io::Result<Self> {
        let niceness = rustix::process::getpriority_process(None)?;
        let niceness = niceness.saturating_add(NICER).min(NICENESS_MAX);
        Ok(Self { niceness })
    }

    /// Gives it to the calling thread. On Linux each thread has one of its own.
    pub(super) fn take(self) {
        let nicer = rustix::process::setpriority_process(None, self.niceness);
        let taken = nicer.map_err(io::Error::from);
        if let Err(error) = taken.and_then(|()| behind::set_slice(LONG_NS).map(drop)) {
            tracing::debug!(%error, "a thread for queries keeps its priority");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NICENESS_MAX, NICER, Priority};
    use crate::behind::{LONG_NS, slice_ns};

    fn niceness() -> i32 {
        rustix::process::getpriority_process(None).expect("it is known")
    }

    #[test]
    fn a_thread_is_nicer_and_asks_for_longer_slices() {
        let before = (niceness(), slice_ns());
        let priority = Priority::below_this_thread().expect("it is known");
        let after = std::thread::spawn(move || {
            priority.take();
            (niceness(), slice_ns())
        });
        let after = after.join().expect("it ends");
        assert_eq!(after.0, (before.0 + NICER).min(NICENESS_MAX));
        assert_eq!(after.1, before.1.map(|_| LONG_NS));
        assert_eq!((niceness(), slice_ns()), before);
    }
}
