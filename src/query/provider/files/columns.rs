//! The columns of one file as the table has them: their places, types, and the tags that are known without
//! being read.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{ArrowError, SchemaRef};
use datafusion::arrow::compute::cast_with_options;
use datafusion::common::format::DEFAULT_CAST_OPTIONS;
use datafusion::error::{DataFusionError, Result};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use datafusion::parquet::errors::ParquetError;

use super::adapter::Adapt;
use super::reader::Reader;
use super::tag_runs::TagRuns;
use crate::database::ColumnKind;
use crate::kinds;

/// The runs of each of these columns that is a tag, where they need not be made from many rows for it: the file
/// has so many.
pub(super) async fn known_tags(
    reader: &mut Reader,
    asked: &SchemaRef,
    rows: usize,
) -> Result<Vec<Option<Arc<TagRuns>>>> {
    let mut tags = Vec::with_capacity(asked.fields().len());
    for field in asked.fields() {
        let runs = match kinds::of(field) {
            Some(ColumnKind::Tag) => reader.cheap_runs(field.name(), rows).await,
            _ => Ok(None),
        };
        tags.push(runs.map_err(of_parquet)?);
    }
    Ok(tags)
}

/// Where the values of a column come from.
enum Values {
    /// The place in a batch.
    Read(usize),
    /// What is known of a tag.
    Known(Arc<TagRuns>),
    /// The file lacks the column.
    Absent,
}

/// The columns that are asked for, as batches of one file have them.
pub(super) struct Columns {
    asked: SchemaRef,
    given: SchemaRef,
    values: Vec<Values>,
}

impl Columns {
    /// The columns of a file, which are given under other names than the table has, and what to read for
    /// them.
    pub(super) fn of_file(
        asked: &SchemaRef,
        given: &SchemaRef,
        tags: Vec<Option<Arc<TagRuns>>>,
        adapt: &Adapt,
        footer: &ArrowReaderMetadata,
    ) -> Result<(Self, ProjectionMask)> {
        let mut values = Vec::with_capacity(asked.fields().len());
        for (field, tag) in asked.fields().iter().zip(tags) {
            let root = root(adapt, footer, field.name());
            values.push(match (tag, root) {
                (Some(runs), _) => Values::Known(runs),
                (None, Some(root)) => Values::Read(root),
                (None, None) if field.is_nullable() => Values::Absent,
                (None, None) => return Err(lacks(field.name())),
            });
        }
        let read = |values: &Values| match values {
            Values::Read(root) => Some(*root),
            Values::Known(_) | Values::Absent => None,
        };
        let mut read: Vec<usize> = values.iter().filter_map(read).collect();
        read.sort_unstable();
        // A column may be given twice.
        read.dedup();
        for values in &mut values {
            if let Values::Read(root) = values {
                // A batch has the columns in the order of the file.
                *root = read.partition_point(|other| other < root);
            }
        }
        let columns = Self {
            asked: Arc::clone(asked),
            given: Arc::clone(given),
            values,
        };
        let mask = ProjectionMask::roots(footer.parquet_schema(), read);
        Ok((columns, mask))
    }

    /// The rows of a batch, whose places in the file come next and ascend, with the columns that are asked
    /// for, in the types that the table has.
    pub(super) fn of_table(
        &self,
        batch: &RecordBatch,
        places: &mut impl Iterator<Item = usize>,
    ) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        // Each place of a whole file takes as long as a value of it.
        let is_known = |values: &Values| matches!(values, Values::Known(_));
        let places: Vec<usize> = match self.values.iter().any(is_known) {
            true => places.take(rows).collect(),
            false => Vec::new(),
        };
        let fields = self.asked.fields().iter();
        let columns = fields.zip(&self.values).map(|(field, values)| {
            let column = match values {
                Values::Read(place) => Arc::clone(batch.column(*place)),
                Values::Known(runs) => runs.few_at(&places),
                Values::Absent => return Ok(new_null_array(field.data_type(), rows)),
            };
            if column.data_type() == field.data_type() {
                return Ok(column);
            }
            cast_with_options(&column, field.data_type(), &DEFAULT_CAST_OPTIONS)
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, ArrowError>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let given = Arc::clone(&self.given);
        Ok(RecordBatch::try_new_with_options(given, columns, &options)?)
    }
}

/// The place of a column of the table among those of a file.
pub(super) fn root(adapt: &Adapt, footer: &ArrowReaderMetadata, column: &str) -> Option<usize> {
    let stored = adapt.stored(column)?;
    let (root, _) = footer.schema().column_with_name(stored)?;
    Some(root)
}

pub(super) fn lacks(column: &str) -> DataFusionError {
    DataFusionError::Internal(format!("a file lacks column {column:?}"))
}

pub(super) fn of_parquet(error: ParquetError) -> DataFusionError {
    DataFusionError::ParquetError(Box::new(error))
}
