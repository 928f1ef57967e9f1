//! The reasons why the log cannot be opened or closed.

use std::error::Error;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::id::Sequence;
use crate::storage::{self, StorageError};

/// The reason why the receiver of a replay cannot take a frame.
pub type OnFrameError = Box<dyn Error + Send + Sync>;

/// An error on opening or closing the log.
#[derive(Debug, Error)]
pub enum WalError {
    /// The data folder failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Damage below what was known to be durable.
    #[error(
        "log segment {} is damaged at offset {offset} ({what}), below what was known to be durable: acknowledged points may be lost from there on, so the start is refused; `{}` copies aside what can still be read",
        path.display(), salvage_command(path)
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// The first byte that cannot be read as a frame.
        offset: u64,
        /// The kind of damage.
        what: &'static str,
    },
    /// A segment of another, newer version.
    #[error(
        "log segment {} has version {found}, but this tidegate reads {supported}: start the newer tidegate that wrote it",
        path.display()
    )]
    NewerVersion {
        /// The segment.
        path: PathBuf,
        /// The version found.
        found: u16,
        /// The version that this program reads.
        supported: u16,
    },
    /// A segment of a version that is no longer read.
    #[error(
        "log segment {} has version {found}, which this tidegate no longer reads (it reads {supported}): start an older tidegate and export the data",
        path.display()
    )]
    OlderVersion {
        /// The segment.
        path: PathBuf,
        /// The version found.
        found: u16,
        /// The version that this program reads.
        supported: u16,
    },
    /// A segment that another node wrote.
    #[error(
        "log segment {} was written by node {found:016x}, but this data folder belongs to node {expected:016x}: move the file out of the folder",
        path.display()
    )]
    OtherNode {
        /// The segment.
        path: PathBuf,
        /// The node that wrote it.
        found: u64,
        /// The node that owns the folder.
        expected: u64,
    },
    /// A segment that others refer to is gone.
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
        "the log starts at sequence {found} in {}, but frames after {needed_after} are still needed: segments are missing; put them back, or let `{}` copy aside what is there",
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
        "the log has no segments, but frames up to {released} were released from it, which leaves at least one: put the segments back into {}, or let `{}` make a log that continues after them",
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
        "{}, which records up to where the log is no longer needed, is damaged, so the start is refused: `{}` copies aside what the log still holds",
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
        /// The offset of the frame.
        offset: u64,
        /// The frame's sequence.
        sequence: Sequence,
        /// The receiver's error.
        source: OnFrameError,
    },
    /// No thread could be started.
    #[error("cannot start the log's thread")]
    Thread(#[source] std::io::Error),
    /// The log was closed while it was not able to write; it has no end mark.
    #[error("the log was closed without an end mark: {reason}")]
    NotClean {
        /// The reason why it could not write.
        reason: String,
    },
}

/// The command that saves what can be read of the data folder that `segment` lies in, as a shell
/// takes it.
fn salvage_command(segment: &Path) -> String {
    storage::salvage_command(segment.ancestors().nth(2).unwrap_or(segment))
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
