//! The schema `system`: what the engine tells about itself. It has the questions that run and the last
//! ones that ended, as far as the one who asks may see them.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, StringArray, TimestampNanosecondArray, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use async_trait::async_trait;
use datafusion::catalog::SchemaProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::TableProvider;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures_util::stream;

use crate::record::{Asker, Record, Records};

/// The name of the schema.
pub(crate) const SYSTEM: &str = "system";

/// The name of its only table.
const QUERIES: &str = "queries";

/// What one sender sees of the records; nothing if there are none.
#[derive(Clone, Debug, Default)]
pub(crate) struct View(Option<(Arc<Records>, Asker)>);

impl View {
    pub(crate) fn new(records: Arc<Records>, asker: Asker) -> Self {
        Self(Some((records, asker)))
    }

    fn records(&self) -> Vec<Record> {
        match &self.0 {
            Some((records, asker)) => records.seen_by(asker),
            None => Vec::new(),
        }
    }
}

/// The schema.
#[derive(Debug)]
pub(super) struct System(View);

impl System {
    pub(super) fn new(view: View) -> Self {
        Self(view)
    }
}

#[async_trait]
impl SchemaProvider for System {
    fn table_names(&self) -> Vec<String> {
        vec![QUERIES.to_owned()]
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if name != QUERIES {
            return Ok(None);
        }
        let rows = Arc::new(Queries(self.0.clone()));
        let table = StreamingTable::try_new(Arc::clone(&SCHEMA), vec![rows])?;
        Ok(Some(Arc::new(table)))
    }

    fn table_exist(&self, name: &str) -> bool {
        name == QUERIES
    }
}

/// The rows of the table, as they are when they are read.
#[derive(Debug)]
struct Queries(View);

impl PartitionStream for Queries {
    fn schema(&self) -> &SchemaRef {
        &SCHEMA
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let view = self.0.clone();
        let rows = stream::once(async move { batch(&view.records()) });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&SCHEMA), rows))
    }
}

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let columns = [
        ("time", time, false),
        ("token", DataType::Utf8, false),
        ("bucket", DataType::Utf8, false),
        ("protocol", DataType::Utf8, false),
        ("text", DataType::Utf8, false),
        ("outcome", DataType::Utf8, false),
        ("seconds", DataType::Float64, false),
        ("waiting_seconds", DataType::Float64, false),
        ("planning_seconds", DataType::Float64, false),
        ("rows", DataType::UInt64, false),
        ("bytes", DataType::UInt64, false),
        ("memory_bytes_max", DataType::UInt64, false),
        ("files_read", DataType::UInt64, true),
        ("files_pruned", DataType::UInt64, true),
    ];
    let fields =
        columns.map(|(name, data_type, is_nullable)| Field::new(name, data_type, is_nullable));
    Arc::new(Schema::new(fields.to_vec()))
});

fn batch(records: &[Record]) -> Result<RecordBatch> {
    let texts = |text: &dyn Fn(&Record) -> &str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(records.iter().map(text)))
    };
    let seconds = |time: &dyn Fn(&Record) -> Duration| -> ArrayRef {
        let times = records.iter().map(|record| time(record).as_secs_f64());
        Arc::new(Float64Array::from_iter_values(times))
    };
    let numbers = |number: &dyn Fn(&Record) -> Option<u64>| -> ArrayRef {
        Arc::new(records.iter().map(number).collect::<UInt64Array>())
    };
    let times = records.iter().map(|record| record.start_ns);
    let columns = vec![
        Arc::new(TimestampNanosecondArray::from_iter_values(times)) as ArrayRef,
        texts(&|record| &record.asker.description),
        texts(&|record| &record.asker.bucket),
        texts(&|record| record.asker.protocol),
        texts(&|record| &record.text),
        texts(&|record| record.outcome.as_str()),
        seconds(&|record| record.lasted),
        seconds(&|record| record.waited),
        seconds(&|record| record.planned),
        numbers(&|record| Some(record.rows)),
        numbers(&|record| Some(record.bytes)),
        numbers(&|record| Some(record.memory_bytes_max)),
        numbers(&|record| record.files_read),
        numbers(&|record| record.files_pruned),
    ];
    Ok(RecordBatch::try_new(Arc::clone(&SCHEMA), columns)?)
}
