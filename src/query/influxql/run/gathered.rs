//! Functions that want points one by one, or all points of a window at once.
//!
//! ```text
//! rows > in order of tags and times > the points of a window > a cell per function
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::LogicalPlan;

use super::super::finish::{self, Cell, Function, Plan, Point, Series, Windows};
use super::super::series::SeriesPart;
use super::super::value::Value;
use super::batch::Batch;
use super::fold::Fold;
use super::level::{Level, Session};
use super::plain::{Order, sorted};
use super::slices::Times;
use super::source::{self, Wanted};
use crate::error::QueryError;

/// Returns the rows that the functions of a level want, by the tags of their groups and their times.
///
/// # Errors
/// [`QueryError`] if there is no plan.
pub(super) async fn plan(
    session: &Arc<Session>,
    level: &Level,
    times: Times,
) -> Result<LogicalPlan, QueryError> {
    let inputs = level.inputs();
    let wanted = Wanted {
        inputs: &inputs,
        times,
        needs_field: false,
        ties: &[],
        by_series: source::is_by_series(session, level, times),
        are_texts: false,
    };
    let rows = source::rows(session, level, wanted).await?;
    let order = Order {
        is_by_time: true,
        ties: 0,
        most: None,
    };
    sorted(rows, level, &inputs, &order)
}

/// A series of such rows.
pub(super) struct Gathered {
    plan: Arc<Plan>,
    series: Series,
    calls: Vec<Gather>,
    /// The columns of what stands beside the calls.
    others: Vec<usize>,
    windows: Option<Windows>,
    /// The start of the window whose points are gathered.
    start_ns: Option<i64>,
    has_subquery: bool,
    pace: Pace,
    /// The bytes of the points that wait for the end of their window.
    bytes: usize,
    memory: MemoryReservation,
}

/// When cells are handed on.
#[derive(Debug)]
enum Pace {
    /// With each row: all calls want rows.
    Row,
    /// At the end of each window: none does.
    Window,
    /// At the end of the series, by their times, turned round in a descending query: rows come before
    /// it is known what stands at their start.
    Series(BTreeMap<i64, Vec<Option<Cell>>>),
}

/// What a call does with points.
#[derive(Debug)]
struct Gather {
    /// The column of the values.
    column: usize,
    function: super::super::analysis::Function,
    /// The range of the call.
    times: (Option<i64>, Option<i64>),
    state: State,
}

#[derive(Debug)]
enum State {
    Rows,
    Points(Vec<Point>),
    Fold(Option<Fold>),
}

/// The size of a point, its other columns apart.
const POINT_BYTES: usize = size_of::<Point>();

/// The steps in which memory is taken.
const STEP_BYTES: usize = 64 << 10;

impl Gathered {
    pub(super) fn new(session: &Session, level: &Level, series: Series) -> Self {
        let inputs = level.inputs();
        let place = |input: &usize| inputs.iter().position(|known| known == input);
        let calls = level.calls().zip(&level.plan.calls);
        let calls: Vec<Gather> = calls
            .map(|(call, planned)| Gather {
                column: place(&call.input()).unwrap_or(usize::MAX),
                function: call.base().function.clone(),
                times: level.times(level.plan.lead_ns(planned)),
                state: State::of(&planned.function, &call.base().function),
            })
            .collect();
        let wants_rows = |call: &finish::Call| {
            let is_streamed = matches!(call.function, Function::Integral { .. });
            call.function == Function::Rows || is_streamed
        };
        let pace = match (
            level.plan.calls.iter().all(wants_rows),
            calls.iter().any(|call| matches!(call.state, State::Rows)),
        ) {
            (true, _) => Pace::Row,
            (false, true) => Pace::Series(BTreeMap::new()),
            (false, false) => Pace::Window,
        };
        Self {
            plan: Arc::clone(&level.plan),
            others: level.prepared.others.iter().filter_map(place).collect(),
            windows: level.plan.grid.map(Windows::new),
            start_ns: None,
            has_subquery: level.has_subquery(),
            memory: MemoryConsumer::new("points of a window").register(&session.memory),
            bytes: 0,
            pace,
            series,
            calls,
        }
    }

    /// Takes rows up to the first after which there may be a part.
    pub(super) fn push(&mut self, batch: &Batch, rows: Range<usize>) -> Result<usize, QueryError> {
        let mut taken = 0;
        for row in rows {
            let time_ns = batch.time_ns(row);
            let start_ns = match &mut self.windows {
                Some(windows) => windows.start_of(time_ns),
                None => self.plan.lower_ns.unwrap_or(0),
            };
            if self.start_ns.is_some_and(|current| current != start_ns) {
                self.close();
                if taken > 0 {
                    return Ok(taken);
                }
            }
            self.start_ns = Some(start_ns);
            self.take(batch, row, time_ns)?;
            taken += 1;
            if matches!(self.pace, Pace::Row) {
                break;
            }
        }
        Ok(taken)
    }

