//! Statements of InfluxQL that read, from the tree to the parts of their series.
//!
//! ```text
//! statement > databases and schema > analysis > plans of DataFusion per measurement > finish > parts
//! ```
//!
//! Promises are those of questions in SQL: one moment per database, one turn, one deadline, memory from
//! one pool, and a record of it. The parts of the series come in the order of the answer.

mod aggregated;
mod batch;
mod condition;
mod convert;
mod cut;
mod databases;
mod drive;
mod evaluate;
mod explain;
mod feed;
mod fold;
mod function;
mod gathered;
mod level;
mod names;
mod nodes;
mod plain;
mod schema;
mod select;
mod show;
mod slices;
mod source;
mod statement;
mod subquery;
#[cfg(test)]
mod tests;

pub use databases::{Databases, reads};
pub use statement::{Request, Statement};
