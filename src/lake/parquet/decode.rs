//! A file as a stream of sorted segments.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::ArrayRef;
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;

use super::caught::caught;
use super::decode_arrays;
use super::decoded::{Decoded, Fit, compact};
use super::encode::encode_days;
use super::error::DecodeError;
use super::layout::Layout;
use super::order_check::OrderCheck;
use super::plan::{Needs, ReadPlan, Role, damaged};
use super::read::ReadRange;
use super::window::{Source, Window};
use crate::certain::Certain;
use crate::columnar::{ColumnKind, Columns, Segment};
use crate::merge::at_once::Sorted;
use crate::merge::{Tags, TimeRange};
use crate::narrow;

/// The largest number of rows in a chunk.
const CHUNK_ROWS: usize = 4096;

/// The largest number of rows in a chunk of a narrow step: as many as one of our pages has, as each
/// step unpacks the pages that it needs anew.
const NARROW_ROWS: usize = 16 << 10;

/// A footer up to this size stays in memory between narrow steps.
const FOOTER_BYTES_KEPT: usize = 16 << 10;

/// The way in which the next rows are read. [`Needs`] has the memory that each takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// A row group at once, in one request.
    Whole,
    /// Block by block of each column.
    Blocks,
    /// A few columns at a time, with nothing left open afterwards.
    Narrow,
}

/// The rows of a file as sorted segments of some thousands of rows, each of about `chunk_bytes` or
/// less, but of at least one row.
///
/// The memory is bounded by [`Needs`]. Columns are found by their storage names. The layout may lack
/// columns that the file has, which are skipped, and have others that the file lacks.
///
/// A file whose footer does not say that it is sorted (another program has rewritten it) is read,
/// sorted and merged in memory as a whole first.
pub struct ParquetChunks {
    file: Arc<dyn ReadRange>,
    path: Arc<str>,
    measurement: Box<str>,
    layout: Arc<Layout>,
    chunk_bytes: u64,
    /// Nothing after a narrow step, until the next one.
    plan: Option<ReadPlan>,
    needs: Needs,
    is_sorted: bool,
    /// Row groups still to be read. The first may be begun.
    groups: VecDeque<usize>,
    /// The number of rows of the first row group that were returned.
    row: usize,
    reader: Option<(ParquetRecordBatchReader, Window)>,
    /// Rows that the reader returned and that were not returned yet.
    decoded: Option<Decoded>,
    order: OrderCheck,
}

impl ParquetChunks {
    /// Reads the footer of a file of a table. `path` names it in errors.
    ///
    /// Only row groups that may have rows in the time range are read; they may have other rows too.
    pub fn open(
        file: Arc<dyn ReadRange>,
        path: &str,
        measurement: &str,
        layout: Arc<Layout>,
        times: TimeRange,
        chunk_bytes: u64,
    ) -> Result<Self, DecodeError> {
        let path: Arc<str> = path.into();
        let plan = ReadPlan::open(&*file, &path, &layout)?;
        let groups: VecDeque<usize> = plan.groups(times).collect();
        Ok(Self {
            needs: plan.needs(groups.iter().copied(), chunk_bytes),
            is_sorted: plan.is_sorted,
            file,
            path,
            measurement: measurement.into(),
            layout,
            chunk_bytes,
            plan: Some(plan),
            groups,
            row: 0,
            reader: None,
            decoded: None,
            order: OrderCheck::default(),
        })
    }

    /// The memory that reading takes.
    pub fn needs(&self) -> Needs {
        self.needs
    }

    /// Returns whether the rows are sorted, according to the footer.
    pub fn is_sorted(&self) -> bool {
        self.is_sorted
    }

    /// Tags that no row to be read comes before; nothing if they are not known.
    pub fn lower_bound(&self) -> Option<Tags> {
        let first = self.groups.front().copied();
        first.and_then(|first| self.plan.as_ref()?.lower_bound(first, &self.layout))
    }

    /// Returns the next rows; nothing after the last.
    pub fn next(&mut self, how: How) -> Result<Option<Arc<Segment>>, DecodeError> {
        if !self.is_sorted {
            self.sort()?;
        }
        let segment = self.next_unchecked(how)?;
        if let Some(segment) = &segment {
            self.order
                .check(segment)
                .map_err(|row| DecodeError::NotSorted {
                    path: Arc::clone(&self.path),
                    row,
                })?;
        }
        if how == How::Narrow {
            self.close();
        }
        Ok(segment)
    }

