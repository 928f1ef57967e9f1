//! Tidegate: an ingest server, write-compatible with the InfluxDB v2 API, that acknowledges a
//! point only when it is on disk.
//!
//! The modules, in the order in which a request, and then a point, meets them:
//!
//! ```text
//! socket > server > auth > api > body > line_protocol > ingest > wal > buffer > read
//! ```

pub mod cli;
pub mod client;
pub mod config;
pub mod telemetry;

pub mod api;
pub mod auth;
pub mod body;
pub mod server;

pub mod ingest;
pub mod line_protocol;

pub mod catalog;
pub mod wal;

pub mod buffer;
pub mod columnar;
pub mod read;

pub mod clock;
pub mod id;
pub mod memory;
pub mod storage;
