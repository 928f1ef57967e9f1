//! The allocator's settings: the memory budget counts what the program holds, so memory that is
//! freed must leave the process.
//!
//! The system's allocator is used. One that keeps a cache per thread (mimalloc 3) was tried: when
//! twelve clients overloaded the server, the peak was 442 MiB instead of 237 for a budget of 256,
//! because idle threads never give their cache back, and it was no faster
//! (`tests/scripts/memory.sh`).
//!
//! The GNU allocator makes up to eight arenas per core, each of which keeps what is freed in its
//! middle, so there are fewer here; but threads that share one wait for each other, and a thread that is
//! interrupted in it makes them sleep. Writes of one line over 64 connections, on two cores:
//!
//! | arenas | requests/s | processor time of each |
//! | --- | --- | --- |
//! | 2 | 18,800 to 20,100 | 74 to 79 us |
//! | 4 | 19,600 to 20,500 | 72 to 76 us |
//! | 8 | 20,900 to 24,000 | 61 to 68 us |
//! | 16 | 22,100 to 25,300 | 54 to 65 us |
//!
//! There are no more than 64, however many cores there are: there are not that many threads at
//! work at once, and each arena keeps something.
//!
//! Two times 208 MB of lines from four clients peaked at 92 to 96 MiB with eight arenas and at 105 to 109
//! with two.
//!
//! What the two settings cost and bring, with one arena per core: four clients wrote 1.7 million rows (ten
//! tags, ten fields, bodies of 10,000 lines), which were compacted, and then 45 questions were asked, with
//! a budget of 256 MiB on two cores. Medians of five runs that took turns; MiB resident, and seconds of a
//! core:
//!
//! | | peak, written | peak, asked | held at the end | writing | compaction | questions |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | both set | 132 | 132 | 44 | 2.45 s | 0.58 s | 2.20 s |
//! | blocks mapped from 1 MiB | 168 | 208 | 121 | 2.33 s | 0.45 s | 2.36 s |
//! | blocks as the allocator likes | 178 | 205 | 118 | 2.09 s | 0.37 s | 2.17 s |
//! | arenas as the allocator likes | 141 | 160 | 66 | 2.52 s | 0.61 s | 2.40 s |
//! | neither set | 238 | 294 | 206 | 2.10 s | 0.40 s | 2.12 s |
//!
//! Questions take no more of a core. Writing takes a sixth more, for half the memory; a larger
//! threshold saves a third of that and gives most of the memory away.

/// The size in bytes from which a block is mapped on its own and given back when it is freed:
/// bodies, columns, groups of the log.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BYTES_MIN: libc::c_int = 128 * 1024;

/// The number of arenas for each core: half of what the allocator would make.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS_PER_CORE: usize = 4;

/// The largest number of arenas.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const ARENAS_MAX: usize = 64;

/// Keeps the GNU allocator from raising the size from which blocks are mapped, which it would do up
/// to 32 MiB each time such a block is freed (smaller blocks stay in the process), and from making
/// as many arenas as it likes. Must be called before the first thread starts. Other systems' allocators
/// are left alone.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let arenas = cores.saturating_mul(ARENAS_PER_CORE).min(ARENAS_MAX);
        let arenas = libc::c_int::try_from(arenas).unwrap_or(libc::c_int::MAX);
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
