//! Figures about a table, for people.

use std::time::Duration;

use super::error::LakeError;
use super::handle::Lake;
use crate::catalog::Bucket;
use crate::id::Sequence;
use crate::narrow;

/// A table of the lake as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableStatus {
    /// Its folder, from the root of the lake.
    pub folder: String,
    /// The version of its log.
    pub version: u64,
    /// Commits since the last checkpoint of the log.
    pub unchecked: u64,
    /// Tags and fields.
    pub columns: u64,
    /// Days with points.
    pub days: u64,
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their rows, as far as the files' statistics give them.
    pub rows: u64,
    /// The last frame of this node's log that is in it.
    pub flushed: Sequence,
}

impl Lake {
    /// Returns figures about a table; nothing if there is no table.
    pub async fn status(
        &self,
        bucket: &Bucket,
        measurement: &str,
    ) -> Result<Option<TableStatus>, LakeError> {
        let Some((table, state)) = self.current(bucket, measurement, Duration::ZERO).await? else {
            return Ok(None);
        };
        let files = state.files.values();
        let flushed = state.transactions.get(self.app()).copied();
        Ok(Some(TableStatus {
            folder: table.folder.clone(),
            version: state.version,
            unchecked: table.unchecked(state.version).await?,
            columns: narrow::to_u64(state.columns.len()),
            days: narrow::to_u64(state.by_day().len()),
            files: narrow::to_u64(state.files.len()),
            bytes: files.clone().map(|file| file.bytes).sum(),
            rows: files.filter_map(|file| file.rows).sum(),
            flushed: Sequence(flushed.unwrap_or(0)),
        }))
    }

    /// The location of the tables, for people and other programs.
    pub fn location(&self) -> String {
        self.shared.tables.location()
    }
}
