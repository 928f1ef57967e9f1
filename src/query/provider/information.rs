//! The schema `information_schema`: DataFusion's, but for the types of columns.
//!
//! Grafana knows a time by the text `Timestamp(Nanosecond, None)`, which newer versions of Arrow spell
//! otherwise. A tag is told as `Dictionary(Int32, Utf8)`, whatever its values are kept in.
//!
//! Source of the rule: the queries and the types in Grafana's data source of InfluxDB.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array, new_null_array};
use arrow_schema::{Field, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::information_schema::InformationSchemaProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider};
use datafusion::datasource::TableProvider;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures_util::stream;

use super::catalog::{CATALOG, Catalog, SCHEMA};
use crate::kinds;

/// The table that is ours.
const COLUMNS: &str = "columns";

/// The schema.
#[derive(Debug)]
pub(super) struct Information {
    stock: InformationSchemaProvider,
    catalog: Catalog,
}

impl Information {
    pub(super) fn new(catalog: Catalog) -> Self {
        let only = Arc::new(Only(catalog.clone()));
        Self {
            stock: InformationSchemaProvider::new(only),
            catalog,
        }
    }
}

#[async_trait]
impl SchemaProvider for Information {
    fn table_names(&self) -> Vec<String> {
        self.stock.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let stock = self.stock.table(name).await?;
        match stock {
            Some(stock) if name == COLUMNS => {
                let columns = Columns {
                    catalog: self.catalog.clone(),
                    schema: stock.schema(),
                };
                let columns = StreamingTable::try_new(stock.schema(), vec![Arc::new(columns)])?;
                Ok(Some(Arc::new(columns)))
            }
            stock => Ok(stock),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.stock.table_exist(name)
    }
}

/// A list of one catalog.
#[derive(Debug)]
struct Only(Catalog);

impl CatalogProviderList for Only {
    fn register_catalog(
        &self,
        _: String,
        _: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        debug_assert!(false, "there is one catalog");
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![CATALOG.to_owned()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        (name == CATALOG).then(|| Arc::new(self.0.clone()) as _)
    }
}

/// The columns of every table, looked up when they are read.
#[derive(Debug)]
struct Columns {
    catalog: Catalog,
    schema: SchemaRef,
}

impl PartitionStream for Columns {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (catalog, schema) = (self.catalog.clone(), Arc::clone(&self.schema));
        let rows = stream::once(async move {
            let described = describe(&catalog).await?;
            batch(&described, schema)
        });
        let schema = Arc::clone(&self.schema);
        Box::pin(RecordBatchStreamAdapter::new(schema, rows))
    }
}

/// A column of a table, as it is described.
struct Described {
    schema: String,
    table: String,
    place: u64,
    field: Field,
}

async fn describe(catalog: &Catalog) -> Result<Vec<Described>> {
    let mut described = Vec::new();
    for schema_name in catalog.schema_names() {
        let Some(schema) = catalog.schema(&schema_name) else {
            continue;
        };
        for name in schema.table_names() {
            // Only the columns: nothing else of a table of points is kept for it.
            let columns = match schema_name.as_str() {
                SCHEMA => catalog.schema_of(&name).await?,
                _ => schema.table(&name).await?.map(|table| table.schema()),
            };
            // A table that is gone by now has no columns.
            let fields = columns.iter().flat_map(|columns| columns.fields()).zip(0..);
            described.extend(fields.map(|(field, place)| Described {
                schema: schema_name.clone(),
                table: name.clone(),
                place,
                field: Field::clone(field),
            }));
        }
    }
    Ok(described)
}

fn batch(described: &[Described], schema: SchemaRef) -> Result<RecordBatch> {
    let columns = schema.fields().iter();
    let columns = columns.map(|column| values(column, described)).collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// What a column of this table says about all columns; null if it says nothing about any.
fn values(column: &Field, described: &[Described]) -> ArrayRef {
    let texts = |text: &dyn Fn(&Described) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(described.iter().map(text)))
    };
    match column.name().as_str() {
        "table_catalog" => texts(&|_| CATALOG.to_owned()),
        "table_schema" => texts(&|of| of.schema.clone()),
        "table_name" => texts(&|of| of.table.clone()),
        "column_name" => texts(&|of| of.field.name().clone()),
        "is_nullable" => texts(&|of| match of.field.is_nullable() {
            true => "YES".to_owned(),
            false => "NO".to_owned(),
        }),
        "data_type" => texts(&|of| kinds::type_name(&of.field)),
        "ordinal_position" => {
            let places = described.iter().map(|of| of.place);
            Arc::new(UInt64Array::from_iter_values(places))
        }
        _ => new_null_array(column.data_type(), described.len()),
    }
}
