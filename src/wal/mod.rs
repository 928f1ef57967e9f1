//! The log: what makes an acknowledgement true.
//!
//! A frame that is submitted is written and synced by one thread, `wal`, together with all that
//! queued up while the last sync ran: group commit without a timer (design decision D1). Its
//! completion runs after the sync, strictly in the order of sequence. The log knows bytes and
//! sequence numbers, not points.
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
//! - Frames are handed out in sequence order, each once, unchanged. Beside the acknowledged ones
//!   only frames that were submitted can appear, and only at the end of the log: a frame that
//!   failed is never followed by a later one.
//! - After a failed sync the file is never written or synced again; a new segment starts at the
//!   last offset known durable (D9). A full disk stops acknowledgements, and the log recovers by
//!   itself when there is space.
//! - Damage below what was known durable refuses the start, naming file and offset (D10).
//!
//! # Format, version 1
//!
//! Segments lie in `wal/` of the data folder, `0000000000000001.wal` and so on without a gap. All
//! numbers are little endian, all checksums CRC32C. A segment is a header of 72 bytes, then
//! frames back to back:
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
//! - *Version*: of all versions the first 16 bytes mean the same, so a damaged version is told from
//!   another one.
//! - *Seed*: the checksum of node id, segment number and the frame's offset. Bytes that were
//!   written elsewhere, or by a client into a payload, are no frame here.
//! - *Check*: a header can be trusted before its payload is read.
//! - *Durable offset*: where this segment was known durable up to when the frame was written,
//!   that is: where its group starts.
//! - *Sequence*: of data frames it rises, with gaps where frames failed. Probes and the end mark
//!   repeat the last one.
//! - *First sequence*: no frame in the segment has a lower one.
//!
//! # Segments
//!
//! A segment is written under the name `….wal.new`, synced, renamed, and the folder synced. So
//! what bears a proper name has a whole header: a damaged one is damage. A program never appends
//! to what another run wrote: each start begins a new segment, whose header says where exactly
//! its predecessor ended. Of a last group without proof of having been synced the frames are
//! copied into the new segment before it gets its name: after a failed sync the page cache may
//! show what the disk does not hold.
//!
//! That a segment is there is noted at the top of the data folder ([`hold_last`]) before the first
//! acknowledgement in it: each segment proves that its predecessors were there, and the note proves
//! it of the last one.
//!
//! [`hold_last`]: crate::storage::hold_last
//!
//! # Release
//!
//! What is safe elsewhere is released ([`Wal::release`]): segments of which every frame is
//! released are deleted, oldest first, never the last one. Before that `wal/released` says durably
//! up to where, so a start knows which segments may be gone; it does not look at those that are
//! still there, deletes them, and hands out nothing of what was released.
//!
//! # Replay, and the torn tail
//!
//! In a segment with a successor, replay stops at the exact end that the successor names: bytes
//! beyond are ignored, damage before is refused. In the last segment, damage at or past the
//! highest durable offset that any valid frame names (also one behind the damage) is a torn tail:
//! it is cut, with a warning. Damage below is refused. A clean stop leaves an end mark as the
//! last frame; with it, any damage is refused. A flipped bit in the last group after a crash
//! cannot be told from a torn tail; the warning is all there is.

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
pub use write::options::{GroupReport, Observer, WalOptions};
pub use write::{Completion, Generation};
