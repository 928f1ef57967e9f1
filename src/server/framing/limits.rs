//! The limits on heads and peers.

use std::time::Duration;

use crate::pace::Pace;

/// The limits on heads and peers.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Limits {
    /// The time in which a head must be complete, from its first byte on; for the first head, from
    /// the start of the connection.
    pub(in crate::server) head_timeout: Duration,
    /// The most bytes of a head.
    pub(in crate::server) head_bytes_max: usize,
    /// The most header lines.
    pub(in crate::server) headers_max: usize,
    /// The pace at which a peer must take its answers.
    pub(in crate::server) pace: Pace,
}
