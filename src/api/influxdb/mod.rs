//! The endpoints for clients of InfluxDB, of all three versions: one file per endpoint, and the
//! common parts of writes (`receive`, `partial`). Paths and texts are fixed by what those clients
//! do with them (contract sections 1 to 3).

pub(in crate::api) mod partial;
#[cfg(feature = "query")]
mod pieces;
mod receive;
#[cfg(not(feature = "query"))]
mod statements;
#[cfg_attr(not(feature = "query"), path = "v1_without_query.rs")]
pub mod v1_query;
pub mod v1_write;
pub mod v2;
pub mod v2_write;
#[cfg(feature = "query")]
pub mod v3_influxql;
#[cfg(feature = "query")]
pub mod v3_query;
pub mod v3_write;
