//! Errors of the tables.

mod advice;

use std::path::PathBuf;

use thiserror::Error;

use crate::lake::parquet::{DecodeError, EncodeError};
use crate::memory::Exhausted;
use crate::merge::MergeError;
use crate::storage::StorageError;
use crate::telemetry::causes;
use advice::with_advice;

/// A file of a log that cannot be read as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faulty {
    /// Its path in the table's folder.
    pub file: String,
    /// The damage.
    pub reason: String,
}

/// An error of work on the tables.
#[derive(Debug, Error)]
pub enum LakeError {
    /// `lake.url` cannot be used.
    #[error("lake.url \"{url}\" cannot be used: {reason}")]
    Url {
        /// The URL as it was given.
        url: String,
        /// The reason.
        reason: String,
    },
    /// Several nodes need a store that refuses to create what exists.
    #[error(
        "the store at {store} overwrites existing objects even if it is asked to create new ones only \
         (no conditional PUT): several nodes would lose each other's commits there. Use a store \
         that supports If-None-Match, or set lake.shared = false and let one node write"
    )]
    NotConditional {
        /// Its location.
        store: String,
    },
    /// Names that differ only in case would share a folder.
    #[error(
        "the folder {} is on a file system that ignores case: the tables of two buckets or measurements \
         whose names differ only in case would be written into one folder. Choose a folder on a \
         case-sensitive file system, or an object store (lake.url)",
        path.display()
    )]
    FoldsCase {
        /// The folder of the tables.
        path: PathBuf,
    },
    /// The store did not answer, or refused.
    #[error("the store of the tables cannot be used: {}", with_advice(.0))]
    Store(#[from] object_store::Error),
    /// The library that reads and writes the tables' logs failed, for a reason that may pass.
    #[error("table {table}: {}", with_advice(source))]
    Delta {
        /// Its folder.
        table: String,
        /// Its error.
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// A table's log is not valid, although the store can read it.
    #[error(
        "table {table} is damaged, or was written by a program that tidegate does not understand: \
         {}. Nothing is added to it, and its new points stay in memory and in the log. Restore its \
         folder from a backup; or, if its contents may be given up, move the folder away and confirm \
         that with `tidegate lake accept-loss`",
        with_advice(source)
    )]
    Damaged {
        /// Its folder.
        table: String,
        /// The error of the library that reads it.
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// A file of a table's log is not valid.
    #[error(
        "table {table} cannot be read: {} in its folder, a part of its log, is damaged ({}). The points \
         flushed to it are still in its other files, but it is unknown which of them count. Nothing is \
         added to it, and its new points stay in memory and in the log; other tables are not affected. \
         Restore this file from a backup; or, if the table's contents may be given up, move its folder \
         away and confirm that with `tidegate lake accept-loss`",
        faulty.file, faulty.reason
    )]
    DamagedLog {
        /// Its folder.
        table: String,
        /// The file.
        faulty: Faulty,
    },
    /// A table has contents that are not understood.
    #[error("table {table}: {reason}")]
    Table {
        /// Its folder.
        table: String,
        /// The reason.
        reason: String,
    },
    /// Another process has written under this node's id.
    #[error(
        "table {table} was written up to {found} by another process with this node's id \
         ({node_id:016x}), but this data folder knows only of {known}: it is a copy of another one, or \
         it was restored from an old backup. One of the two must get an id of its own: move its \
         data to a new folder with `tidegate export` and `tidegate import`"
    )]
    Copied {
        /// Its folder.
        table: String,
        /// Of this node.
        node_id: u64,
        /// The last transaction in the table.
        found: u64,
        /// The last one that this folder knows of.
        known: u64,
    },
    /// Rows of a table are missing, and no deletion explains it.
    #[error(
        "table {table} was lost: {missing} is no longer in it, and no deletion of its bucket \
         explains that. Nothing is added to it. Restore its folder from a backup; or, if its contents \
         may be given up, confirm that with `tidegate lake accept-loss`"
    )]
    Gone {
        /// Its folder.
        table: String,
        /// The missing part.
        missing: String,
    },
    /// The wall clock is not trusted.
    #[error(
        "the clock says {now}, expected about {expected}: nothing is dropped by age until the \
         clock has run evenly for an hour, or an operator confirms it with `tidegate lake trust-clock`"
    )]
    Uncertain {
        /// Its error.
        now: String,
        /// The expected time.
        expected: String,
    },
    /// Another node is deleting the bucket.
    #[error(
        "the tables of bucket \"{bucket}\" are being removed by node {node}, as it was deleted: its \
         new points stay in memory and in the log until that is done. If no file is removed for ten \
         minutes, because that node is gone for good, another node that has such points takes over"
    )]
    Removing {
        /// Its name.
        bucket: String,
        /// The node.
        node: String,
    },
    /// The tables of a deleted bucket of the same name are still being removed.
    #[error("the tables of a deleted bucket \"{bucket}\" are still being removed")]
    BeingDeleted {
        /// Its name.
        bucket: String,
    },
    /// Too many others commit to the same table.
    #[error("table {table}: {attempts} commits in a row were overtaken by one of another node")]
    Contended {
        /// Its folder.
        table: String,
        /// The number of commits that were tried.
        attempts: u32,
    },
    /// A file of a table is damaged.
    #[error(
        "file {file} of table {table} is damaged ({reason}): {}",
        what_is_lost("Restore it from a backup")
    )]
    DamagedFile {
        /// The table's folder.
        table: String,
        /// The file in it.
        file: String,
        /// The reason.
        reason: String,
    },
    /// A file of a table is missing.
    #[error(
        "file {file} of table {table} is gone, and nothing in the table's log says why: {}",
        what_is_lost("Put it back from a backup")
    )]
    LostFile {
        /// The table's folder.
        table: String,
        /// The file in it.
        file: String,
    },
    /// A file of a table cannot be read as it is.
    #[error("file {file} of table {table}: {reason}")]
    File {
        /// The table's folder.
        table: String,
        /// The file in it.
        file: String,
        /// The reason.
        reason: String,
    },
    /// A file cannot be decoded.
    #[error(transparent)]
    Decode(Box<DecodeError>),
    /// A file cannot be encoded.
    #[error(transparent)]
    Encode(Box<EncodeError>),
    /// Files cannot be merged.
    #[error(transparent)]
    Merge(Box<MergeError>),
    /// Memory is short.
    #[error(transparent)]
    Exhausted(#[from] Exhausted),
    /// The data folder cannot be read or written.
    #[error("{}", causes(.0))]
    Storage(#[from] StorageError),
    /// The file of this node's positions is damaged.
    #[error(
        "{path} is damaged ({reason}): restore the data folder from a backup, as README.md says under \"Backup and restore\""
    )]
    Positions {
        /// The file.
        path: String,
        /// The reason.
        reason: String,
    },
    /// Rows could not be logged once more.
    #[error("its rows stay where they are in the log: {0}")]
    NotLogged(String),
    /// A task ended early.
    #[error("work on the tables was cut short by an internal error, see the log")]
    Lost(#[from] tokio::task::JoinError),
}

