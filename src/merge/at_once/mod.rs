//! The merge of rows that are all in memory, as those of a flush are: the other way to the result
//! of [`super::Merge`]. A test holds the two against each other.
//!
//! [`Sorted`] maps each row of the input to a row of the output, and moves no value; [`gather()`]
//! moves one column at a time to its places, where of equal points the value written last stays
//! (design decision D7). So a flush holds one column of the result, not all of it.

mod error;
mod gather;
mod ranks;
mod sorted;

pub use error::TooManyRows;
pub use gather::{Gathered, Values, gather};
pub use sorted::Sorted;
