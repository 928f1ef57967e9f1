//! What can go wrong: at the start ([`WalError`]) and for a frame ([`CommitError`]).

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::frame::FRAME_BYTES_MAX;
use crate::id::Sequence;
use crate::storage::{self, StorageError};

/// Why a frame cannot be taken by who replays the log.
pub type OnFrameError = Box<dyn Error + Send + Sync>;

/// The log cannot be opened or closed.
#[derive(Debug, Error)]
pub enum WalError {
    /// The data folder failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Damage where everything was known to be durable.
    #[error(
        "log segment {} is damaged at offset {offset} ({what}), below what was known to be durable: acknowledged points may be lost from there on, so the start is refused; `{}` copies aside what can still be read",
        path.display(), salvage_command(path)
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The first byte that cannot be read as a frame.
        offset: u64,
        /// What is wrong there.
        what: &'static str,
    },
    /// A segment of another, newer version.
    #[error(
        "log segment {} is of version {found}, this tidegate reads {supported}: start the newer tidegate that wrote it",
        path.display()
    )]
    NewerVersion {
        /// The segment.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The version read here.
        supported: u16,
    },
    /// A segment of a version that is no longer read.
    #[error(
        "log segment {} is of version {found}, which this tidegate no longer reads (it reads {supported}): start an older tidegate and export the data",
        path.display()
    )]
    OlderVersion {
        /// The segment.
        path: PathBuf,
        /// Its version.
        found: u16,
        /// The version read here.
        supported: u16,
    },
    /// A segment that another node wrote.
    #[error(
        "log segment {} was written by node {found:016x}, this data folder belongs to node {expected:016x}: move the file out of the folder",
        path.display()
    )]
    OtherNode {
        /// The segment.
        path: PathBuf,
        /// Who wrote it.
        found: u64,
        /// Whose folder it is.
        expected: u64,
    },
    /// A segment is gone that others refer to.
    #[error(
        "log segment {} is missing, but later ones exist: acknowledged points may be lost, so the start is refused; put the file back, or let `{}` copy aside what is there",
        path.display(), salvage_command(path)
    )]
    MissingSegment {
        /// The segment.
        path: PathBuf,
    },
    /// The oldest segments are gone before they were released.
    #[error(
        "the log starts at sequence {found} in {}, frames after {needed_after} are still needed: segments are missing; put them back, or let `{}` copy aside what is there",
        path.display(), salvage_command(path)
    )]
    MissingFrames {
        /// The oldest segment there is.
        path: PathBuf,
        /// Its first sequence.
        found: Sequence,
        /// The sequence up to which frames were released.
        needed_after: Sequence,
    },
    /// All segments are gone, and not all of them can have been released.
    #[error(
        "the log has no segments, but frames up to {released} were released from it, which leaves at least one: put the segments back into {}, or let `{}` make a log that goes on behind them",
        path.parent().unwrap_or(path).display(), salvage_command(path)
    )]
    NoSegments {
        /// The record of what was released.
        path: PathBuf,
        /// The sequence up to which frames were released.
        released: Sequence,
    },
    /// The record of what was released cannot be read.
    #[error(
        "{}, which says up to where the log is no longer needed, is damaged, so the start is refused: `{}` copies aside what the log still holds",
        path.display(), salvage_command(path)
    )]
    ReleasedDamaged {
        /// The record.
        path: PathBuf,
    },
    /// A frame was read, but could not be taken.
    #[error("frame {sequence} at offset {offset} of log segment {} cannot be replayed", path.display())]
    Frame {
        /// The segment.
        path: PathBuf,
        /// Where the frame starts.
        offset: u64,
        /// The frame's sequence.
        sequence: Sequence,
        /// What was wrong with it.
        source: OnFrameError,
    },
    /// No thread could be started.
    #[error("cannot start the log's thread")]
    Thread(#[source] std::io::Error),
    /// The log was closed while it was not able to write; it has no end mark.
    #[error("the log was closed without an end mark: {reason}")]
    NotClean {
        /// Why it could not write.
        reason: String,
    },
}

/// The command that saves what can be read of the data folder that `segment` lies in, as a shell
/// takes it.
fn salvage_command(segment: &Path) -> String {
    storage::salvage_command(segment.ancestors().nth(2).unwrap_or(segment))
}

/// A frame was not acknowledged.
#[derive(Clone, Debug, Error)]
pub enum CommitError {
    /// The disk failed. The frame may or may not be found after a restart; it will not be if a
    /// later frame is acknowledged.
    ///
    /// The text names no file, because clients are told it; the server's log names it.
    #[error("{}", cause(.0))]
    Failed(Arc<StorageError>),
    /// Queued behind a failure and never written. The log works (again): what relied on the
    /// failed frames can be decided anew and submitted once more.
    #[error("queued behind a failed write of the log")]
    NotAttempted,
    /// The disk is full. As after `Failed`, the frame may or may not be found after a restart.
    /// Nothing needs to be done but free space: the log goes on by itself.
    #[error("the disk of the log is full")]
    DiskFull,
    /// A frame larger than any may be, never written.
    #[error("a log frame of {bytes} bytes is larger than {FRAME_BYTES_MAX} bytes")]
    TooLarge {
        /// Its payload.
        bytes: usize,
    },
    /// Submitted after the log was closed, never written.
    #[error("the log is closed")]
    Closed,
}

/// What the system said, without the path: health texts and answers are read by strangers.
pub(super) fn cause(error: &StorageError) -> String {
    match error {
        StorageError::Io {
            operation, source, ..
        } => format!("cannot {operation} it: {source}"),
        _ => "the data folder cannot be used, the server's log says why".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::salvage_command;

    #[test]
    fn the_command_that_a_refusal_names_is_whole() {
        for (segment, command) in [
            (
                "/var/lib/tide/wal/0000000000000001.wal",
                "--data-dir /var/lib/tide --out /var/lib/tide-salvaged",
            ),
            (
                "./my data/wal/x.wal",
                "--data-dir './my data' --out './my data-salvaged'",
            ),
            (
                "it's/wal/x.wal",
                r"--data-dir 'it'\''s' --out 'it'\''s-salvaged'",
            ),
        ] {
            let expected = format!("tidegate wal salvage {command}");
            assert_eq!(salvage_command(Path::new(segment)), expected);
        }
    }
}
