//! The settings of the lake: an operator's, and the limits of one join.

use std::time::Duration;

use super::error::LakeError;

/// The settings that an operator chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// The location of the tables; the data folder if absent.
    pub url: Option<url::Url>,
    /// True if other nodes write to the same tables.
    pub shared: bool,
    /// A table is flushed once it has buffered this many bytes.
    pub flush_bytes: u64,
    /// A table is flushed once its oldest buffered row is older than this.
    pub flush_age: Duration,
    /// The number of tables that may be flushed at the same time.
    pub flushes_max: usize,
    /// Once the log has this many bytes, the tables that keep it from shrinking are flushed.
    pub log_bytes: u64,
    /// The number of small files of one day from which on they are joined.
    pub compact_files_min: usize,
    /// The size of the files that a compaction writes.
    pub file_bytes_max: u64,
    /// The age from which on files that belong to no table are deleted.
    pub vacuum_age: Duration,
    /// The number of commits after which a table's log gets a checkpoint.
    pub checkpoint_every: u64,
    /// The interval between rounds of upkeep; no upkeep if zero.
    pub upkeep_every: Duration,
}

impl Options {
    /// Reads the URL of a store.
    pub fn parse_url(text: &str) -> Result<url::Url, LakeError> {
        url::Url::parse(text).map_err(|error| LakeError::Url {
            url: text.to_owned(),
            reason: format!(
                "{error}; expected something like s3://bucket/prefix, gs://bucket/prefix, \
                 az://container/prefix or file:///folder"
            ),
        })
    }
}

/// The limits of one join. Tests set smaller ones, to get many files of few rows.
#[derive(Clone, Copy, Debug)]
pub(in crate::lake) struct JoinLimits {
    /// Sorted runs that are merged at once: each keeps a file open.
    pub(in crate::lake) runs_max: usize,
    /// Rows of a file that is written. Its bytes are limited by the settings.
    pub(in crate::lake) file_rows_max: usize,
}

impl Default for JoinLimits {
    fn default() -> Self {
        Self {
            runs_max: 64,
            file_rows_max: usize::MAX,
        }
    }
}
