//! Statements of InfluxQL, whichever protocol they come by: one at a time, from its tree to the parts
//! of its answer.
//!
//! ```text
//! statement ┬ reads points: query engine, with the buckets that the sender may read (`databases`)
//!           ├ shows what the program knows: buckets, questions (`show`)
//!           └ changes buckets and their retention (`manage`), or ends a question
//! ```
//!
//! Promises: a database that the sender may not see is told of as one that there is not; a statement is
//! recorded once, as questions in SQL are; what is not offered is refused by name. What is parsed, in
//! which form answers leave and which statements a protocol allows is for the endpoints to know.

mod answering;
mod carry_out;
mod databases;
mod manage;
mod one;
mod parts;
mod session;
mod show;
mod table;
mod v3_show;

pub use answering::{Answering, Refused};
pub use carry_out::is_question;
pub(super) use manage::may_create_database;
pub use one::one;
pub use session::{Names, Session};
pub use table::{Batches, Tabled};
