//! The lake: open tables that points move to from the buffer.

mod columns;
mod error;
mod names;
pub mod parquet;
mod state;
mod store;
mod table;

pub use columns::{Column, Columns, Kind};
pub use error::LakeError;
pub use state::DataFile;
