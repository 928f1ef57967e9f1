//! Query strings, read as `application/x-www-form-urlencoded`: `+` is a blank, `%XX` is decoded.
//! There is one typed extractor per endpoint; the contract fixes which fault is reported first, and
//! each extractor says so.

mod buckets;
mod error;
mod export;
mod form;
mod hidden;
#[cfg(feature = "query")]
pub mod influxql;
#[cfg(feature = "lake")]
mod lake;
#[cfg(feature = "query")]
mod sql;
#[cfg(not(feature = "query"))]
mod statement;
mod v1;
mod v3;
mod words;
mod write;

pub use buckets::BucketsParams;
pub use error::ParamError;
pub use export::ExportParams;
pub use hidden::HiddenParams;
#[cfg(feature = "lake")]
pub use lake::LakeParams;
#[cfg(feature = "query")]
pub use sql::{GivenSql, SqlParams};
#[cfg(not(feature = "query"))]
pub use statement::statement_of;
pub use v1::V1WriteParams;
pub use v3::V3WriteParams;
pub use write::WriteParams;
