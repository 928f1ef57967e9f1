//! Segments as Parquet files and back.
//!
//! ```text
//! segments --Sorted (`merge::at_once`: day, series, time)--> DayFiles --> a file per day
//! sorted segments, one by one ------------------------------------> FileWriter --> a file
//! a file --ParquetChunks--> sorted segments, one by one
//! ```
//!
//! A file holds rows of one table and one day, sorted by tags (ordered by their names; an absent
//! tag first) and time, no two of them with the same tags and time:
//!
//! | column | type |
//! | --- | --- |
//! | `time` | INT64, TIMESTAMP(MICROS, UTC): nanoseconds divided by 1000, rounded down |
//! | `time_ns` | INT64: the exact time |
//! | a tag, a string | BYTE_ARRAY, STRING |
//! | a float, an integer, a boolean | DOUBLE, INT64, BOOLEAN |
//! | an unsigned | FIXED_LEN_BYTE_ARRAY(9), DECIMAL(20,0) |
//!
//! Only `time` and `time_ns` are required. A column without a value in a file is not in it.
//!
//! Pages are unpacked by parquet's own reader. What [`ParquetChunks`] adds is what compaction and
//! exports need and that reader does not give: memory that is bounded before anything is read
//! ([`Needs`]), row groups from a store in one request or block by block, chunks bounded in bytes
//! however long the texts are, the check that rows are sorted, files of other writers, and segments
//! instead of record batches. It costs little: `cargo bench --bench flush` reads a million rows of
//! TSBS (10 tags, 10 fields, one file), and per second of a core come back, with MiB beyond the
//! program's own:
//!
//! | | rows | MiB |
//! | --- | --- | --- |
//! | [`How::Whole`] | 19.4 million | 5.6 |
//! | [`How::Blocks`] | 20.3 million | 6.1 |
//! | [`How::Narrow`] | 4.6 million | 7.9 |
//! | parquet's reader alone, tags as keys of a dictionary | 23.6 million | 3.7 |
//! | parquet's reader alone, tags as texts | 15.2 million | 3.6 |
//!
//! So about 1.2 times what parquet's reader takes, and there is no second decoder to retire. [`How::Narrow`]
//! pays for holding few columns open; it is for tables of very many columns.
//!
//! This module does not know folders, the logs of tables, or the buffer.

mod caught;
mod chunk;
mod decode;
mod decode_arrays;
mod decoded;
mod delta;
mod dictionary;
mod encode;
mod error;
mod file;
mod hybrid;
mod keys;
mod layout;
mod order_check;
mod page_index;
mod plan;
mod read;
mod row_group;
mod row_selection;
mod statistics;
mod summary;
mod values;
mod window;

#[cfg(test)]
mod tests;

pub use decode::{How, ParquetChunks};
pub use encode::{DayFiles, FileWriter, encode_days};
pub use error::{BoxError, DecodeError, EncodeError};
pub use file::{Encoded, WRITER};
pub use keys::KeyRange;
pub use layout::{Column, Layout, TIME, TIME_NS};
pub use plan::Needs;
pub use read::ReadRange;
pub(super) use read::readable;
