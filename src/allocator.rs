//! The allocator's one setting: the memory budget counts what the program holds, so what it gives
//! back must leave the process.
//!
//! The system's allocator is used. One that keeps a cache for each thread (mimalloc 3) was tried:
//! under overload by twelve clients the peak was 442 MiB instead of 237 for a budget of 256, for
//! threads that have nothing to do never give theirs back, and it was no faster
//! (`tests/memory.sh`).

/// Blocks of at least this size, in bytes, are mapped on their own and given back when they are
/// freed: bodies, columns, groups of the log.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BYTES_MIN: libc::c_int = 128 * 1024;

/// Keeps the GNU allocator from raising that size by itself, up to 32 MiB, each time such a block
/// is freed; what is below it stays in the process. Other systems' allocators are left alone.
pub fn give_back_large_blocks() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    #[allow(unsafe_code, reason = "a call of the C library without pointers")]
    // SAFETY: mallopt takes two numbers, and takes the allocator's own lock.
    let done = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES_MIN) };
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    debug_assert!(done == 1, "the size is within its bounds");
}
