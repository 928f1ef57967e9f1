//! A file as a stream of sorted segments.

use std::collections::VecDeque;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::arrays;
use super::encode::encode_days;
use super::error::DecodeError;
use super::layout::{Kind, Layout, TIME, TIME_NS};
use super::order::Order;
use super::read::{ReadRange, Window, footer, range_of, read};
use super::sorted::Sorted;
use crate::columnar::{Columns, Segment};

/// Rows of a chunk at most.
const CHUNK_ROWS: usize = 4096;

/// What a column of the file is read as.
#[derive(Clone, Copy, Debug)]
enum Role {
    Time,
    /// At a place of the layout.
    Column(usize),
}

/// The rows of a file as sorted segments of some thousands of rows.
///
/// In memory at any time: the footer, the compressed bytes of one row group, one unpacked page a
/// column, and the chunk that was handed out. Columns are found by their storage names; the layout
/// may lack columns that the file has, which are passed over, and have others that the file lacks.
///
/// A file whose footer does not say that it is sorted (another program has rewritten it) is read,
/// sorted and merged in memory as a whole first.
pub struct ParquetChunks {
    file: Box<dyn ReadRange>,
    path: Arc<str>,
    measurement: Box<str>,
    layout: Arc<Layout>,
    metadata: ArrowReaderMetadata,
    footer_bytes: usize,
    /// The columns that are read, in the file's order.
    roles: Vec<(usize, Role)>,
    /// Row groups still to be read.
    groups: VecDeque<usize>,
    reader: Option<ParquetRecordBatchReader>,
    /// Nothing if the rows are in no known order.
    order: Option<Order>,
}

impl ParquetChunks {
    /// Reads the footer of a file of a table. `path` names it in errors.
    ///
    /// Of a time range (in nanoseconds) only those row groups are read that may have rows in it;
    /// they may have others too.
    pub fn open(
        file: Box<dyn ReadRange>,
        path: &str,
        measurement: &str,
        layout: Arc<Layout>,
        times: Option<Range<i64>>,
    ) -> Result<Self, DecodeError> {
        let path: Arc<str> = path.into();
        let (metadata, footer_bytes) = footer(&*file, &path)?;
        let groups = metadata.row_groups().iter().enumerate();
        let wanted = groups.filter(|(_, group)| may_have(group, times.as_ref()));
        let groups: VecDeque<usize> = wanted.map(|(index, _)| index).collect();
        let is_sorted = says_sorted(&metadata);
        let (metadata, roles) = plan(metadata, &layout, &path)?;
        Ok(Self {
            file,
            path,
            measurement: measurement.into(),
            layout,
            metadata,
            footer_bytes,
            roles,
            groups,
            reader: None,
            order: is_sorted.then(Order::default),
        })
    }

