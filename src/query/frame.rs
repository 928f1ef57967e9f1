//! The rows of a frame of a window, and those that are held for it.
//!
//! How many rows a frame of `ROWS` has is known before they come. Those of `RANGE` and `GROUPS` are told by
//! the values that the rows are ordered by, as they come.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::partition;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{WindowFrame, WindowFrameBound, WindowFrameUnits};
use datafusion::physical_expr::window::WindowExpr;
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};

/// The rows between the current one and a bound of a frame of `ROWS`; nothing if there is no bound.
pub(crate) fn rows_to(bound: &WindowFrameBound) -> Option<usize> {
    match bound {
        WindowFrameBound::CurrentRow => Some(0),
        WindowFrameBound::Preceding(ScalarValue::UInt64(Some(rows)))
        | WindowFrameBound::Following(ScalarValue::UInt64(Some(rows))) => {
            Some(usize::try_from(*rows).unwrap_or(usize::MAX))
        }
        _ => None,
    }
}

/// How far back from the last row that came the rows are held.
#[derive(Clone, Debug)]
pub(crate) enum Reach {
    /// So many rows.
    Rows(usize),
    /// So many groups of rows that are equal in these columns.
    Groups(Vec<PhysicalSortExpr>, usize),
    /// The rows from that value on, in the order of this column, which lies these steps before that of the
    /// last row.
    Values(PhysicalSortExpr, Vec<ScalarValue>),
}

impl Reach {
    /// The reach of the frame of a window.
    pub(crate) fn of(window: &dyn WindowExpr) -> Self {
        let (frame, order) = (window.get_window_frame(), window.order_by());
        let ends = [&frame.start_bound, &frame.end_bound];
        // Rows from the first one on are let go as soon as they are computed.
        let counted = || ends.iter().filter_map(|end| rows_to(end));
        match (frame.units, order) {
            (WindowFrameUnits::Rows, _) => Self::Rows(counted().fold(0, usize::saturating_add)),
            (WindowFrameUnits::Range, [key]) if frame_has_steps(frame) => {
                let steps = ends.into_iter().filter_map(step).cloned();
                Self::Values(key.clone(), steps.collect())
            }
            (WindowFrameUnits::Range, _) => Self::Groups(order.to_vec(), 1),
            (WindowFrameUnits::Groups, _) => {
                let groups = counted().fold(1, usize::saturating_add);
                Self::Groups(order.to_vec(), groups)
            }
        }
    }

    fn mark(&self, batch: &RecordBatch) -> Result<Mark> {
        Ok(match self {
            Self::Rows(_) => Mark::Count(batch.num_rows()),
            Self::Groups(keys, _) if keys.is_empty() => Mark::Count(0),
            Self::Groups(keys, _) => {
                let columns = columns(keys.iter().map(|key| &key.expr), batch)?;
                // The first one may have begun in the batch before.
                Mark::Count(partition(&columns)?.len().saturating_sub(1))
            }
            Self::Values(key, _) => Mark::Value(last_of(&key.expr, batch)?),
        })
    }
}

fn frame_has_steps(frame: &WindowFrame) -> bool {
    step(&frame.start_bound)
        .or_else(|| step(&frame.end_bound))
        .is_some()
}

fn step(bound: &WindowFrameBound) -> Option<&ScalarValue> {
    match bound {
        WindowFrameBound::Preceding(step) | WindowFrameBound::Following(step) => {
            Some(step).filter(|step| !step.is_null())
        }
        WindowFrameBound::CurrentRow => None,
    }
}

fn columns<'a>(
    exprs: impl Iterator<Item = &'a Arc<dyn PhysicalExpr>>,
    batch: &RecordBatch,
) -> Result<Vec<ArrayRef>> {
    let columns = exprs.map(|expr| expr.evaluate(batch)?.into_array(batch.num_rows()));
    columns.collect()
}

