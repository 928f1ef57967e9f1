//! Answers as they leave: columns of few types, which every client can read.
//!
//! Source of the rule: query contract, section 5. Inside a plan a tag is a dictionary; strings may be
//! views. Clients of Grafana and of JavaScript read neither.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::compute::cast;
use datafusion::execution::SendableRecordBatchStream;
use futures_core::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

use crate::error::QueryError;

/// The rows that a question asked for.
pub struct Answer {
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
}

impl Answer {
    pub(crate) fn new(rows: SendableRecordBatchStream) -> Self {
        let schema = Arc::new(leaving(&rows.schema()));
        let types = Arc::clone(&schema);
        let batches = rows.map_err(QueryError::from);
        let batches = batches.and_then(move |batch| {
            let batch = recast(&batch, &types);
            async move { batch }
        });
        Self {
            schema,
            batches: batches.boxed(),
        }
    }

    /// The columns, with the metadata that says what each is.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// The rest of the answer cannot be given. Nothing follows.
    pub async fn next_batch(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        self.batches.try_next().await
    }
}

pub(crate) fn leaving(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let data_type = leaving_type(field.data_type());
        Field::clone(field).with_data_type(data_type)
    });
    let fields: Vec<Field> = fields.collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

pub(crate) fn leaving_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => leaving_type(values),
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary => DataType::Binary,
        other => other.clone(),
    }
}

fn recast(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, QueryError> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(
        |(column, field)| match column.data_type() == field.data_type() {
            true => Ok(Arc::clone(column)),
            false => cast(column, field.data_type()),
        },
    );
    let columns = columns.collect::<Result<_, _>>();
    let batch = columns.and_then(|columns| RecordBatch::try_new(Arc::clone(schema), columns));
    batch.map_err(|error| QueryError::Internal(error.to_string()))
}
