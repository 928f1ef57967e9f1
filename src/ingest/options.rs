//! The settings of the write path.

use super::rules::Limits;

/// The settings of the write path.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Limits that a line must keep.
    pub limits: Limits,
    /// The amount of text that is parsed, resolved and logged at once, in bytes.
    pub slice_bytes_max: usize,
    /// The size above which bodies are parsed off the threads that serve connections, in bytes.
    pub inline_bytes_max: usize,
    /// The part of the budget that one bucket may fill, in bytes.
    pub bucket_bytes_max: u64,
    /// The disk space that the log may take before writes are refused, in bytes.
    pub log_bytes_max: u64,
}
