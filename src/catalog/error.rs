//! The errors of the small durable state.

use thiserror::Error;

use super::{InvalidBucketName, TokenId};
use crate::storage::StorageError;

/// A change or a start that the catalog refused.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// The name breaks the rule for bucket names.
    #[error(transparent)]
    InvalidName(#[from] InvalidBucketName),
    /// One bucket more would be too many.
    #[error("there are {buckets_max} buckets already (limits.buckets_max)")]
    TooManyBuckets {
        /// The limit.
        buckets_max: usize,
    },
    /// One token more would be too many.
    #[error(
        "there are {tokens_max} tokens already, including expired ones (limits.tokens_max): revoke \
         those that are not needed"
    )]
    TooManyTokens {
        /// The limit.
        tokens_max: usize,
    },
    /// The name is taken.
    #[error("bucket \"{0}\" exists already")]
    BucketExists(String),
    /// There is no bucket of this name.
    #[error("bucket \"{0}\" not found")]
    UnknownBucket(String),
    /// There is no token with this id.
    #[error("token \"{0}\" not found")]
    UnknownToken(TokenId),
    /// Nobody could manage the server without it.
    #[error(
        "the last operator token that does not expire cannot be revoked: create another one first"
    )]
    LastOperator,
    /// The disk refused.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A file of the catalog cannot be understood.
    #[error("{path} is damaged: {reason}; restore it from a backup of the data folder")]
    Damaged {
        /// The file, relative to the data folder.
        path: &'static str,
        /// The reader's message.
        reason: String,
    },
    /// A file was written by a newer version.
    #[error(
        "{path} has format {found}, but this version reads formats only up to {known}; start a newer tidegate on this folder"
    )]
    Newer {
        /// The file, relative to the data folder.
        path: &'static str,
        /// The format found.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
    /// The system gave no random bytes for a token.
    #[error("the system provides no random bytes: {0}")]
    Random(String),
}
