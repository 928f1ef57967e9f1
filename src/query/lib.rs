//! The query engine: questions over tables of points, whoever keeps them.
//!
//! A package of its own. It knows Arrow and the traits in [`database`], and nothing of the program
//! that serves it: neither its log, its buffer and its files nor HTTP. The program implements
//! [`Database`] and hands it in, one snapshot per question.
//!
//! ```text
//! the program > Database > Table > scan > pieces of sorted, merged rows > plans above them
//! ```
//!
//! A plan may be wrong in a hundred shapes; the scan is where rows become right: merged, within
//! retention, exact in nanoseconds. So all that is promised about rows stands at
//! [`Table::scan`], and whatever is above it may rely on that.

mod answer;
pub mod database;
mod deadline;
mod describe;
mod dialects;
mod engine;
mod error;
mod functions;
mod hints;
mod joins;
mod kinds;
mod memory;
mod placeholders;
mod provider;
mod question;
mod record;
mod rescan;
mod spill;
mod statement;
mod threads;

pub use answer::Answer;
pub use database::{
    Batches, Cause, Column, ColumnKind, Database, DatabaseError, FilePart, Files, Merged,
    ParquetFile, Piece, Scan, StoredColumn, Table, TagFilter,
};
pub use datafusion::common::ScalarValue;
pub use engine::{Limits, QueryEngine};
pub use error::QueryError;
pub use memory::{FixedMemory, Memory};
pub use question::{Parameter, Parameters, Question};
pub use record::{Asker, Outcome, Record, Watch};
pub use spill::{Disk, DiskFile, NoDisk};

#[cfg(test)]
mod tests;