impl LakeError {
    /// An error of the encoder.
    pub(super) fn encode(source: EncodeError) -> Self {
        Self::Encode(Box::new(source))
    }

    /// An error of a merge. If a file could not be read, the error of that file.
    pub(super) fn merge(source: MergeError) -> Self {
        let MergeError::Chunks { run, source } = source else {
            return Self::Merge(Box::new(source));
        };
        match source.downcast::<Self>() {
            Ok(error) => *error,
            Err(source) => Self::Merge(Box::new(MergeError::Chunks { run, source })),
        }
    }

    /// An error of the table library.
    pub(super) fn delta(table: &str, source: deltalake_core::DeltaTableError) -> Self {
        Self::Delta {
            table: table.to_owned(),
            source: Box::new(source),
        }
    }

    /// The same error for a log that the store can read.
    pub(super) fn damaged(table: &str, source: deltalake_core::DeltaTableError) -> Self {
        Self::Damaged {
            table: table.to_owned(),
            source: Box::new(source),
        }
    }

    /// A time that is not trusted, and the expected time, in nanoseconds since the epoch.
    pub(super) fn uncertain(now_ns: i64, expected_ns: i64) -> Self {
        let text = |ns| chrono::DateTime::from_timestamp_nanos(ns).to_rfc3339();
        Self::Uncertain {
            now: text(now_ns),
            expected: text(expected_ns),
        }
    }

    /// An error about a table, with its reason.
    pub(super) fn table(table: &str, reason: impl ToString) -> Self {
        Self::Table {
            table: table.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// Returns whether a table, or a file of it, is damaged or lost. The text names tables and their
    /// files, and no path of the server.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Damaged { .. }
                | Self::DamagedLog { .. }
                | Self::DamagedFile { .. }
                | Self::LostFile { .. }
                | Self::File { .. }
                | Self::Gone { .. }
                | Self::Copied { .. }
        )
    }

    /// Returns whether trying again later may help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(_)
            | Self::Delta { .. }
            | Self::Contended { .. }
            | Self::BeingDeleted { .. }
            | Self::Removing { .. }
            | Self::Uncertain { .. }
            | Self::Exhausted(_) => true,
            Self::Decode(error) => matches!(**error, DecodeError::Read { .. }),
            Self::Storage(_) | Self::NotLogged(_) | Self::Lost(_) => true,
            Self::Damaged { .. }
            | Self::DamagedLog { .. }
            | Self::Table { .. }
            | Self::File { .. }
            | Self::DamagedFile { .. }
            | Self::LostFile { .. }
            | Self::Encode(_)
            | Self::Merge(_)
            | Self::Url { .. }
            | Self::NotConditional { .. }
            | Self::FoldsCase { .. }
            | Self::Copied { .. }
            | Self::Gone { .. }
            | Self::Positions { .. } => false,
        }
    }
}

/// Explains the consequences of a file that cannot be read, and the ways out.
fn what_is_lost(restore: &str) -> String {
    format!(
        "its rows and the other rows of its day in this table cannot be read, and it is not joined \
         with other files. The other days can be read (--start, --end), new points are accepted \
         as before, and nothing was changed. {restore}; or, if its rows may be given up, move it out of \
         the folder and let another program drop it from the table's log (such as repair() of the \
         Python package deltalake)"
    )
}

#[cfg(test)]
mod tests {
    use deltalake_core::DeltaTableError;

    use super::LakeError;

    #[test]
    fn what_the_library_traces_is_not_told() {
        let error = || DeltaTableError::generic("no JSON\n   0: /home/builder/kernel.rs");
        for told in [
            LakeError::damaged("b/cpu", error()),
            LakeError::delta("b/cpu", error()),
        ] {
            let text = told.to_string();
            assert!(
                text.contains("no JSON") && !text.contains("builder"),
                "{text}"
            );
            assert_eq!(text.lines().count(), 1);
        }
    }
}
