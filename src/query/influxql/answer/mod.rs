//! Answers of `/query`: series to JSON, CSV or MessagePack, as InfluxDB 1.x writes them.
//!
//! The query contract, sections 8.1 to 8.7, is the rule; what is not said there is what 1.6.7 does,
//! byte for byte. An [`Answer`] takes statements one after the other and the parts of their series
//! as they come, and appends to a buffer that its caller sends on whenever it likes:
//!
//! ```text
//! start(head) ─ part ─ part ─ … ─ end(Ok | Err(text))     per statement
//! finish                                                  then "not executed" for what is left
//! ```
//!
//! Parts that follow each other and belong to one series become one series. JSON and CSV hold
//! nothing back; MessagePack, which counts before it lists, holds a whole statement, or a chunk of
//! it ([`Answer::held_bytes`]). No value is allocated for.
//!
//! [`Request`] reads what came with the text of the query, [`failure`] writes the body of a request
//! that has no answer. Status codes, headers and credentials are not known here.
//!
//! # What differs from 1.6.7
//!
//! - NaN and infinities are `null`; 1.6.7 breaks off the whole answer.
//! - A statement that fails after its first rows keeps them, its last series is marked `partial`,
//!   and the error follows; 1.x drops what it had not sent. In MessagePack we drop them too.
//! - CSV has a block with the error of a statement, where 1.x says nothing; a header whenever the
//!   columns change, also between chunks; and all types of values (1.6.7 writes a column's name for
//!   `replicaN`).
//! - MessagePack names the statement of an error.
//! - A statement has its own number, though another one failed before it.
//! - Chunks of a SHOW are cut and marked as those of a SELECT; 1.6.7 sends some of them whole.
//! - After 2099 zones keep the offset that they have at its end, where the tables of zones end.
//! - `epoch` has `us`, `µ`, `d` and `w`; `Accept` may be a list with weights; `time_format` is there.

mod accept;
mod column;
mod csv;
mod error;
mod failure;
mod flow;
mod json;
mod layout;
mod msgpack;
mod number;
mod parameters;
mod request;
mod text;
mod time;

#[cfg(test)]
mod tests;

use std::num::NonZeroUsize;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::database::ColumnKind;

pub use accept::Format;
pub use error::{AnswerError, RequestError};
pub use failure::{failure, failure_header};
pub use flow::Answer;
pub use request::{CHUNK_ROWS, Request};
pub use time::{Times, Unit};

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The format.
    pub format: Format,
    /// JSON over many lines.
    pub pretty: bool,
    /// What times are written as.
    pub times: Times,
    /// The most rows of one chunk; `None` for one document.
    pub chunk_rows: Option<NonZeroUsize>,
}

/// What is known of the result of a statement before its rows.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// True if the first column is a time (SELECT), false if there is none (SHOW, EXPLAIN).
    pub timed: bool,
    /// The zone of `tz()`; times that are written as texts have its offset.
    pub zone: Option<Tz>,
    /// What the columns after the time are, in their order: `None` for one that is computed. May be
    /// shorter.
    pub kinds: Arc<[Option<ColumnKind>]>,
    /// What the client should read beside the result.
    pub messages: Vec<Message>,
}

/// A remark on a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How much it matters: `warning`.
    pub level: &'static str,
    /// The text for people.
    pub text: String,
}

impl Message {
    /// Returns the warning about a statement that writes and came by GET; `statement` is its text.
    pub fn of_read_only(statement: &str) -> Self {
        Self {
            level: "warning",
            text: format!(
                "deprecated use of '{statement}' in a read only context, please use a POST \
                 request instead"
            ),
        }
    }
}
