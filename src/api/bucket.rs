//! Finding the bucket that a request names.

use std::sync::Arc;

use super::AppState;
use super::error::{ApiError, Code};
use crate::auth::Identity;
use crate::catalog::{Bucket, InvalidBucketName, valid_bucket_name};
use crate::engine::Engine;
use crate::id::BucketId;
use crate::ingest::{Target, WriteError};

/// The bucket of this name, or else with this id (contract section 1.1).
pub(super) fn find(engine: &Engine, name: &str) -> Option<Arc<Bucket>> {
    let by_id = || engine.catalog.bucket(BucketId::parse(name)?);
    engine.catalog.bucket_named(name).or_else(by_id)
}

/// The 404 for a missing bucket.
pub(super) fn not_found(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("bucket \"{name}\" not found"))
}

/// The 404 for a missing database, in the words that v1 clients look for.
pub(super) fn database_not_found(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("database not found: \"{name}\""))
}

/// Returns the bucket for the points of a request: the one that was found, else one to be created
/// with the name `new`, else the error `missing`. Only a token that may write to a bucket learns
/// whether it exists.
pub(super) fn to_write(
    app: &AppState,
    identity: &Identity,
    found: Option<Arc<Bucket>>,
    new: String,
    missing: impl FnOnce() -> ApiError,
) -> Result<Target, ApiError> {
    let permitted = identity.may_write(found.as_ref().map_or(&new, |bucket| &bucket.name));
    match found {
        _ if !permitted => Err(forbidden()),
        Some(bucket) => Ok(Target::Existing(bucket)),
        None if app.config().server.auto_create_buckets => {
            valid_name(&new)?;
            Ok(Target::Create(new))
        }
        None => Err(missing()),
    }
}

/// Returns the bucket to read: the one that was found under this name, else the error `missing`.
/// Only a token that may read a bucket learns whether it exists.
pub(super) fn to_read(
    identity: &Identity,
    found: Option<Arc<Bucket>>,
    name: &str,
    missing: impl FnOnce() -> ApiError,
) -> Result<Arc<Bucket>, ApiError> {
    let name = found.as_ref().map_or(name, |bucket| &bucket.name);
    if !identity.may_read(name) {
        let text = "insufficient permissions for read";
        return Err(ApiError::new(Code::Forbidden, text));
    }
    found.ok_or_else(missing)
}

/// The answer to a failed write. A bucket that was deleted in the meantime is missing in the words
/// of the endpoint, which clients look for.
pub(super) fn write_error(error: WriteError, missing: impl FnOnce() -> ApiError) -> ApiError {
    match error {
        WriteError::BucketGone(_) => missing(),
        error => error.into(),
    }
}

/// The 403 for a token that may not write here.
pub(super) fn forbidden() -> ApiError {
    let text = "insufficient permissions for write";
    ApiError::new(Code::Forbidden, text)
}

/// Returns a 400 unless a bucket may have this name.
pub(super) fn valid_name(name: &str) -> Result<(), ApiError> {
    let invalid = |error: InvalidBucketName| ApiError::new(Code::Invalid, error.to_string());
    valid_bucket_name(name).map_err(invalid)
}
