//! What clients of InfluxDB v1 need: `POST /write`, and of `/query` what they ask when they connect
//! (contract section 3.1).

mod influxql;
mod query;
mod write;

pub use query::query;
pub use write::write;
