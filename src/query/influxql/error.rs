//! The reasons why a text is not InfluxQL.
//!
//! Every text is the one that InfluxDB 1.x gives (query contract, section 10): clients and their
//! users compare them. Positions are those of 1.x too, which names the character before a string
//! literal or a regular expression, and counts the end of the text once.

use std::fmt;

/// A place in the text of a query: lines and characters, both counted from 1.
///
/// A tab is one character, and so is every Unicode scalar value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character within the line, from 1.
    pub character: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}, char {}", self.line, self.character)
    }
}

/// The reason why a query could not be parsed; its text is what the client reads.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParseError {
    /// A token stands where the grammar wants one of others.
    #[error("error parsing query: found {found}, expected {} at {at}", .expected.join(", "))]
    Unexpected {
        /// The token as the text has it, keywords in capitals, `EOF` at the end.
        found: String,
        /// The tokens that may stand there, in the order of 1.x.
        expected: Vec<&'static str>,
        /// The position of the token.
        at: Position,
    },
    /// A token has the right kind but a value that is refused.
    #[error("error parsing query: {reason} at {at}")]
    Refused {
        /// The mistake.
        reason: String,
        /// The position of the token.
        at: Position,
    },
    /// A clause is refused as a whole; 1.x gives no position here.
    #[error("error parsing query: {0}")]
    Clause(String),
    /// An operator of conditions stands in a list of fields.
    #[error(
        "error parsing query: invalid operator {operator} in SELECT clause at {at}; operator is \
         intended for WHERE clause"
    )]
    Condition {
        /// The operator.
        operator: &'static str,
        /// The position of the field.
        at: Position,
    },
    /// The text is longer than [`LENGTH_MAX_BYTES`](super::LENGTH_MAX_BYTES).
    #[error("error parsing query: query is too long: {length_bytes} bytes, at most {limit_bytes}")]
    Length {
        /// The length of the text.
        length_bytes: usize,
        /// The limit.
        limit_bytes: usize,
    },
    /// More than [`DEPTH_MAX`](super::DEPTH_MAX) parentheses, calls and subqueries are open, or an
    /// expression is higher than [`HEIGHT_MAX`](super::HEIGHT_MAX).
    #[error("error parsing query: query is nested too deeply: at most {limit} levels at {at}")]
    Depth {
        /// The limit.
        limit: usize,
        /// The place where the limit was passed.
        at: Position,
    },
    /// There are more statements than [`STATEMENTS_MAX`](super::STATEMENTS_MAX).
    #[error("error parsing query: too many statements: at most {limit}")]
    Statements {
        /// The limit.
        limit: usize,
    },
}
