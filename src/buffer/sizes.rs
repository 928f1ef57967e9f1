//! The limits of the buffer, and its sizes.

/// Limits of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BufferLimits {
    /// A growing segment of at least this many bytes is frozen.
    pub segment_bytes_max: u64,
}

impl Default for BufferLimits {
    fn default() -> Self {
        Self {
            segment_bytes_max: 32 << 20,
        }
    }
}

/// Sizes for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferStats {
    /// Tables, over all buckets.
    pub tables: u64,
    /// Rows, growing and frozen, overwritten ones included.
    pub rows: u64,
    /// Distinct series.
    pub series: u64,
    /// Bytes on the heap of growing segments, indexes included.
    pub active_bytes: u64,
    /// Bytes on the heap of frozen segments.
    pub frozen_bytes: u64,
    /// Bytes reserved for all of it.
    pub reserved_bytes: u64,
    /// Frozen segments.
    pub frozen_segments: u64,
}
