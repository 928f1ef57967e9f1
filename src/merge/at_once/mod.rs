//! The merge of rows that are in memory all at once, as a flush has them: the other way to the
//! result of [`super::Merge`], held against it by a test.
//!
//! [`Sorted`] says for each row of the input which row of the output it goes to, and moves no
//! value; [`gather()`] brings one column at a time to its places, where of equal points the value
//! written last stays (design decision D7). So a flush holds one column of the result, not all of
//! it.

mod gather;
mod sorted;

use thiserror::Error;

pub use gather::{Gathered, Values, gather};
pub use sorted::Sorted;

/// More rows than are numbered.
#[derive(Debug, Error)]
#[error("{rows} rows are more than one flush can take")]
pub struct TooManyRows {
    /// How many there are.
    pub rows: usize,
}
