//! A bucket, and the rule for its name.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::id::{BucketId, TableId};

/// A bucket: a place for points, with a name, a permanent id and a retention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// Never reused, even after the bucket is gone.
    pub id: BucketId,
    /// Unique, case-sensitive.
    pub name: String,
    /// The time that points are kept, in nanoseconds; absent means for ever.
    pub retention_ns: Option<i64>,
    /// The time of its creation, in nanoseconds since the epoch.
    pub created_ns: i64,
}

impl Bucket {
    /// The table of a measurement of this bucket.
    pub fn table(&self, measurement: &str) -> TableId {
        TableId::new(self.id, measurement)
    }

    /// Returns the earliest time that a point may have now; nothing if points are kept for ever.
    pub fn oldest_ns(&self, now_ns: i64) -> Option<i64> {
        self.retention_ns
            .map(|retention_ns| now_ns.saturating_sub(retention_ns))
    }
}

/// The maximum length of a bucket's name in bytes.
const NAME_BYTES_MAX: usize = 255;

/// The reason why a text cannot name a bucket (contract section 1.1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidBucketName {
    /// Empty, or longer than 255 bytes.
    #[error("bucket name has {bytes} bytes, expected 1 to {NAME_BYTES_MAX}")]
    Length {
        /// Its length in bytes.
        bytes: usize,
    },
    /// Names that start with `_` are kept for the system.
    #[error("bucket name starts with \"_\", which is reserved")]
    Reserved,
    /// Control characters would make names that look alike.
    #[error("bucket name contains a control character")]
    Control,
}

/// Checks a name against the contract: 1 to 255 bytes, no control character, no leading `_`.
pub fn valid_bucket_name(name: &str) -> Result<(), InvalidBucketName> {
    match name {
        _ if name.is_empty() || name.len() > NAME_BYTES_MAX => {
            Err(InvalidBucketName::Length { bytes: name.len() })
        }
        _ if name.starts_with('_') => Err(InvalidBucketName::Reserved),
        _ if name.chars().any(char::is_control) => Err(InvalidBucketName::Control),
        _ => Ok(()),
    }
}
