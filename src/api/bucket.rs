//! Finding the bucket that a request names.

use std::sync::Arc;

use super::Engine;
use super::error::{ApiError, Code};
use crate::catalog::Bucket;
use crate::id::BucketId;

/// The bucket of this name, or else with this id (contract section 1.1).
pub(super) fn find(engine: &Engine, name: &str) -> Option<Arc<Bucket>> {
    let by_id = || engine.catalog.bucket(BucketId::parse(name)?);
    engine.catalog.bucket_named(name).or_else(by_id)
}

/// 404.
pub(super) fn not_found(name: &str) -> ApiError {
    ApiError::new(Code::NotFound, format!("bucket \"{name}\" not found"))
}
