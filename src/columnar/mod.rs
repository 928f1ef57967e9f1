//! Columns: the one form that points have from the parser to the reader.
//!
//! A [`Batch`] holds rows of one measurement in the order they arrived. Tags are interned: a row
//! names a series, a series names one dictionary entry per tag it has. Field columns hold only the
//! values that exist, next to a list of the runs of rows that have one, so that a row costs nothing
//! in the columns it does not set, and a column that appears late is not back-filled.
//!
//! ```text
//! BatchBuilder (hash indexes) --finish--> Batch --encode--> log frame --decode--> Batch
//!       ^                                   |                                       |
//!       '------------- append (ids mapped once per batch, columns copied in bulk) --'
//!       '--freeze--> Segment (immutable, Arrow buffers moved, not copied)
//! ```
//!
//! Promises: no panic on any bytes given to [`Batch::decode`]; a bound, known before
//! appending, on the memory that appending takes ([`Batch::append_bytes_max`]); rows come back in
//! the order they went in. It does not know buckets, schemas, sequence numbers, limits on names, or
//! which type of a field is the right one (a batch may hold several).

mod append;
mod arrow;
mod batch;
mod bits;
mod builder;
mod codec;
mod column;
mod columns;
mod copying;
mod floats;
mod footprint;
mod hashes;
mod index;
mod kind;
mod picked;
mod presence;
mod retain;
mod segment;
mod series;
mod short;
mod strings;
mod value;

#[cfg(test)]
mod tests;

pub use arrow::{COLUMN_TYPE_KEY, TIME, schema, tag_type};
pub use batch::Batch;
pub use builder::BatchBuilder;
pub use codec::{DecodeError, ROWS_MAX, VALUES_MAX, put_varint, take_varint, zigzag};
pub use column::FieldColumn;
pub use columns::Columns;
pub use floats::exact_float;
pub use hashes::SeriesHasher;
pub use index::TagValue;
pub use kind::ColumnKind;
pub use picked::{Picked, PickedRow};
pub use segment::{FieldValues, Segment, SegmentField};
pub use short::{are_equal, spread};
pub use value::{FieldType, FieldValue};
