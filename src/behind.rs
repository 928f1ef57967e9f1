//! Long work that lets threads go first which wake up meanwhile.
//!
//! Linux from 6.6 on lets a thread that runs finish its slice (3 ms or less), and looks at the end of a slice
//! only at its ticks, up to 4 ms apart. A small write wakes several threads one after another, and each may
//! have to wait that long where others parse, encode or sort. From 6.12 on, a thread that asked for longer
//! slices than the one that wakes is interrupted at once, and gets its share of the processor all the same.
//! Older kernels do not know the wish, and other systems have no such call.
//!
//! Three threads that wake each other, every 5 ms, beside two that work 3 ms and pause 0.3 ms, on two cores
//! and Linux 6.18, at the 99th percentile: 1.7 to 3.3 ms; 0.11 to 0.17 if those two ask for slices of 10 ms.

#[cfg(target_os = "linux")]
use std::io;

#[cfg(target_os = "linux")]
use crate::narrow;

/// The slice that long work asks for, in nanoseconds: longer than those of others, unless somebody has
/// changed them.
#[cfg(target_os = "linux")]
pub const LONG_NS: u64 = 10_000_000;

/// Does work that stays behind others: threads that wake up meanwhile go first. Not with a lock that small
/// writes need, and not where they wait for it: they would stay behind with it.
pub fn others<T>(work: impl FnOnce() -> T) -> T {
    let _long = Long::begin();
    work()
}

/// The slice of threads that do no long work.
///
/// A thread begins with the slice of the one that starts it, which may be at long work: of a runtime that
/// starts threads when they are needed, each has to be given its own.
#[derive(Clone, Copy, Debug)]
pub struct Usual {
    #[cfg(target_os = "linux")]
    slice_ns: Option<u64>,
}

impl Usual {
    /// That of the calling thread.
    #[must_use]
    pub fn of_this_thread() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            slice_ns: slice_ns(),
        }
    }

    /// Gives it to the calling thread.
    pub fn take(self) {
        #[cfg(target_os = "linux")]
        if let Some(usual_ns) = self.slice_ns
            && slice_ns() != self.slice_ns
        {
            // If that fails, it is interrupted more often than others: it does no harm.
            let _ = set_slice(usual_ns);
        }
    }
}

/// Sets the slice of the calling thread; returns the one before. None if threads have none here.
#[cfg(target_os = "linux")]
pub fn set_slice(slice_ns: u64) -> io::Result<Option<u64>> {
    let mut attributes = attributes()?;
    let Some(before) = slice_of(&attributes) else {
        return Ok(None);
    };
    attributes.sched_runtime = slice_ns;
    set(&attributes)?;
    Ok(Some(before))
}

/// The slice of the calling thread.
#[cfg(target_os = "linux")]
pub fn slice_ns() -> Option<u64> {
    slice_of(&attributes().ok()?)
}

/// None before Linux 6.12, and under the policies for real time.
#[cfg(target_os = "linux")]
fn slice_of(attributes: &libc::sched_attr) -> Option<u64> {
    let policies = [libc::SCHED_OTHER, libc::SCHED_BATCH].map(libc::c_int::cast_unsigned);
    let is_shared = policies.contains(&attributes.sched_policy);
    Some(attributes.sched_runtime).filter(|slice_ns| *slice_ns > 0 && is_shared)
}

/// Gives the calling thread its slice back.
struct Long {
    #[cfg(target_os = "linux")]
    before: Option<u64>,
}

impl Long {
    fn begin() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            before: lengthened(),
        }
    }
}

#[cfg(target_os = "linux")]
fn lengthened() -> Option<u64> {
    let mut attributes = attributes().ok()?;
    // A longer one, if somebody wanted that, is no worse.
    let before = slice_of(&attributes).filter(|slice_ns| *slice_ns < LONG_NS)?;
    attributes.sched_runtime = LONG_NS;
    set(&attributes).ok()?;
    Some(before)
}

#[cfg(target_os = "linux")]
impl Drop for Long {
    fn drop(&mut self) {
        // If that fails, the thread is interrupted more often than others: it does no harm.
        let _ = self.before.map(set_slice);
    }
}

#[cfg(target_os = "linux")]
const THIS_THREAD: libc::pid_t = 0;

#[cfg(target_os = "linux")]
const NO_FLAGS: libc::c_uint = 0;

#[cfg(target_os = "linux")]
fn attributes() -> io::Result<libc::sched_attr> {
    let mut attributes = libc::sched_attr {
        size: 0,
        sched_policy: 0,
        sched_flags: 0,
        sched_nice: 0,
        sched_priority: 0,
        sched_runtime: 0,
        sched_deadline: 0,
        sched_period: 0,
    };
    let size = narrow::to_u32(size_of::<libc::sched_attr>(), "it has eight fields");
    #[allow(
        unsafe_code,
        reason = "neither the standard library nor rustix has this call"
    )]
    // SAFETY: the kernel writes no more bytes than `size` says, to a value that has as many.
    let done = unsafe {
        libc::syscall(
            libc::SYS_sched_getattr,
            THIS_THREAD,
            &raw mut attributes,
            size,
            NO_FLAGS,
        )
    };
    match done {
        0 => Ok(attributes),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(target_os = "linux")]
fn set(attributes: &libc::sched_attr) -> io::Result<()> {
    #[allow(
        unsafe_code,
        reason = "neither the standard library nor rustix has this call"
    )]
    // SAFETY: the kernel reads as many bytes as `size` in the value says, which is what it wrote there.
    let done = unsafe {
        libc::syscall(
            libc::SYS_sched_setattr,
            THIS_THREAD,
            &raw const *attributes,
            NO_FLAGS,
        )
    };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::panic::catch_unwind;

    use tokio::runtime::{Builder, Handle};
    use tokio::task::spawn_blocking;

    use super::{LONG_NS, Usual, others, slice_ns};

    #[test]
    fn long_work_has_long_slices_and_leaves_the_thread_as_it_was() {
        let before = slice_ns();
        let long = before.map(|_| LONG_NS);
        assert_eq!(others(slice_ns), long);
        assert_eq!(slice_ns(), before);
        assert_eq!(others(|| (others(slice_ns), slice_ns())), (long, long));
        assert!(catch_unwind(|| others(|| panic!("on purpose"))).is_err());
        assert_eq!(slice_ns(), before);
    }

    /// Such a thread would serve connections later, or sync a disk, and stay behind for ever.
    #[test]
    fn a_thread_that_is_started_by_long_work_has_the_usual_slices() {
        let usual = Usual::of_this_thread();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .on_thread_start(move || usual.take())
            .build();
        // As whoever reads a table for long work has its files read.
        let long =
            || others(|| Handle::current().block_on(async { spawn_blocking(slice_ns).await }));
        let started = runtime
            .expect("it starts")
            .block_on(async { spawn_blocking(long).await });
        let started = started.expect("it ends").expect("it ends");
        assert_eq!(started, slice_ns());
    }
}
