//! Records of questions: those that run, and the last ones that ended.
//!
//! ```text
//! begin > wait for a turn > plan > run > rows … > end        each step told by the one who takes it
//!                                                          or killed at any of them by another
//! ```
//!
//! The package records what a question did; the program says who asked ([`Asker`]), lends its clocks
//! and is told of each end ([`Watch`]). Promises: a question that was begun ends once, with the reason
//! for which it did, whoever drops what; values of parameters are never recorded, and the text that
//! others see has no literals. Whoever sees a question that runs may end it. A question
//! that was planned and never run leaves no record, nor one that told its columns, if they are all that was
//! wanted: clients of Flight SQL ask for those of each question before, up to twice.

mod ended;
mod following;
mod kill;
mod memory;
mod plan;
mod records;
mod text;

use std::fmt::Debug;
use std::time::Instant;

use crate::presence::Presence;
pub use ended::{Outcome, Record, Running};
pub use following::Recorded;
pub(crate) use following::{Following, Waiting};
pub(crate) use kill::Kill;
pub(crate) use memory::{Counted, is_crowded};
pub(crate) use plan::FILES;
pub(crate) use records::Records;

/// The sender of a question, as far as records show it.
#[derive(Clone, Debug)]
pub struct Asker {
    /// The name of the sender's token, which is no secret. Senders of the same name see each other's
    /// questions; without a name, those without one.
    pub token: Option<String>,
    /// The token's description, for people.
    pub description: String,
    /// Whether this sender sees the questions of all.
    pub sees_all: bool,
    /// The bucket that is asked about.
    pub bucket: String,
    /// The protocol, in a word.
    pub protocol: &'static str,
    /// Whether it still waits for the answer.
    pub presence: Presence,
    /// Whether only the columns of the answer are wanted.
    pub columns_only: bool,
}

/// The program's clocks, and its ear for what has ended.
pub trait Watch: Debug + Send + Sync {
    /// Nanoseconds since 1970-01-01 00:00 UTC.
    fn now_ns(&self) -> i64;

    /// Now, on a clock that never goes back.
    fn instant(&self) -> Instant;

    /// Told of every question that has ended. It must not block.
    fn ended(&self, record: &Record);
}
