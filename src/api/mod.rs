//! The endpoints, one a file, and what they have in common: `params` reads query strings, `error`
//! is the only place with status codes, [`App`] is what they share. What clients see of all this
//! is the HTTP contract, [`contract`].
//!
//! An endpoint is a function from a request to an answer. It does not know on which path it is
//! served, nor whether a token was asked for: that stands in the server's one route table. It does
//! its checks in the order of contract section 1.2: parameters, bucket and permission, encoding
//! and size, content.

#[cfg(doc)]
#[doc = include_str!("CONTRACT.md")]
pub mod contract {}

mod app;
mod bucket;
pub mod buckets;
pub mod dialect;
pub mod error;
pub mod export;
pub mod fallback;
pub mod health;
mod json;
#[cfg(feature = "lake")]
pub mod lake;
pub mod metrics;
pub mod params;
mod partial;
pub mod request_id;
pub mod tokens;
pub mod v1;
pub mod v2;
pub mod v3;
pub mod write;

#[cfg(not(feature = "lake"))]
pub use app::NoTables;
pub use app::{App, Engine};
pub use dialect::Dialect;

use error::ApiError;

/// Runs work that blocks on the disk; a client that hangs up does not stop it halfway.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ApiError::internal(error.to_string()))
}
