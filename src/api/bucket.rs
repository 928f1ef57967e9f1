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

/// 404.
pub(super) fn not_found(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("bucket \"{name}\" not found"))
}

/// 404, in the words that v1 clients look for.
pub(super) fn database_not_found(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("database not found: \"{name}\""))
}

/// Where the points of a request go: the bucket that was found, or else one that is made under
/// the name `new`, or else the error `missing`. Whether a bucket exists is told only to who may
/// write to it.
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

/// What a write that failed is told. A bucket that is deleted meanwhile is missing in the words of
/// the endpoint: clients look for them.
pub(super) fn write_error(error: WriteError, missing: impl FnOnce() -> ApiError) -> ApiError {
    match error {
        WriteError::BucketGone(_) => missing(),
        error => error.into(),
    }
}

/// 403 of a token that may not write here.
pub(super) fn forbidden() -> ApiError {
    let text = "insufficient permissions for write";
    ApiError::new(Code::Forbidden, text)
}

/// 400 unless a bucket may have this name.
pub(super) fn valid_name(name: &str) -> Result<(), ApiError> {
    let invalid = |error: InvalidBucketName| ApiError::new(Code::Invalid, error.to_string());
    valid_bucket_name(name).map_err(invalid)
}
