//! The way from rows of a plan to parts of series, one level after the other.
//!
//! Rows come sorted by the tags of their groups, so that a series ends where the tags change. What a
//! level makes of the rows of one series is its [`Feed`]; nothing is made before it is asked for, since
//! few rows can become many where windows are filled.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::LogicalPlan;
use futures_util::TryStreamExt;

use super::super::series::{SeriesPart, Tags};
use super::batch::Batch;
use super::feed::Feed;
use super::level::{Level, Session};
use super::slices::{self, Times};
use super::{aggregated, gathered, plain};
use crate::error::QueryError;

/// Levels that are answered one after the other.
pub(super) struct Drive {
    session: Arc<Session>,
    levels: VecDeque<Arc<Level>>,
    running: Option<Running>,
}

impl Drive {
    pub(super) fn new(session: Arc<Session>, levels: impl IntoIterator<Item = Arc<Level>>) -> Self {
        Self {
            session,
            levels: levels.into_iter().collect(),
            running: None,
        }
    }

    /// Returns the next part; `None` at the end.
    ///
    /// # Errors
    /// [`QueryError`] if rows cannot be read. Nothing follows.
    pub(super) async fn next(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        loop {
            if let Some(running) = &mut self.running {
                let part = running.next().await?;
                if part.is_some() {
                    return Ok(part);
                }
                self.running = None;
                if !self.levels.is_empty() {
                    // What ends the statement has its turn between two measurements. Not before the first:
                    // to give way wakes another thread.
                    tokio::task::yield_now().await;
                }
            }
            let Some(level) = self.levels.pop_front() else {
                return Ok(None);
            };
            self.running = Some(Running::begin(&self.session, level).await?);
        }
    }
}

/// Returns the rows between two times that a level is answered from.
///
/// # Errors
/// [`QueryError`] if there is no plan.
pub(super) async fn plan(
    session: &Arc<Session>,
    level: &Level,
    times: Times,
) -> Result<LogicalPlan, QueryError> {
    if level.query.calls.is_empty() {
        plain::plan(session, level, times).await
    } else if aggregated::is_enough(level) {
        aggregated::plan(session, level, times).await
    } else {
        gathered::plan(session, level, times).await
    }
}

/// Returns true if the rows of a level have times.
fn has_times(level: &Level) -> bool {
    level.query.calls.is_empty() || !aggregated::is_enough(level) || aggregated::has_windows(level)
}

/// A level that is answered.
struct Running {
    session: Arc<Session>,
    level: Arc<Level>,
    rows: SendableRecordBatchStream,
    /// The times of which rows are read later.
    slices: VecDeque<Times>,
    /// Rows that were read, and those of them that no series has taken.
    batch: Option<Batch>,
    series: Option<Series>,
    is_read: bool,
}

/// A series whose rows come.
struct Series {
    tags: Vec<String>,
    feed: Feed,
    is_ended: bool,
}

impl Running {
    async fn begin(session: &Arc<Session>, level: Arc<Level>) -> Result<Self, QueryError> {
        let mut slices = slices::of(session, &level);
        let all = level.times(level.lead_ns());
        let plan = plan(session, &level, slices.pop_front().unwrap_or(all)).await?;
        Ok(Self {
            slices,
            rows: session.run(plan).await?,
            session: Arc::clone(session),
            level,
            batch: None,
            series: None,
            is_read: false,
        })
    }

    async fn next(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        loop {
            if let Some(series) = &mut self.series {
                if let Some(part) = series.feed.next_part()? {
                    return Ok(Some(part));
                }
                if series.feed.is_busy() {
                    // What ends the statement, its time or its client, has its turn.
                    tokio::task::yield_now().await;
                    continue;
                }
                if series.is_ended {
                    self.series = None;
                }
            }
            if self.is_read && self.batch.is_none() {
                match &mut self.series {
                    Some(series) => series.end()?,
                    None => return Ok(None),
                }
            } else if self.batch.is_some() {
                self.feed()?;
            } else {
                self.read().await?;
            }
        }
    }

    /// Reads on.
    async fn read(&mut self) -> Result<(), QueryError> {
        let is_only = self.level.query.tags.is_empty();
        let is_done = self
            .series
            .as_ref()
            .is_some_and(|series| series.feed.is_done());
        let batch = match is_only && is_done {
            // No other series follows.
            true => None,
            false => self.rows.try_next().await?,
        };
        match batch {
            Some(batch) if batch.num_rows() == 0 => {}
            Some(batch) => {
                let tags = self.level.query.tags.len();
                self.batch = Some(Batch::new(&batch, tags, has_times(&self.level))?);
            }
            None => match self.slices.pop_front().filter(|_| !(is_only && is_done)) {
                Some(times) => {
                    let plan = plan(&self.session, &self.level, times).await?;
                    self.rows = self.session.run(plan).await?;
                }
                None => self.is_read = true,
            },
        }
        Ok(())
    }

    /// Feeds rows to their series, or ends the one before.
    fn feed(&mut self) -> Result<(), QueryError> {
        let Some(batch) = &mut self.batch else {
            return Ok(());
        };
        let Some(range) = batch.rest_of_series() else {
            self.batch = None;
            return Ok(());
        };
        match &mut self.series {
            Some(series) if !batch.is_of(&series.tags, range.start) => series.end(),
            Some(series) => series.take(batch, range),
            None => {
                let tags = batch.tags(range.start);
                let feed = Feed::new(&self.session, &self.level, self.level.tags(&tags))?;
                let series = self.series.insert(Series {
                    tags,
                    feed,
                    is_ended: false,
                });
                series.take(batch, range)
            }
        }
    }
}

impl Series {
    fn take(&mut self, batch: &mut Batch, range: Range<usize>) -> Result<(), QueryError> {
        let taken = match self.feed.is_done() {
            true => range.len(),
            false => self.feed.push(batch, range)?,
        };
        debug_assert!(taken > 0, "a series takes its rows");
        batch.took(taken.max(1));
        Ok(())
    }

    fn end(&mut self) -> Result<(), QueryError> {
        if !self.is_ended {
            self.feed.end()?;
            self.is_ended = true;
        }
        Ok(())
    }
}

impl Level {
    /// Returns the tags of a series of the answer; `None` if the rows are not grouped.
    fn tags(&self, values: &[String]) -> Option<Tags> {
        let keys = self.query.tags.iter().map(|key| &**key);
        let pairs = keys.zip(values.iter().map(String::as_str));
        (!values.is_empty()).then(|| Tags::new(pairs))
    }
}