    /// Takes one row.
    fn take(&mut self, batch: &Batch, row: usize, time_ns: i64) -> Result<(), QueryError> {
        let others = || -> Vec<Option<Value>> {
            let others = self.others.iter();
            others.map(|column| batch.value(*column, row)).collect()
        };
        let has_subquery = self.has_subquery;
        let mut cells = vec![None; self.calls.len()];
        let mut bytes = 0;
        for (call, cell) in self.calls.iter_mut().zip(&mut cells) {
            let is_read = has_subquery
                || call.times.0.is_none_or(|first| first <= time_ns)
                    && call.times.1.is_none_or(|last| time_ns <= last);
            let Some(value) = batch.value(call.column, row).filter(|_| is_read) else {
                continue;
            };
            match &mut call.state {
                State::Rows => *cell = Some(Cell::Value(value)),
                State::Points(_) if matches!(self.pace, Pace::Row) => {
                    *cell = Some(Cell::Value(value));
                }
                State::Points(points) => {
                    let others = others();
                    bytes += POINT_BYTES + text_bytes(&value) + others.len() * size_of::<Value>();
                    bytes += others.iter().flatten().map(text_bytes).sum::<usize>();
                    points.push(Point {
                        time_ns,
                        value: Some(value),
                        others,
                    });
                }
                State::Fold(fold) => {
                    if let Some(fold) = fold {
                        fold.push(time_ns, value, others);
                    }
                }
            }
        }
        if cells.iter().any(Option::is_some) {
            match &mut self.pace {
                Pace::Row => self.series.push(time_ns, cells),
                Pace::Series(waiting) => {
                    bytes += cells.len() * size_of::<Option<Cell>>();
                    put(waiting, turned(&self.plan, time_ns), cells);
                }
                Pace::Window => debug_assert!(false, "no call wants rows"),
            }
        }
        self.hold(bytes)
    }

    /// Takes memory for points that wait.
    fn hold(&mut self, bytes: usize) -> Result<(), QueryError> {
        self.bytes += bytes;
        if self.bytes > self.memory.size() {
            self.memory
                .try_grow(self.bytes - self.memory.size() + STEP_BYTES)?;
        }
        Ok(())
    }

    /// Hands on the points of the window.
    fn close(&mut self) {
        let Some(start_ns) = self.start_ns.take() else {
            return;
        };
        if matches!(self.pace, Pace::Row) {
            return;
        }
        let is_descending = self.plan.descending;
        let cells = self.calls.iter_mut().map(|call| match &mut call.state {
            State::Rows => None,
            State::Points(points) => {
                let mut points = std::mem::take(points);
                if is_descending {
                    points.reverse();
                }
                (!points.is_empty()).then_some(Cell::Points(points))
            }
            State::Fold(fold) => {
                let begun = Fold::new(&call.function);
                std::mem::replace(fold, begun).and_then(Fold::finish)
            }
        });
        let cells: Vec<_> = cells.collect();
        match &mut self.pace {
            Pace::Series(waiting) => put(waiting, turned(&self.plan, start_ns), cells),
            Pace::Row | Pace::Window => {
                self.series.push(start_ns, cells);
                self.bytes = 0;
                if self.memory.size() > 16 * STEP_BYTES {
                    self.memory.free();
                }
            }
        }
    }

    pub(super) fn end(&mut self) {
        self.close();
        if let Pace::Series(waiting) = &mut self.pace {
            for (time, cells) in std::mem::take(waiting) {
                self.series.push(turned(&self.plan, time), cells);
            }
        }
        self.series.end();
    }

    pub(super) fn is_done(&self) -> bool {
        self.series.is_done()
    }

    pub(super) fn is_busy(&self) -> bool {
        self.series.is_busy()
    }

    pub(super) fn next_part(&mut self) -> Result<Option<SeriesPart>, QueryError> {
        let part = self.series.next_part();
        part.map_err(|error| QueryError::Internal(error.to_string()))
    }
}

impl State {
    fn of(planned: &Function, function: &super::super::analysis::Function) -> Self {
        match planned {
            Function::Rows => Self::Rows,
            Function::Aggregate | Function::Count => Self::Fold(Fold::new(function)),
            _ => Self::Points(Vec::new()),
        }
    }
}

/// Turns times round in a descending query, so that they ascend in the order of the answer.
fn turned(plan: &Plan, time_ns: i64) -> i64 {
    match plan.descending {
        true => !time_ns,
        false => time_ns,
    }
}

/// Adds cells to those of a time.
fn put(waiting: &mut BTreeMap<i64, Vec<Option<Cell>>>, time: i64, cells: Vec<Option<Cell>>) {
    let known = waiting
        .entry(time)
        .or_insert_with(|| vec![None; cells.len()]);
    for (known, cell) in known.iter_mut().zip(cells) {
        if cell.is_some() {
            *known = cell;
        }
    }
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        _ => 0,
    }
}
