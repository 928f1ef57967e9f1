//! Line protocol: bytes in, points and line errors out.
//!
//! ```text
//! body        = { line LF } line                      one CR before a line's end is dropped
//! line        = { byte order mark } spaces ( nothing | comment | point )
//! comment     = "#" bytes without control bytes
//! point       = series spaces1 fields [ spaces1 timestamp ] spaces
//! series      = measurement { "," tag key "=" tag value }
//! fields      = field { "," field }
//! field       = field key "=" value
//! value       = string | boolean | integer "i" | unsigned "u" | float
//! timestamp   = [ "-" ] digits
//! ```
//!
//! ```
//! use tidegate::line_protocol::{Parser, Point, Precision, Value};
//!
//! let body = b"home,room=Kitchen temp=21.5 1721548800\nhome temp= 1721548800\n";
//! let mut parser = Parser::new(body, Precision::Second);
//! let mut point = Point::default();
//!
//! assert_eq!(parser.next_point(&mut point), Some(Ok(())));
//! assert_eq!(point.fields[0].value, Value::Float(21.5));
//! assert_eq!(point.timestamp, Some(1_721_548_800_000_000_000));
//!
//! let error = parser.next_point(&mut point).unwrap().unwrap_err();
//! assert_eq!((error.line, error.column), (2, 11));
//! assert_eq!(parser.next_point(&mut point), None);
//! ```
//!
//! One file per concern: `grammar` is the text above in nom, built from `name`, `string`, `number`,
//! `timestamp` and `layout`; `precision` is the unit of timestamps; `fault` lists what can be
//! wrong; `parser` counts physical lines and continues after an error. `fast` reads lines that are
//! written like lines before them, with the results of the grammar in a third of the time.
//!
//! Promises: no input panics; a bad point costs only the line on which it starts, and an error names
//! that line; nothing is copied and, once the vectors of the reused [`Point`] have grown and the names
//! of the lines are known, nothing is allocated. The source of the grammar is InfluxData's
//! line-protocol-corpus; this module agrees with every case in it.
//!
//! Deliberately unknown here: reserved names, limits, types of columns, duplicate fields. They
//! depend on the server's state and settings, so `ingest` decides about them.

mod bytes;
mod error;
mod escapes;
mod fast;
mod fault;
mod grammar;
mod layout;
mod name;
mod number;
mod oddities;
mod parser;
mod point;
mod precision;
mod source;
mod string;
mod timestamp;

pub use error::{Excerpt, LineError};
pub use fault::Reason;
pub use name::Name;
pub use oddities::Oddities;
pub use parser::{Behind, Parser};
pub use point::{Field, Point, Tag, Value};
pub use precision::Precision;
pub use string::Text;

#[cfg(test)]
mod tests;