    /// The next rows; nothing behind the last.
    #[allow(
        clippy::should_implement_trait,
        reason = "the shape of merge's Chunks, whose errors come first"
    )]
    pub fn next(&mut self) -> Result<Option<Arc<Segment>>, DecodeError> {
        if self.order.is_none() {
            self.sort()?;
        }
        let segment = self.next_unchecked()?;
        if let (Some(segment), Some(order)) = (&segment, &mut self.order) {
            order.check(segment).map_err(|row| DecodeError::NotSorted {
                path: Arc::clone(&self.path),
                row,
            })?;
        }
        Ok(segment)
    }

    /// About how much memory reading takes at most, as far as the footer tells.
    pub fn memory_bytes(&self) -> u64 {
        let metadata = self.metadata.metadata();
        let groups = self
            .groups
            .iter()
            .filter_map(|index| metadata.row_groups().get(*index));
        let of_groups = groups.map(|group| {
            let rows = u64::try_from(group.num_rows()).unwrap_or(0).max(1);
            let unpacked = u64::try_from(group.total_byte_size()).unwrap_or(0);
            let packed = u64::try_from(group.compressed_size()).unwrap_or(0);
            // Pages of ours have four chunks of rows; a chunk in memory has eight bytes a value,
            // and is there twice while it is taken over.
            let pages = (unpacked / rows + 1) * rows.min(4 * CHUNK_ROWS as u64);
            let chunks = 16 * (self.roles.len() * CHUNK_ROWS) as u64;
            (
                packed + pages + chunks,
                2 * unpacked + 24 * rows * self.roles.len() as u64,
            )
        });
        let (one, all) = of_groups.fold((0, 0), |(one, all), group| {
            (group.0.max(one), group.1 + all)
        });
        // Footers take some times their bytes when they are taken apart.
        let footer = 4 * self.footer_bytes as u64;
        footer + if self.order.is_some() { one } else { all }
    }

    fn next_unchecked(&mut self) -> Result<Option<Arc<Segment>>, DecodeError> {
        loop {
            if self.reader.is_none() {
                let Some(group) = self.groups.pop_front() else {
                    return Ok(None);
                };
                self.reader = Some(self.open_group(group)?);
            }
            let Some(batch) = self.next_batch()? else {
                self.reader = None;
                continue;
            };
            if batch.num_rows() > 0 {
                return self.segment(&batch).map(|segment| Some(Arc::new(segment)));
            }
        }
    }

    /// Parquet's reader panics on some damages; ours are found by a checksum before, but a file may
    /// be of another writer.
    fn next_batch(&mut self) -> Result<Option<RecordBatch>, DecodeError> {
        let reader = &mut self.reader;
        let next = AssertUnwindSafe(|| reader.as_mut().and_then(Iterator::next));
        let error = match catch_unwind(next) {
            Ok(None) => return Ok(None),
            Ok(Some(Ok(batch))) => return Ok(Some(batch)),
            Ok(Some(Err(error))) => error.into(),
            Err(_) => {
                // It is in no state to be used again.
                self.reader = None;
                self.groups.clear();
                ParquetError::General("a page cannot be unpacked".to_owned())
            }
        };
        Err(damaged(&self.path, error))
    }

    fn open_group(&self, index: usize) -> Result<ParquetRecordBatchReader, DecodeError> {
        let metadata = self.metadata.metadata();
        let group = metadata.row_groups().get(index);
        let range = group
            .and_then(|group| range_of(group, self.file.len()))
            .ok_or_else(|| {
                let what = format!("row group {index} does not lie within the file");
                damaged(&self.path, ParquetError::General(what))
            })?;
        let window = Window {
            start: range.start,
            bytes: read(&*self.file, &self.path, range)?,
        };
        let columns = self.roles.iter().map(|(column, _)| *column);
        let projection = ProjectionMask::roots(self.metadata.parquet_schema(), columns);
        ParquetRecordBatchReaderBuilder::new_with_metadata(window, self.metadata.clone())
            .with_projection(projection)
            .with_row_groups(vec![index])
            .with_batch_size(CHUNK_ROWS)
            .build()
            .map_err(|error| damaged(&self.path, error))
    }

    fn segment(&self, batch: &RecordBatch) -> Result<Segment, DecodeError> {
        let mut columns = Columns::default();
        for ((_, role), array) in self.roles.iter().zip(batch.columns()) {
            let column = match role {
                Role::Time => {
                    columns.times = arrays::times(array).map_err(|what| self.wrong(*role, what))?;
                    continue;
                }
                Role::Column(place) => self.layout.columns().get(*place),
            };
            let Some(column) = column else { continue };
            match column.kind {
                Kind::Tag => {
                    let tag = arrays::tag(array).map_err(|what| self.wrong(*role, what))?;
                    columns.tags.push((&column.name, tag));
                }
                Kind::Field(field_type) => {
                    let field = arrays::field(array, field_type);
                    let field = field.map_err(|what| self.wrong(*role, what))?;
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

    fn wrong(&self, role: Role, what: String) -> DecodeError {
        let columns = self.metadata.schema().fields();
        let found = self.roles.iter().find(|(_, other)| match (other, role) {
            (Role::Time, Role::Time) => true,
            (Role::Column(a), Role::Column(b)) => *a == b,
            _ => false,
        });
        let column = found.and_then(|(index, _)| columns.get(*index));
        DecodeError::Value {
            path: Arc::clone(&self.path),
            column: column
                .map(|column| column.name().clone())
                .unwrap_or_default(),
            what,
        }
    }

    /// Replaces the file by a sorted copy of what was to be read of it.
    fn sort(&mut self) -> Result<(), DecodeError> {
        let mut segments = Vec::new();
        while let Some(segment) = self.next_unchecked()? {
            segments.push(segment);
        }
        let failed = |source| DecodeError::Sort {
            path: Arc::clone(&self.path),
            source,
        };
        let sorted = Sorted::one_file(&segments).map_err(failed)?;
        let files = encode_days(&sorted, &self.layout).map_err(failed)?;
        let first = files.into_iter().next();
        self.order = Some(Order::default());
        if let Some((_, file)) = first {
            let file: Box<dyn ReadRange> = Box::new(Bytes::from(file.bytes));
            let layout = Arc::clone(&self.layout);
            *self = Self::open(file, &self.path, &self.measurement, layout, None)?;
        }
        Ok(())
    }
}

fn damaged(path: &Arc<str>, source: ParquetError) -> DecodeError {
    DecodeError::Damaged {
        path: Arc::clone(path),
        source,
    }
}

/// What each column is read as, and the types to ask the reader for.
fn plan(
    metadata: ParquetMetaData,
    layout: &Layout,
    path: &Arc<str>,
) -> Result<(ArrowReaderMetadata, Vec<(usize, Role)>), DecodeError> {
    let metadata = Arc::new(metadata);
    // What a writer says of Arrow's types is its own affair.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let load = |options| ArrowReaderMetadata::try_new(Arc::clone(&metadata), options);
    let found = load(options.clone()).map_err(|error| damaged(path, error))?;
    let names = found.schema().fields();
    let time = [TIME_NS, TIME]
        .iter()
        .find_map(|name| names.find(name).map(|(index, _)| index));
    let time = time.ok_or_else(|| DecodeError::NoTime {
        path: Arc::clone(path),
    })?;
    let mut roles = Vec::new();
    let mut fields: Vec<Field> = Vec::with_capacity(names.len());
    for (index, field) in names.iter().enumerate() {
        let mut field = Field::clone(field);
        if index == time {
            roles.push((index, Role::Time));
        } else if let Some(place) = layout.find_stored(field.name())
            && let Some(column) = layout.columns().get(place)
        {
            let wanted = arrays::type_for(column.kind, field.data_type());
            let wanted = wanted.ok_or_else(|| DecodeError::Type {
                path: Arc::clone(path),
                column: field.name().clone(),
                found: field.data_type().to_string(),
                expected: column.kind.as_str(),
            })?;
            field.set_data_type(wanted);
            roles.push((index, Role::Column(place)));
        }
        fields.push(field);
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let metadata = load(options.with_schema(schema)).map_err(|error| damaged(path, error))?;
    Ok((metadata, roles))
}

/// Whether a row group may have rows in the range.
fn may_have(group: &RowGroupMetaData, times: Option<&Range<i64>>) -> bool {
    let Some(times) = times else {
        return true;
    };
    let columns = group.columns().iter();
    let time_ns = columns.filter(|column| column.column_path().string() == TIME_NS);
    let statistics = time_ns.filter_map(|column| column.statistics()).next();
    match statistics {
        Some(Statistics::Int64(range)) => match (range.min_opt(), range.max_opt()) {
            (Some(min), Some(max)) => *min < times.end && *max >= times.start,
            _ => true,
        },
        _ => true,
    }
}

/// Whether the writer says of every row group that it is sorted by `time_ns` last.
fn says_sorted(metadata: &ParquetMetaData) -> bool {
    let columns = metadata.file_metadata().schema_descr().columns();
    let time_ns = columns.iter().position(|column| column.name() == TIME_NS);
    metadata.row_groups().iter().all(|group| {
        let last = group.sorting_columns().and_then(|columns| columns.last());
        let place = last.and_then(|column| usize::try_from(column.column_idx).ok());
        place.is_some() && place == time_ns
    })
}
