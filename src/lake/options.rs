//! How the lake works: what an operator sets, and the limits of one join.

use std::time::Duration;

use super::error::LakeError;

/// How the lake works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the tables lie; in the data folder if absent.
    pub url: Option<url::Url>,
    /// Whether other nodes write to the same tables.
    pub shared: bool,
    /// A table that holds so many bytes is flushed.
    pub flush_bytes: u64,
    /// A table whose oldest row is older than this is flushed.
    pub flush_age: Duration,
    /// Tables that are flushed at the same time.
    pub flushes_max: usize,
    /// From so many bytes of log on, the tables that hold it up are flushed.
    pub log_bytes: u64,
    /// Small files of a day that are joined.
    pub compact_files_min: usize,
    /// Size of a file that a compaction writes.
    pub file_bytes_max: u64,
    /// Age at which files that belong to no table are deleted.
    pub vacuum_age: Duration,
    /// Commits after which a table's log gets a checkpoint.
    pub checkpoint_every: u64,
    /// How often tables are looked after; never if zero.
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

/// What one join may take and make. Tests have smaller ones, to see many files of few rows.
#[derive(Clone, Copy, Debug)]
pub(in crate::lake) struct JoinLimits {
    /// Sorted runs that are merged at once: each has a file open all the time.
    pub(in crate::lake) runs_max: usize,
    /// Rows of a file that is written; its bytes are limited by the settings.
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
