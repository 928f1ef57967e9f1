//! What a level makes of the rows of one series.

use std::ops::Range;
use std::sync::Arc;

use super::super::finish::{PlainSeries, Series};
use super::super::series::{SeriesPart, Tags};
use super::aggregated;
use super::aggregated::Aggregated;
use super::batch::Batch;
use super::gathered::Gathered;
use super::level::{Level, Session};
use super::plain::Plain;
use crate::error::QueryError;

/// One series on its way.
pub(super) enum Feed {
    /// Rows without functions.
    Plain(Plain),
    /// Windows that a plan has aggregated.
    Aggregated(Aggregated),
    /// Points that functions want one by one, or all of a window.
    Gathered(Gathered),
}

impl Feed {
    /// Begins a series.
    ///
    /// # Errors
    /// A fault of this program.
    pub(super) fn new(
        session: &Session,
        level: &Arc<Level>,
        tags: Option<Tags>,
    ) -> Result<Self, QueryError> {
        let (plan, name) = (Arc::clone(&level.plan), Arc::clone(&level.name));
        if level.query.calls.is_empty() {
            return Ok(Self::Plain(Plain::new(PlainSeries::new(plan, name, tags))));
        }
        let mut series = Series::new(plan, name, tags);
        for call in level.calls_without_values() {
            series.end_call(call);
        }
        Ok(match aggregated::is_enough(level) {
            true => Self::Aggregated(Aggregated::new(level, series)),
            false => Self::Gathered(Gathered::new(session, level, series)),
        })
    }

    /// Takes rows of the series in their order, at least one of them, and returns how many it took. To
    /// be called once there is no part to be had.
    ///
    /// # Errors
    /// [`QueryError`] if they are not what was planned, or need too much memory.
    pub(super) fn push(&mut self, batch: &Batch, rows: Range<usize>) -> Result<usize, QueryError> {
        match self {
            Self::Plain(feed) => feed.push(batch, rows),
            Self::Aggregated(feed) => Ok(feed.push(batch, rows.start)),
            Self::Gathered(feed) => feed.push(batch, rows),
        }
    }

    /// Notes that the series is over.
    ///
    /// # Errors
    /// As for [`Feed::push`].
    pub(super) fn end(&mut self) -> Result<(), QueryError> {
        match self {
            Self::Plain(feed) => feed.end(),
            Self::Aggregated(feed) => {
                feed.end();
                Ok(())
            }
            Self::Gathered(feed) => {
                feed.end();
                Ok(())
            }
        }
    }

    /// Returns true if the series needs no more rows.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Plain(feed) => feed.is_done(),
            Self::Aggregated(feed) => feed.is_done(),
            Self::Gathered(feed) => feed.is_done(),
        }
    }

    /// Returns true if there was no part yet, and the next one is to be asked for again.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Aggregated(feed) => feed.is_busy(),
            Self::Gathered(feed) => feed.is_busy(),
        }
    }

    /// Returns the next part; `None` if there is none before more rows come, or if it is busy.
    ///
    /// # Errors
    /// As for [`Feed::push`].
    pub(super) fn next_part(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        match self {
            Self::Plain(feed) => Ok(feed.next_part()),
            Self::Aggregated(feed) => feed.next_part(),
            Self::Gathered(feed) => feed.next_part(),
        }
    }
}
