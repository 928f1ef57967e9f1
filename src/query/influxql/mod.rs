//! InfluxQL: from a text to the answers of its statements.
//!
//! ```text
//! text > tree > analysis > plans over tables > rows of a series > finish > parts of series > answer
//! ```
//!
//! The language is the one of InfluxDB 1.x (query contract, sections 8 to 12), with its error texts
//! and its positions. In the order in which a text meets them:
//!
//! - [`bindings`]: the values of `$name`, and what else a parser asks its surroundings;
//! - `lexer` and `cursor`: characters to tokens, by nom, and a place among them;
//! - `parser`: tokens to the tree of [`ast`];
//! - `printer`: the tree back to a text that parses to the same tree; `mask`: the tree without its
//!   literals, for records;
//! - [`regex`]: regular expressions of Go to those of Rust;
//! - [`validate`]: what 1.x refuses before it runs a statement, though its syntax is right;
//! - [`analysis`]: what names, wildcards, times and functions mean where a statement is run;
//! - [`run`]: statements over databases, by plans of DataFusion. It alone knows them;
//! - [`finish`]: functions, fill, transformations and limits on the rows of one series;
//! - [`value`] and [`series`]: values, their types, and series of rows as they are answered;
//! - [`answer`]: series as InfluxDB 1.x writes them; [`table`]: as rows of one table, for clients of 3.
//!
//! Parsing never panics and is bounded: the length of the text, the number of statements and the
//! depth of the tree have limits, so that neither the parser nor what walks the tree later can
//! exhaust a stack of 2 MiB.
//!
//! ```text
//! query      = [statement] *(";" [statement])
//! select     = SELECT field *("," field) [INTO target] FROM source *("," source)
//!              [WHERE expression] [GROUP BY dimension *("," dimension)] [fill(…)]
//!              [ORDER BY time [ASC | DESC]] [LIMIT n] [OFFSET n] [SLIMIT n] [SOFFSET n] [tz('…')]
//! source     = name | rp.name | db.rp.name | db..name | "(" select ")"
//! expression = operand *(operator operand)    operators bind: * / % &  over  + - | ^
//!              over  = != <> < <= > >= =~ !~  over  AND  over  OR
//! ```
//!
//! # What differs from 1.6.7
//!
//! Everything else was compared with it: texts that both accept, and the error texts of those that
//! both refuse. More is accepted:
//!
//! - comments before a regular expression or where one may stand (`SELECT /* all */ x FROM m`),
//!   which 1.x takes for one, and a regular expression directly after a comma (`FROM m,/r/`);
//! - the words of `fill(…)` in capitals;
//! - `SHOW TAG KEYS WITH KEY …` and `SHOW MEASUREMENTS ON db.rp`, also with `*`, of later versions;
//! - a carriage return or a NUL within quotes; a NUL elsewhere is refused, where 1.x stops reading.
//!
//! More is refused:
//!
//! - durations of more than 292 years in conditions, which wrap in 1.x;
//! - a regular expression by a bound parameter as an operand (`WHERE $r < 1`), which has no meaning;
//! - functions within parentheses of a condition (`WHERE (mean(x) > 1)`), which fail when run;
//! - what is longer or deeper than the limits below.
//!
//! Errors show floats with their digits (1.6.7 has always three) and `-x` as it is written (1.x as
//! `-1 * x`).

pub mod analysis;
pub mod answer;
pub mod ast;
pub mod bindings;
mod cursor;
mod duration;
mod error;
pub mod finish;
mod lexer;
pub(crate) mod mask;
mod parser;
mod printer;
pub mod regex;
pub mod run;
pub mod series;
pub mod table;
mod token;
pub mod validate;
pub mod value;

#[cfg(test)]
mod tests;

pub use bindings::{Binding, Environment, parameters};
pub use duration::{format_duration, parse_duration};
pub use error::{ParseError, Position};
pub use parser::parse;

/// The longest text that is parsed.
pub const LENGTH_MAX_BYTES: usize = 4 << 20;

/// The most levels of parentheses, calls and subqueries that may be open at once; a subquery counts
/// as [`SUBQUERY_LEVELS`].
pub const DEPTH_MAX: usize = 100;

/// The levels that a subquery counts as: it needs more stack than parentheses.
pub const SUBQUERY_LEVELS: usize = 5;

/// The most operands in one chain of arithmetic, and so nearly the height of an expression: each
/// operator puts what is before it one level lower. Lists of conditions are flat and have no limit.
pub const HEIGHT_MAX: usize = 500;

/// The most statements in one text.
pub const STATEMENTS_MAX: usize = 10_000;
