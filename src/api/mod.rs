//! The endpoints, one per file: those for clients of InfluxDB are in [`influxdb`], our own in
//! [`tidegate`], probes beside them. They share `params`, which reads query strings, `error`, which
//! is the only place with status codes, and their state, [`AppState`]. The HTTP contract,
//! [`contract`], says what clients see.
//!
//! An endpoint is a function from a request to an answer. It does not know the path on which it is
//! served or whether a token was required: the server's route table does. It checks in the order of
//! contract section 1.2: parameters, bucket and permission, encoding and size, content.

#[cfg(doc)]
#[doc = include_str!("CONTRACT.md")]
pub mod contract {}

#[cfg(feature = "query")]
pub mod asker;
mod blocking;
mod bucket;
mod database;
pub mod dialect;
pub mod error;
pub mod fallback;
pub mod health;
pub mod influxdb;
#[cfg(feature = "query")]
pub mod influxql;
mod json;
pub mod metrics;
pub mod params;
#[cfg(feature = "query")]
pub mod peer;
pub mod request_id;
mod state;
pub mod tidegate;

pub use dialect::Dialect;
pub use state::AppState;
