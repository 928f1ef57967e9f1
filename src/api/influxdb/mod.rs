//! The endpoints for clients of InfluxDB, of all three versions: one file per endpoint, and the
//! common parts of writes (`receive`, `partial`). Paths and texts are fixed by what those clients
//! do with them (contract sections 1 to 3).

mod influxql;
pub(in crate::api) mod partial;
mod receive;
pub mod v1_query;
pub mod v1_write;
pub mod v2;
pub mod v2_write;
#[cfg(feature = "query")]
pub mod v3_query;
pub mod v3_write;
