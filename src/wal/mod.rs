//! The log, which makes acknowledgements true.
//!
//! One thread, `wal`, writes and syncs each submitted frame together with all frames that queued up
//! during the last sync: group commit without a timer (design decision D1). While it sleeps, the thread
//! of a submitter may do so in its place ([`Lead`]). A frame's completion runs after the sync, strictly
//! in the order of sequence. The log knows bytes and sequence numbers, not points.
//!
//! # Rooms
//!
//! ```text
//! recovery, salvage          open a log; copy what a damaged one still holds
//!   read/      write/        neither knows the other; read/ changes nothing on disk
//!       format/              bytes, checksums, names
//! ```
//!
//! # Promises
//!
//! - A completion with `Ok` means: after any crash, [`Wal::recover`] hands out the frame.
//! - Frames are handed out in the order of sequence, each once, unchanged. Frames that were
//!   submitted but not acknowledged can appear only at the end of the log: a frame that failed is
//!   never followed by a later one.
//! - After a failed sync, the file is never written or synced again; a new segment starts at the
//!   last offset known to be durable (D9). A full disk stops acknowledgements; the log recovers by
//!   itself once there is space.
//! - Damage below what was known to be durable refuses the start with an error that names file and
//!   offset (D10).
//!
//! # Format, version 1
//!
//! Segments are files in `wal/` of the data folder: `0000000000000001.wal` and so on, without a
//! gap. All numbers are little endian, all checksums CRC32C. A segment is a header of 72 bytes,
//! then frames back to back:
//!
//! ```text
//! segment header                                frame
//!   0  magic "TIDELOG\n"                          0  u32 checksum of seed, bytes 4.. and payload
//!   8  u16 version, u16 header length             4  u32 payload length
//!  12  u32 checksum of 0..12 and 16..length       8  u64 sequence
//!  16  u64 node id                               16  u32 durable offset
//!  24  u64 segment number                        20  u8 kind: 1 data, 2 probe, 3 end mark
//!  32  u64 first sequence                        21  u24 check: low bits of the checksum of
//!  40  u64 predecessor: segment number,              seed and bytes 4..21
//!  48  u64   exact end,                          24  payload
//!  56  u64   last sequence before that end
//!  64  u64 durable offset at creation
//! ```
//!
//! - *Version*: the first 16 bytes mean the same in all versions, so a damaged version is not
//!   mistaken for another one.
//! - *Seed*: the checksum of node id, segment number and the frame's offset. Bytes that were
//!   written elsewhere, or by a client into a payload, are not a frame here.
//! - *Check*: a header can be trusted before its payload is read.
//! - *Durable offset*: the offset up to which this segment was known to be durable when the frame
//!   was written, that is, the start of its group.
//! - *Sequence*: rises from data frame to data frame, with gaps where frames failed. Probes and the
//!   end mark repeat the last one.
//! - *First sequence*: no frame in the segment has a lower one.
//!
//! # Segments
//!
//! A segment is written under the name `….wal.new`, synced and renamed; then the folder is synced.
//! So a file with a proper name has a whole header, and a bad header is damage. A program never
//! appends to what another run wrote: each start begins a new segment, whose header gives the exact
//! end of its predecessor. If the last group is not proven to have been synced, its frames are
//! copied into the new segment before it gets its name: after a failed sync, the page cache may
//! show what the disk does not hold.
//!
//! The existence of a segment is noted at the top of the data folder ([`hold_last`]) before the
//! first acknowledgement in it: each segment proves that its predecessors existed, and the note
//! proves it for the last one.
//!
//! [`hold_last`]: crate::storage::hold_last
//!
//! # Release
//!
//! Frames that are safe elsewhere are released ([`Wal::release`]): segments whose frames are all
//! released are deleted, oldest first, but never the last one. Before that, `wal/released` durably
//! records the last released frame, so that a start knows which segments may be gone. It deletes
//! those that remain without reading them, and hands out no released frame.
//!
//! # Replay, and the torn tail
//!
//! In a segment with a successor, replay stops at the exact end that the successor names: bytes
//! after it are ignored, damage before it refuses the start. In the last segment, damage at or past
//! the highest durable offset that any valid frame names (even a frame after the damage) is a torn
//! tail: it is cut, with a warning. Damage below that refuses the start. A clean stop leaves an end
//! mark as the last frame; with it, any damage refuses the start. After a crash, a flipped bit in
//! the last group cannot be distinguished from a torn tail; the warning is the only sign.

mod error;
mod format;
mod read;
mod recovery;
mod salvage;
#[cfg(test)]
mod tests;
mod write;

pub use error::{OnFrameError, WalError};
pub use format::frame::{FRAME_BYTES_MAX, FRAME_HEADER_BYTES};
pub use format::segment::{Position, SEGMENT_HEADER_BYTES, SEGMENT_VERSION};
pub use read::inspect::{FrameInfo, FrameKind, Item, LogReader, SegmentFile};
pub use read::replay::{OnFrame, Progress, TornTail};
pub use recovery::{Recovered, Replayed};
pub use salvage::{Loss, Salvaged, salvage};
pub use write::error::CommitError;
pub use write::handle::{LogStats, Wal};
pub use write::lead::Lead;
pub use write::options::{GroupReport, Observer, WalOptions};
pub use write::{Completion, Generation};
