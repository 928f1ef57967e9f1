//! Calls joined by time to the rows of one series.
//!
//! ```ignore
//! let mut series = Series::new(plan, "boiler".into(), None);
//! for (start_ns, cells) in windows {
//!     series.push(start_ns, cells);
//!     while let Some(part) = series.next_part()? {
//!         writer.part(part);
//!     }
//! }
//! series.end();
//! while let Some(part) = series.next_part()? {
//!     writer.part(part);
//! }
//! ```

use std::sync::Arc;

use arrow_schema::ArrowError;

use super::super::series::{SeriesPart, Tags};
use super::chain::{Chain, Next};
use super::plan::Plan;
use super::point::{Cell, Point, key};
use super::rows::{Rows, Slots};

/// One series of a query with calls.
#[derive(Debug)]
pub struct Series {
    plan: Arc<Plan>,
    name: Arc<str>,
    tags: Option<Tags>,
    chains: Vec<Chain>,
    heads: Vec<Next>,
    slots: Slots,
    rows: Rows,
    is_busy: bool,
}

impl Series {
    /// Begins a series.
    pub fn new(plan: Arc<Plan>, name: Arc<str>, tags: Option<Tags>) -> Self {
        let chains: Vec<Chain> = plan
            .calls
            .iter()
            .map(|call| Chain::new(&plan, call))
            .collect();
        Self {
            heads: chains.iter().map(|_| Next::Wait(0)).collect(),
            chains,
            slots: Slots::new(&plan),
            rows: Rows::new(&plan),
            is_busy: false,
            plan,
            name,
            tags,
        }
    }

    /// Takes what the aggregation gives for a window, by its start, or the scan for a row, by its time:
    /// a cell per call, `None` for those without a point. Windows come in the order of the answer.
    pub fn push(&mut self, time_ns: i64, cells: Vec<Option<Cell>>) {
        debug_assert_eq!(cells.len(), self.chains.len(), "a cell per call");
        for (chain, cell) in self.chains.iter_mut().zip(cells) {
            chain.advance(time_ns);
            if let Some(cell) = cell {
                chain.push(time_ns, cell);
            }
        }
    }

    /// Notes that the series has no more points for a call, such as for a field that its measurement
    /// does not have, so that the others need not wait for them.
    pub fn end_call(&mut self, call: usize) {
        if let Some(chain) = self.chains.get_mut(call) {
            chain.end();
        }
    }

    /// Notes that the series is over.
    pub fn end(&mut self) {
        self.chains.iter_mut().for_each(Chain::end);
    }

    /// Returns true if no further row can come, so that the rest of the series need not be read.
    pub fn is_done(&self) -> bool {
        self.chains.iter().all(Chain::is_done)
    }

    /// Returns true if there was no part because of points that were passed over: the next part is to be
    /// asked for again, after others had their turn.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Returns the next part: a full one, or after the end what is left; `None` if more must be pushed
    /// first, if nothing is left, or if the series [is busy](Self::is_busy). To be called until it is
    /// `None` and the series is not busy.
    ///
    /// # Errors
    ///
    /// If the rows do not fit their own schema, which would be a fault of this program.
    pub fn next_part(&mut self) -> Result<Option<SeriesPart>, ArrowError> {
        self.is_busy = false;
        while !self.rows.is_full() {
            match self.next_time() {
                Next::Point(point) => self.push_row(point.time_ns),
                Next::Wait(_) => return Ok(None),
                Next::Busy => {
                    self.is_busy = true;
                    return Ok(None);
                }
                Next::End => break,
            }
        }
        let rows = self.rows.take()?;
        Ok(rows.map(|rows| SeriesPart {
            name: self.name.clone(),
            tags: self.tags.clone(),
            columns: self.plan.columns.clone(),
            rows,
        }))
    }

    /// The time of the next row, as a point without a value.
    fn next_time(&mut self) -> Next {
        let descending = self.plan.descending;
        let mut first: Option<i64> = None;
        let mut wait: Option<i64> = None;
        let earlier = |best: Option<i64>, time_ns: i64| match best {
            Some(best) if key(best, descending) <= key(time_ns, descending) => Some(best),
            _ => Some(time_ns),
        };
        for (chain, head) in self.chains.iter_mut().zip(&mut self.heads) {
            if matches!(head, Next::Wait(_) | Next::Busy) {
                *head = chain.next();
            }
            match head {
                Next::Point(point) => first = earlier(first, point.time_ns),
                Next::Wait(from_ns) => wait = earlier(wait, *from_ns),
                Next::Busy => return Next::Busy,
                Next::End => {}
            }
        }
        match (first, wait) {
            (Some(first), Some(wait)) if key(wait, descending) <= key(first, descending) => {
                Next::Wait(wait)
            }
            (Some(time_ns), _) => Next::Point(Point {
                time_ns,
                value: None,
                others: Vec::new(),
            }),
            (None, Some(wait)) => Next::Wait(wait),
            (None, None) => Next::End,
        }
    }

    /// Puts the points of a time into the slots and makes a row of them.
    fn push_row(&mut self, time_ns: i64) {
        let calls = self.chains.len();
        let others = self.plan.others.len();
        for (index, head) in self.heads.iter_mut().enumerate() {
            match head {
                Next::Point(point) if point.time_ns == time_ns => {
                    self.slots.put(index, point.value.take());
                    for (other, value) in point.others.drain(..).enumerate() {
                        self.slots.put(calls + other, value);
                    }
                    *head = Next::Wait(time_ns);
                }
                _ => {
                    self.slots.put(index, None);
                    (calls..calls + others).for_each(|other| self.slots.put(other, None));
                }
            }
        }
        self.rows.push(time_ns, &self.plan, &self.slots);
    }
}
