//! Some rows of a segment, picked to be copied.

use std::ops::Range;

use crate::narrow;

/// Some rows of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked<'a> {
    /// Neighbours.
    Stretch(Range<u32>),
    /// These, in this order.
    List(&'a [u32]),
}

/// A row of one of several segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PickedRow {
    /// The index of the segment in a list.
    pub part: u32,
    /// The row in that segment.
    pub row: u32,
}

impl<'a> Picked<'a> {
    /// The rows of a list; as a stretch if they are neighbours.
    pub fn list(rows: &'a [u32]) -> Self {
        match rows {
            [first, ..] if rows.iter().copied().eq((*first..).take(rows.len())) => {
                Self::Stretch(*first..*first + narrow::id(rows.len()))
            }
            _ => Self::List(rows),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Stretch(rows) => rows.len(),
            Self::List(rows) => rows.len(),
        }
    }

    /// Returns true if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first `count` rows.
    pub fn first(&self, count: usize) -> Self {
        match self {
            Self::Stretch(rows) => {
                let end = rows.start + narrow::id(count.min(rows.len()));
                Self::Stretch(rows.start..end)
            }
            Self::List(rows) => Self::List(rows.get(..count).unwrap_or(rows)),
        }
    }

    /// Every row.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        let (stretch, list): (Range<u32>, &[u32]) = match self {
            Self::Stretch(rows) => (rows.clone(), &[]),
            Self::List(rows) => (0..0, rows),
        };
        stretch.chain(list.iter().copied())
    }
}
