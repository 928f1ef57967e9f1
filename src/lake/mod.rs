//! The lake: open tables that points move to from the buffer.

pub mod parquet;