    /// Releases what is held between chunks, except for the place at which reading continues.
    pub fn close(&mut self) {
        self.reader = None;
        self.decoded = None;
        self.plan
            .take_if(|plan| plan.footer_bytes > FOOTER_BYTES_KEPT);
    }

    fn next_unchecked(&mut self, how: How) -> Result<Option<Arc<Segment>>, DecodeError> {
        loop {
            if let Some(decoded) = &mut self.decoded
                && decoded.rows > 0
            {
                let first = decoded.split(self.chunk_bytes);
                self.row += first.rows;
                return self.segment(&first).map(|segment| Some(Arc::new(segment)));
            }
            let Some(group) = self.groups.front().copied() else {
                return Ok(None);
            };
            self.decoded = match how {
                How::Narrow => self.read_narrow(group)?,
                How::Whole | How::Blocks => self.read_on(group, how)?,
            };
            if self.decoded.is_none() {
                self.groups.pop_front();
                self.reader = None;
                self.row = 0;
            }
        }
    }

    fn plan(&mut self) -> Result<&ReadPlan, DecodeError> {
        let plan = match self.plan.take() {
            Some(plan) => plan,
            None => ReadPlan::open(&*self.file, &self.path, &self.layout)?,
        };
        Ok(self.plan.insert(plan))
    }

    /// The next rows of a row group, whose reader stays open.
    fn read_on(&mut self, index: usize, how: How) -> Result<Option<Decoded>, DecodeError> {
        if self.reader.is_none() {
            self.plan()?;
            let plan = self.plan.as_ref().ok_or_else(|| self.lost())?;
            let group = plan.group(index, &self.path)?;
            let columns: Vec<usize> = plan.roles.iter().map(|(column, _)| *column).collect();
            let window = match how {
                How::Whole => Window::whole(&self.source(), group)?,
                _ => Window::blocks(&self.source(), group, columns.iter().copied())?,
            };
            let rows = plan.rows_of(group, &self.layout, self.chunk_bytes);
            let builder = self.builder(plan, &window, index, columns)?;
            let reader = builder
                .with_batch_size(rows.min(CHUNK_ROWS))
                .build()
                .map_err(|error| damaged(&self.path, error))?;
            self.reader = Some((reader, window));
        }
        // Without a reader, the rest of the row group would seem to be empty.
        let (reader, window) = self.reader.as_mut().certain("it was opened above");
        let next = next_batch(reader, window, &self.path);
        if next.is_err() {
            // The reader must not be used again.
            self.reader = None;
            self.groups.clear();
        }
        next
    }

    /// The next rows of a row group, a few columns at a time.
    fn read_narrow(&mut self, index: usize) -> Result<Option<Decoded>, DecodeError> {
        self.plan()?;
        let plan = self.plan.as_ref().ok_or_else(|| self.lost())?;
        let group = plan.group(index, &self.path)?;
        let rows = narrow::to_usize(narrow::not_negative(group.num_rows()));
        let rows = rows.saturating_sub(self.row).min(NARROW_ROWS);
        let rows = rows.min(plan.rows_of(group, &self.layout, self.chunk_bytes));
        if rows == 0 {
            return Ok(None);
        }
        let mut fit = Fit::new(rows, self.chunk_bytes);
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(plan.roles.len());
        for set in plan.sets(group) {
            let window = Window::blocks(&self.source(), group, set.iter().copied())?;
            let builder = self.builder(plan, &window, index, set)?;
            let mut reader = builder
                .with_limit(fit.rows)
                .with_batch_size(fit.rows)
                .build()
                .map_err(|error| damaged(&self.path, error))?;
            let decoded = next_batch(&mut reader, &window, &self.path)?;
            let decoded = decoded.filter(|decoded| decoded.rows == fit.rows);
            let decoded = decoded.ok_or_else(|| {
                let what = "a column has fewer rows than its row group".to_owned();
                damaged(&self.path, ParquetError::General(what))
            })?;
            for array in &decoded.arrays {
                fit.add(array);
                arrays.push(compact(array, fit.rows));
            }
        }
        for array in &mut arrays {
            *array = array.slice(0, fit.rows);
        }
        let rows = fit.rows;
        Ok(Some(Decoded { arrays, rows }))
    }