fn last_of(expr: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<ScalarValue> {
    let last = batch.num_rows().saturating_sub(1);
    let column = expr.evaluate(&batch.slice(last, 1))?.into_array(1)?;
    ScalarValue::try_from_array(&column, 0)
}

/// What a reach needs to know of a batch.
#[derive(Debug)]
enum Mark {
    /// Its rows, or its groups.
    Count(usize),
    /// The value of its last row.
    Value(ScalarValue),
}

impl Mark {
    fn count(&self) -> usize {
        match self {
            Self::Count(count) => *count,
            Self::Value(_) => 0,
        }
    }
}

/// What is held of the rows that come to some windows.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    /// The reaches of the windows.
    pub(crate) reaches: Vec<Reach>,
    /// The columns of which a new value ends all partitions before. The rows of those that have not ended
    /// are counted as if there was one.
    pub(crate) partition_by: Vec<Arc<dyn PhysicalExpr>>,
}

/// The last rows that came, batch by batch.
#[derive(Debug, Default)]
pub(crate) struct Last {
    /// The bytes of each batch, and what each reach needs to know of it.
    batches: VecDeque<(usize, Vec<Mark>)>,
    /// The counts of all batches, for each reach.
    counts: Vec<usize>,
    partition: Vec<ScalarValue>,
}

impl Last {
    /// Returns the bytes of the batches that are let go once another has come.
    ///
    /// # Errors
    /// A column cannot be computed.
    pub(crate) fn push(
        &mut self,
        frames: &Frames,
        batch: &RecordBatch,
        bytes: usize,
    ) -> Result<usize> {
        if batch.num_rows() == 0 {
            return Ok(bytes);
        }
        let partition = frames.partition_by.iter();
        let partition: Result<Vec<_>> = partition.map(|expr| last_of(expr, batch)).collect();
        let partition = partition?;
        let mut gone = 0;
        while partition != self.partition
            && let Some(bytes) = self.pop()
        {
            gone += bytes;
        }
        self.partition = partition;
        let marks = frames.reaches.iter().map(|reach| reach.mark(batch));
        let marks: Vec<Mark> = marks.collect::<Result<_>>()?;
        self.counts.resize(marks.len(), 0);
        for (count, mark) in self.counts.iter_mut().zip(&marks) {
            *count = count.saturating_add(mark.count());
        }
        self.batches.push_back((bytes, marks));
        while self.is_first_behind(&frames.reaches)
            && let Some(bytes) = self.pop()
        {
            gone += bytes;
        }
        Ok(gone)
    }

    /// Lets the first batch go, and returns its bytes.
    fn pop(&mut self) -> Option<usize> {
        let (bytes, marks) = self.batches.pop_front()?;
        for (count, mark) in self.counts.iter_mut().zip(&marks) {
            *count = count.saturating_sub(mark.count());
        }
        Some(bytes)
    }

    /// Returns true if no window needs the first of several batches.
    fn is_first_behind(&self, reaches: &[Reach]) -> bool {
        let (Some((_, first)), Some((_, last))) = (self.batches.front(), self.batches.back())
        else {
            return false;
        };
        let marks = first.iter().zip(last).zip(&self.counts);
        let mut each = reaches.iter().zip(marks);
        let is_behind = each.all(
            |(reach, ((first, last), count))| match (reach, first, last) {
                (Reach::Rows(most) | Reach::Groups(_, most), first, _) => {
                    count.saturating_sub(first.count()) >= *most
                }
                (Reach::Values(key, steps), Mark::Value(first), Mark::Value(last)) => {
                    is_behind(first, last, key, steps)
                }
                _ => false,
            },
        );
        self.batches.len() > 1 && is_behind
    }
}

/// Returns true if a value lies further before the last one than these steps. One that cannot be told is
/// held: sums that no value of the column can be have all of them within reach.
fn is_behind(
    value: &ScalarValue,
    last: &ScalarValue,
    key: &PhysicalSortExpr,
    steps: &[ScalarValue],
) -> bool {
    if value.is_null() || last.is_null() {
        return value.is_null() != last.is_null();
    }
    let is_falling = key.options.descending;
    let begin = steps
        .iter()
        .try_fold(last.clone(), |at, step| match is_falling {
            true => at.add_checked(step),
            false => at.sub_checked(step),
        });
    begin.is_ok_and(|begin| match is_falling {
        true => *value > begin,
        false => *value < begin,
    })
}
