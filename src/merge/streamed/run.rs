//! Sorted runs: the input of a merge.

use std::ops::Range;
use std::sync::Arc;

use super::sorted::SortedSegment;
use crate::columnar::Segment;
use crate::merge::wanted::Wanted;

/// The error of a run's source that cannot continue.
pub type ChunksError = Box<dyn std::error::Error + Send + Sync>;

/// The rows of a file, chunk by chunk.
pub trait Chunks: Send {
    /// The next rows, some thousands: by series and time, after those of the chunk before. Equal
    /// rows are merged, and the later one's values win. May block. Not called again after the end or
    /// an error.
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError>;

    /// Tags, key and value by key, before which no series of it comes: it is not read until the
    /// merge reaches them. Nothing if that is not known; then it is read at once.
    fn lower_bound(&self) -> Option<Tags> {
        None
    }
}

/// The keys and values of tags, by key, bytewise.
pub type Tags = Box<[(Box<str>, Box<str>)]>;

/// Rows in order of series and time: a day of a segment, or a file.
pub struct Run {
    pub(super) name: Box<str>,
    pub(super) rows: Rows,
    /// The bound of a stream: see [`Chunks::lower_bound`].
    pub(super) lower_bound: Option<Tags>,
}

pub(super) enum Rows {
    /// Places in a segment's order.
    Sorted(Arc<SortedSegment>, Range<usize>),
    /// A stream, and what of it is asked for.
    Stream(Box<dyn Chunks>, Wanted),
}

impl Rows {
    /// The order of rows that do not lie in order.
    pub(super) fn order(&self) -> Option<Arc<SortedSegment>> {
        match self {
            Self::Sorted(sorted, _) => Some(Arc::clone(sorted)),
            Self::Stream(..) => None,
        }
    }
}

impl Run {
    /// The rows of one day of a segment in memory.
    pub fn of_day(segment: &Arc<SortedSegment>, day: i32) -> Self {
        Self {
            name: "a segment".into(),
            rows: Rows::Sorted(Arc::clone(segment), segment.of_day(day)),
            lower_bound: None,
        }
    }

    /// The rows of a stream that are asked for: a range of times, or more. Errors name it by `name`.
    pub fn stream(name: &str, chunks: Box<dyn Chunks>, wanted: impl Into<Wanted>) -> Self {
        Self {
            name: name.into(),
            lower_bound: chunks.lower_bound(),
            rows: Rows::Stream(chunks, wanted.into()),
        }
    }
}
