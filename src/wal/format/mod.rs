//! The bytes of the log: frames, the headers and names of segments, and the record of what was
//! released. The format is drawn in [`wal`](super).
//!
//! Every checksum of the log is computed and checked here. Nothing here knows in which order frames
//! are written or read.

pub(super) mod frame;
pub(super) mod released;
pub(super) mod segment;