    /// Opens a reader of some columns of a row group, from the first row that was not returned yet.
    fn builder(
        &self,
        plan: &ReadPlan,
        window: &Window,
        index: usize,
        columns: Vec<usize>,
    ) -> Result<ParquetRecordBatchReaderBuilder<Window>, DecodeError> {
        let projection = ProjectionMask::roots(plan.metadata.parquet_schema(), columns);
        let metadata = plan.metadata.clone();
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(window.clone(), metadata)
            .with_projection(projection)
            .with_row_groups(vec![index]);
        Ok(match self.row {
            0 => builder,
            row => builder.with_offset(row),
        })
    }

    fn source(&self) -> Source<'_> {
        Source {
            file: &self.file,
            path: &self.path,
        }
    }

    fn lost(&self) -> DecodeError {
        debug_assert!(false, "a plan was made");
        damaged(
            &self.path,
            ParquetError::General("it is not open".to_owned()),
        )
    }

    fn segment(&self, rows: &Decoded) -> Result<Segment, DecodeError> {
        let plan = self.plan.as_ref().ok_or_else(|| self.lost())?;
        let mut columns = Columns::default();
        for ((index, role), array) in plan.roles.iter().zip(&rows.arrays) {
            let wrong = |what| self.wrong(plan, *index, what);
            let column = match role {
                Role::Time => {
                    columns.times = decode_arrays::times(array).map_err(wrong)?;
                    continue;
                }
                Role::Column(place) => self.layout.columns().get(*place),
            };
            let column = column.certain("the plan was made for this layout");
            match column.kind {
                ColumnKind::Tag => {
                    let tag = decode_arrays::tag(array).map_err(wrong)?;
                    columns.tags.push((&column.name, tag));
                }
                ColumnKind::Field(field_type) => {
                    let field = decode_arrays::field(array, field_type).map_err(wrong)?;
                    columns.fields.push((&column.name, field));
                }
            }
        }
        Segment::from_columns(&self.measurement, columns).ok_or_else(|| {
            damaged(
                &self.path,
                ParquetError::General("columns differ in length".to_owned()),
            )
        })
    }

    fn wrong(&self, plan: &ReadPlan, index: usize, what: String) -> DecodeError {
        let column = plan.metadata.schema().fields().get(index);
        DecodeError::Value {
            path: Arc::clone(&self.path),
            column: column
                .map(|column| column.name().clone())
                .unwrap_or_default(),
            what,
        }
    }

    /// Replaces the file by a sorted copy of the part to be read.
    fn sort(&mut self) -> Result<(), DecodeError> {
        let mut segments = Vec::new();
        while let Some(segment) = self.next_unchecked(How::Blocks)? {
            segments.push(segment);
        }
        let failed = |source| DecodeError::Sort {
            path: Arc::clone(&self.path),
            source,
        };
        let sorted = Sorted::one_file(&segments).map_err(|error| failed(error.into()))?;
        let files = encode_days(&sorted, &self.layout).map_err(failed)?;
        self.is_sorted = true;
        if let Some((_, file)) = files.into_iter().next() {
            let file: Arc<dyn ReadRange> = Arc::new(Bytes::from(file.bytes));
            let layout = Arc::clone(&self.layout);
            let (path, measurement) = (Arc::clone(&self.path), self.measurement.clone());
            let chunk_bytes = self.chunk_bytes;
            *self = Self::open(
                file,
                &path,
                &measurement,
                layout,
                TimeRange::ALL,
                chunk_bytes,
            )?;
        }
        Ok(())
    }
}

/// Returns the next rows of a reader; nothing after the last.
///
/// Parquet's reader panics on some kinds of damage. In our own files a checksum finds most of them
/// before, but not damage to a page's header, and a file may be of another writer.
fn next_batch(
    reader: &mut ParquetRecordBatchReader,
    window: &Window,
    path: &Arc<str>,
) -> Result<Option<Decoded>, DecodeError> {
    loop {
        let error = match caught(|| reader.next()) {
            Some(None) => return Ok(None),
            Some(Some(Ok(batch))) if batch.num_rows() == 0 => continue,
            Some(Some(Ok(batch))) => {
                let rows = batch.num_rows();
                let (_, arrays, _) = batch.into_parts();
                return Ok(Some(Decoded { arrays, rows }));
            }
            Some(Some(Err(error))) => error.into(),
            None => ParquetError::General("a page cannot be unpacked".to_owned()),
        };
        return Err(window.failure().unwrap_or_else(|| damaged(path, error)));
    }
}
