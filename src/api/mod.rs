//! The endpoints, one per file: what clients of InfluxDB speak is in [`influxdb`], what is ours in
//! [`tidegate`], probes are beside them. What they have in common: `params` reads query strings, `error`
//! is the only place with status codes, [`AppState`] is what they share. What clients see of all this
//! is the HTTP contract, [`contract`].
//!
//! An endpoint is a function from a request to an answer. It does not know on which path it is
//! served, nor whether a token was asked for: that stands in the server's one route table. It does
//! its checks in the order of contract section 1.2: parameters, bucket and permission, encoding
//! and size, content.

#[cfg(doc)]
#[doc = include_str!("CONTRACT.md")]
pub mod contract {}

mod bucket;
pub mod dialect;
pub mod error;
pub mod fallback;
pub mod health;
pub mod influxdb;
mod json;
pub mod metrics;
pub mod params;
pub mod request_id;
mod state;
pub mod tidegate;

pub use dialect::Dialect;
pub use state::AppState;

use error::ApiError;

/// Runs work that blocks on the disk; a client that hangs up does not stop it halfway.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ApiError::internal(error.to_string()))
}
