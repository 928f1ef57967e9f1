//! The rows of one group: as they come from the aggregate, and with those that are added.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, TimestampNanosecondArray, UInt64Array};
use arrow_schema::{DataType, SchemaRef};
use datafusion::arrow::compute::{concat_batches, partition};
use datafusion::common::cast::as_timestamp_nanosecond_array;
use datafusion::common::{ScalarValue, internal_datafusion_err, internal_err};
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::memory_pool::MemoryReservation;
use futures_util::StreamExt;

use super::bins::Bins;
use super::column::Column;
use super::node::Layout;

/// The groups of rows that are sorted by group and time.
pub(super) struct Groups {
    input: SendableRecordBatchStream,
    layout: Arc<Layout>,
    /// Rows of the last batch, cut where a group ends.
    waiting: VecDeque<RecordBatch>,
    /// What the rows of the current group take.
    memory: MemoryReservation,
}

impl Groups {
    pub(super) fn new(
        input: SendableRecordBatchStream,
        layout: Arc<Layout>,
        memory: MemoryReservation,
    ) -> Self {
        Self {
            input,
            layout,
            waiting: VecDeque::new(),
            memory,
        }
    }

    /// All rows of the next group, in order. Those of the one before are no longer counted.
    ///
    /// # Errors
    /// There is no memory for them, or they cannot be had.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.memory.free();
        let mut rows: Vec<RecordBatch> = Vec::new();
        loop {
            while let Some(more) = self.waiting.pop_front() {
                if let Some(first) = rows.first()
                    && !self.is_same_group(first, &more)?
                {
                    self.waiting.push_front(more);
                    return self.join(&rows);
                }
                self.memory.try_grow(size(&more)?)?;
                rows.push(more);
            }
            match self.input.next().await.transpose()? {
                Some(batch) => self.waiting = self.split(&batch)?,
                None => return self.join(&rows),
            }
        }
    }

    fn join(&self, rows: &[RecordBatch]) -> Result<Option<RecordBatch>> {
        match rows {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            [first, ..] => {
                let size = self.memory.size();
                self.memory.try_grow(size)?;
                let joined = concat_batches(&first.schema(), rows)?;
                self.memory.shrink(size);
                Ok(Some(joined))
            }
        }
    }

    fn split(&self, batch: &RecordBatch) -> Result<VecDeque<RecordBatch>> {
        let tags: Vec<ArrayRef> = self.tags(batch).cloned().collect();
        if tags.is_empty() || batch.num_rows() == 0 {
            return Ok(VecDeque::from_iter(
                (batch.num_rows() > 0).then(|| batch.clone()),
            ));
        }
        let ranges = partition(&tags)?.ranges().into_iter();
        Ok(ranges
            .map(|range| batch.slice(range.start, range.len()))
            .collect())
    }

    fn is_same_group(&self, a: &RecordBatch, b: &RecordBatch) -> Result<bool> {
        for (a, b) in self.tags(a).zip(self.tags(b)) {
            if ScalarValue::try_from_array(a, 0)? != ScalarValue::try_from_array(b, 0)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The columns that make a group, without the bin.
    fn tags<'a>(&self, batch: &'a RecordBatch) -> impl Iterator<Item = &'a ArrayRef> {
        let bin = self.layout.bin;
        let columns = batch.columns().iter().take(self.layout.groups).enumerate();
        columns.filter_map(move |(place, column)| (place != bin).then_some(column))
    }
}

/// The memory of some rows, of a batch that others may share.
fn size(rows: &RecordBatch) -> Result<usize> {
    let sizes = rows.columns().iter();
    let sizes = sizes.map(|column| Ok(column.to_data().get_slice_memory_size()?));
    sizes.sum()
}

/// A group on its way out.
pub(super) struct Group {
    schema: SchemaRef,
    /// The bins of the rows that there are.
    times: TimestampNanosecondArray,
    columns: Vec<Column>,
    /// The bin of the next row to make.
    next_bin: Option<i64>,
    /// The first row that there is whose bin was not made yet.
    next_row: usize,
}

impl Group {
    /// Takes the rows that there are of a group. `schema` is that of the rows to make.
    ///
    /// # Errors
    /// They do not fit the layout.
    pub(super) fn new(
        rows: &RecordBatch,
        schema: SchemaRef,
        layout: &Layout,
        bins: &Bins,
    ) -> Result<Self> {
        let times = rows.columns().get(layout.bin);
        let times = times.ok_or_else(|| internal_datafusion_err!("a group has no bins"))?;
        let times = as_timestamp_nanosecond_array(times)?.clone();
        let columns = rows.columns().iter().enumerate();
        let columns = columns.map(|(place, values)| match place.checked_sub(layout.groups) {
            _ if place == layout.bin => Ok(Column::bin()),
            None => Ok(Column::tag(values)),
            Some(place) => match layout.fills.get(place) {
                Some(fill) => Column::filled(*fill, values),
                None => internal_err!("a group has a column that is not known"),
            },
        });
        Ok(Self {
            schema,
            columns: columns.collect::<Result<_>>()?,
            times,
            next_bin: bins.first(),
            next_row: 0,
        })
    }

    /// The next rows, at most so many; none at the end.
    ///
    /// # Errors
    /// A row lies in none of the bins, which would be lost.
    pub(super) fn next(
        &mut self,
        layout: &Layout,
        bins: &Bins,
        rows_max: usize,
    ) -> Result<Option<RecordBatch>> {
        let mut starts = Vec::with_capacity(rows_max);
        let mut rows = Vec::with_capacity(rows_max);
        while let Some(start) = self.next_bin
            && starts.len() < rows_max
        {
            starts.push(start);
            rows.push(self.row_at(start));
            self.next_bin = bins.after(start)?;
        }
        if self.next_bin.is_none() && self.next_row != self.times.len() {
            return internal_err!("a row lies outside of the bins {bins}");
        }
        if starts.is_empty() {
            return Ok(None);
        }
        let starts = TimestampNanosecondArray::from(starts);
        let rows = UInt64Array::from(rows);
        let times = self.times.values();
        let columns = self.columns.iter_mut();
        let columns = columns.map(|column| column.fill(times, starts.values(), &rows));
        let mut columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        if let (Some(bin), DataType::Timestamp(_, zone)) =
            (columns.get_mut(layout.bin), self.times.data_type())
        {
            *bin = Arc::new(starts.with_timezone_opt(zone.clone()));
        }
        Ok(Some(RecordBatch::try_new(
            Arc::clone(&self.schema),
            columns,
        )?))
    }

    /// The row that there is for a bin. Bins are asked for in order.
    fn row_at(&mut self, start: i64) -> Option<u64> {
        let row = self.next_row;
        let is_there = self.times.values().get(row) == Some(&start) && self.times.is_valid(row);
        is_there.then(|| {
            self.next_row += 1;
            row as u64
        })
    }
}
