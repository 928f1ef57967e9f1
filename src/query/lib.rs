//! The query engine: questions in SQL and in InfluxQL over tables of points, whoever keeps them.
//!
//! A package of its own. It knows Arrow, Parquet, DataFusion and the traits in [`database`], and
//! nothing of the program that serves it: neither its log, its buffer and its lake nor HTTP. The
//! program implements [`Database`] and hands one in per question.
//!
//! ```text
//! the program > Database > Table > scan > merged rows ──────────────────┐
//!                                       > files > DataFusion's reader ──┴ plans above them
//! ```
//!
//! | room | a question there |
//! | --- | --- |
//! | `sql`, [`influxql`] | is a text, and then one statement |
//! | `logical` | is a plan as it is said, in words that the engine below reads right |
//! | `physical` | is a plan that runs, within limits |
//! | `provider` | reads tables, by what their rows and files can tell before they are read |
//! | `functions` | calls what DataFusion does not have, or does not bound |
//! | `record` | is seen, timed, counted and ended |
//!
//! A plan may be wrong in a hundred shapes; the scan is where rows become right: merged, within
//! retention, exact in nanoseconds. What is promised about rows stands at [`Table::scan`]; what is
//! left to do for files that need no merge (times, tags, names, types) is done where they are read,
//! and whatever is above both may rely on the promise. SQL is DataFusion's, with functions of ours;
//! InfluxQL is ours, over the same scan ([`influxql`]).

mod answer;
pub mod database;
mod deadline;
mod distinct;
mod engine;
mod error;
mod frame;
mod functions;
pub mod influxql;
mod itself;
mod kinds;
mod logical;
mod memory;
mod physical;
mod presence;
mod provider;
mod question;
mod recast;
mod record;
mod session;
mod spill;
mod sql;
mod threads;
mod times;
mod values;
mod watched_plans;

pub use answer::Answer;
pub use database::{
    Batches, Cause, Column, ColumnKind, Database, DatabaseError, FilePart, Files, Merged,
    ParquetFile, Piece, Scan, StoredColumn, Table, TagFilter, TimeSlice,
};
pub use datafusion::common::ScalarValue;
pub use deadline::Waiting;
pub use engine::{Limits, QueryEngine};
pub use error::QueryError;
pub use memory::{FixedMemory, Holding, Memory};
pub use presence::{Presence, Waiter};
pub use question::{Parameter, Parameters, Question};
pub use record::{Asker, Outcome, Record, Recorded, Running, Watch};
pub use spill::{Disk, DiskFile, NoDisk};

#[cfg(test)]
mod tests;
