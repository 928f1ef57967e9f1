//! The bounds on what an encoded batch holds.

/// The most rows of an encoded batch.
pub const ROWS_MAX: usize = 1 << 22;

/// The most values of an encoded batch, all field columns together; also the most dictionary ids
/// of its series.
pub const VALUES_MAX: usize = 1 << 24;
