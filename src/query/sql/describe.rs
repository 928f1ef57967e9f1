//! `DESCRIBE`: DataFusion's, but for the types of columns, which are spelled as in
//! `information_schema.columns`.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};

use crate::kinds;

/// Puts rows in the place of what describes a table. Other plans stay as they are.
///
/// # Errors
/// The rows cannot be made.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up(|node| match node {
        LogicalPlan::DescribeTable(table) => Ok(Transformed::yes(rows(&table.schema)?)),
        other => Ok(Transformed::no(other)),
    })?;
    Ok(rewritten.data)
}

fn rows(described: &Schema) -> Result<LogicalPlan> {
    let texts = |text: &dyn Fn(&Field) -> String| -> ArrayRef {
        let fields = described.fields().iter();
        Arc::new(StringArray::from_iter_values(
            fields.map(|field| text(field)),
        ))
    };
    let nullable = |field: &Field| match field.is_nullable() {
        true => "YES".to_owned(),
        false => "NO".to_owned(),
    };
    let schema: SchemaRef = Arc::new(LogicalPlan::describe_schema());
    let columns = vec![
        texts(&|field| field.name().clone()),
        texts(&kinds::type_name),
        texts(&nullable),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
    let table = MemTable::try_new(schema, vec![vec![batch]])?;
    let source = provider_as_source(Arc::new(table));
    LogicalPlanBuilder::scan("described", source, None)?.build()
}
