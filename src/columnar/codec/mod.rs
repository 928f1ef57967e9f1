//! The bytes of a batch in the log: self-describing, compact, little endian.
//!
//! A batch stands alone; it has no version of its own, for the log frame around it has one.
//! Counts and lengths are LEB128 varints; a signed number is zigzagged first.
//!
//! ```text
//! batch  = measurement:text  rows:varint  [ counts:byte  extra tags, extra fields:varint ]
//!          rows = 0: nothing more    rows = 1: lone    else: table
//! counts = number of tags << 4 | number of fields; 15 means 15 + the extra varint
//! text   = length:varint  UTF-8
//!
//! lone   = time:8 bytes  { key:text value:text }  { name:text head:byte value }
//!          head = type | bytes of the number << 4 (a boolean is bit 4)
//!          float: its high bytes, low zero bytes left out; integers: low bytes, high zero bytes
//!          left out; string: text
//!
//! table  = { key:text dictionary:texts }                 one per tag
//!          shapes:varint { columns:varint { column:varint } }
//!          series:varint [ shape of each series:packed ] unless there is one shape
//!          { ids:packed }                                one per shape and column
//!          times:packed  series of each row:packed
//!          { name:text head:byte [ runs ] values }       one per field
//!          head = type | 0x10 if not every row has a value
//! texts  = count:varint values of strings
//! runs   = count:varint { rows skipped:varint rows present:varint }
//! values = float, integers: packed    boolean: bits, low first    string: lengths:packed bytes
//!
//! packed = head:byte [ base:varint ] { offset:width bytes }, as many as the context says
//!          head = width code (0, 1, 2, 4, 8 bytes) | scale code << 4
//!          value = (base + offset) * scale; there is no base at 8 bytes
//!          scale: 1; for times 10^3, 10^6, 10^9; for floats (their bits) 2^8 .. 2^56
//! ```
//!
//! A column of one repeated value takes no bytes per row, so the length of the input does not bound
//! what comes out; [`ROWS_MAX`] and [`VALUES_MAX`] do. Both are far above what the text of one
//! slice of a request can hold (a row takes 6 bytes of text, a value 4).

mod cursor;
mod decode;
mod encode;
mod error;
mod head;
mod limits;
mod lone;
mod pack;
mod unpack;

pub use cursor::{put_varint, take_varint, zigzag};
pub use error::DecodeError;
pub use limits::{ROWS_MAX, VALUES_MAX};
