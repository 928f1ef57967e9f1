//! The settings of the lake: an operator's, and the limits of one join.

use std::time::Duration;

use object_store::ObjectStoreScheme;

use super::error::LakeError;

/// The settings that an operator chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// The location of the tables; the data folder if absent.
    pub url: Option<url::Url>,
    /// True if other nodes write to the same tables.
    pub shared: bool,
    /// Readers of a shared table do not look for commits of other nodes again within this time.
    pub refresh: Duration,
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
    /// Reads the URL of a store, of one of the kinds that tables can lie in.
    pub fn parse_url(text: &str) -> Result<url::Url, LakeError> {
        let refused = |reason: &dyn std::fmt::Display| LakeError::Url {
            url: text.to_owned(),
            reason: format!(
                "{reason}; expected something like s3://bucket/prefix, gs://bucket/prefix, \
                 az://container/prefix or file:///folder"
            ),
        };
        let url = url::Url::parse(text).map_err(|error| refused(&error))?;
        let (scheme, _) = ObjectStoreScheme::parse(&url).map_err(|error| refused(&error))?;
        match scheme {
            // The library would look for it at the root.
            ObjectStoreScheme::Local if !is_rooted(text) || url.has_host() => Err(refused(
                &"a folder is given from the root, and without a host",
            )),
            ObjectStoreScheme::Local
            | ObjectStoreScheme::AmazonS3
            | ObjectStoreScheme::GoogleCloudStorage
            | ObjectStoreScheme::MicrosoftAzure => Ok(url),
            _ => Err(refused(
                &"tables can lie under s3://, gs://, az:// and file:// only",
            )),
        }
    }
}

fn is_rooted(text: &str) -> bool {
    let path = text.split_once(':').map(|(_, path)| path);
    path.is_some_and(|path| path.starts_with('/'))
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
