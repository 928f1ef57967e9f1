//! The rows of a subquery as a table of a plan. They are made as they are read.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::internal_datafusion_err;
use datafusion::datasource::TableProvider;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures_util::stream::try_unfold;

use super::super::analysis::Analysed;
use super::super::series::SeriesPart;
use super::super::value::ValueType;
use super::drive::Drive;
use super::level::{Level, Session};
use super::names::{ORDER, TIME, of_column, of_tag};

/// Returns the rows of a subquery over one measurement as a table.
///
/// # Errors
/// Columns that make no table, which would be a fault of this program.
pub(super) fn table(
    session: &Arc<Session>,
    query: &Analysed,
    name: &Arc<str>,
) -> Result<Arc<dyn TableProvider>> {
    let schema = schema(query);
    let rows = Rows {
        session: Arc::clone(session),
        level: Arc::new(Level::inner(query, name, session.seed)),
        schema: Arc::clone(&schema),
    };
    Ok(Arc::new(StreamingTable::try_new(
        schema,
        vec![Arc::new(rows)],
    )?))
}

/// The columns: the number of the row, its time, what the subquery selects, the tags of its groups.
fn schema(query: &Analysed) -> SchemaRef {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let mut fields = vec![
        Field::new(ORDER, DataType::Int64, false),
        Field::new(TIME, time, false),
    ];
    for (index, column) in query.columns.iter().enumerate() {
        let value_type = column.value_type.unwrap_or(ValueType::Float);
        fields.push(Field::new(of_column(index), value_type.into(), true));
    }
    for index in 0..query.tags.len() {
        fields.push(Field::new(of_tag(index), DataType::Utf8, false));
    }
    Arc::new(Schema::new(fields))
}

#[derive(Debug)]
struct Rows {
    session: Arc<Session>,
    level: Arc<Level>,
    schema: SchemaRef,
}

impl PartitionStream for Rows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let levels = vec![Arc::clone(&self.level)];
        let drive = Drive::new(Arc::clone(&self.session), levels);
        let begun = (drive, 0_i64, Arc::clone(&self.schema));
        let batches = try_unfold(begun, |(mut drive, number, schema)| async move {
            let part = drive.next().await;
            let part = part.map_err(|error| DataFusionError::External(Box::new(error)))?;
            let Some(part) = part else {
                return Ok(None);
            };
            let next = i64::try_from(part.rows.num_rows()).unwrap_or(i64::MAX);
            let next = number.saturating_add(next);
            let batch = batch(&part, number, &schema)?;
            Ok(Some((batch, (drive, next, schema))))
        });
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, batches))
    }
}

fn batch(part: &SeriesPart, number: i64, schema: &SchemaRef) -> Result<RecordBatch> {
    let rows = part.rows.num_rows();
    let unexpected = || internal_datafusion_err!("a part of a subquery without times");
    let (times, columns) = part.rows.columns().split_first().ok_or_else(unexpected)?;
    let times = times
        .as_primitive_opt::<Int64Type>()
        .ok_or_else(unexpected)?;
    let times = TimestampNanosecondArray::new(times.values().clone(), None);
    let numbers = Int64Array::from_iter_values((number..).take(rows));
    let mut all: Vec<ArrayRef> = vec![Arc::new(numbers), Arc::new(times)];
    all.extend(columns.iter().cloned());
    let tags = part.tags.iter().flat_map(|tags| tags.0.iter());
    for (_, value) in tags {
        let values = std::iter::repeat_n(&**value, rows);
        all.push(Arc::new(StringArray::from_iter_values(values)));
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), all)?)
}
