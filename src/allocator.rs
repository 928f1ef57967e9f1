//! The allocator's settings: the memory budget counts what the program holds, so memory that is
//! freed must leave the process.
//!
//! The system's allocator is used. One that keeps a cache per thread (mimalloc 3) was tried: when
//! twelve clients overloaded the server, the peak was 442 MiB instead of 237 for a budget of 256,
//! because idle threads never give their cache back, and it was no faster
//! (`tests/scripts/memory.sh`).
//!
//! The GNU allocator makes up to eight arenas per core, each of which keeps what is freed in its
//! middle. With one arena per core, at least two, `tests/scripts/memory_lake.sh` (`wide`, on two
//! cores) peaked at 87 MiB instead of 95 to 111 while its tables were flushed, and at 72 instead of
//! 78 to 94 after a restart.

/// The size in bytes from which a block is mapped on its own and given back when it is freed:
/// bodies, columns, groups of the log.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BYTES_MIN: libc::c_int = 128 * 1024;

/// The smallest number of arenas: with one, all threads would wait for each other.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS_MIN: usize = 2;

/// Keeps the GNU allocator from raising the size from which blocks are mapped, which it would do up
/// to 32 MiB each time such a block is freed (smaller blocks stay in the process), and from making
/// more arenas than there are cores. Must be called before the first thread starts. Other systems'
/// allocators are left alone.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(ARENAS_MIN, usize::from);
        let arenas = libc::c_int::try_from(cores.max(ARENAS_MIN)).unwrap_or(libc::c_int::MAX);
        set(libc::M_MMAP_THRESHOLD, MAPPED_BYTES_MIN);
        set(libc::M_ARENA_MAX, arenas);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn set(parameter: libc::c_int, value: libc::c_int) {
    #[allow(unsafe_code, reason = "a call of the C library without pointers")]
    // SAFETY: mallopt takes two numbers, and takes the allocator's own lock.
    let done = unsafe { libc::mallopt(parameter, value) };
    debug_assert!(done == 1, "the value is within its bounds");
}
