//! The columns of a table in the terms of its files: their names, and the types of their values.
//!
//! Everything goes through it that reads or leaves out: what is selected, conditions on rows, and
//! what prunes row groups and pages.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{CastExpr, Column, Literal};
use datafusion::physical_expr_adapter::{PhysicalExprAdapter, PhysicalExprAdapterFactory};

use crate::database::{ColumnKind, StoredColumn};
use crate::kinds;

/// The columns of a table, by both of their names.
#[derive(Clone, Debug)]
pub(super) struct Adapt {
    /// The name in files by the name in the table.
    stored: Arc<HashMap<String, String>>,
    /// The types in which columns of files are read if the files themselves do not say it, by the
    /// name in files.
    types: Arc<HashMap<String, DataType>>,
}

impl Adapt {
    /// The columns of a table with this schema.
    pub(super) fn new(columns: &[StoredColumn], schema: &SchemaRef) -> Self {
        let of_table = columns.iter().filter_map(|column| {
            let field = schema.field_with_name(&column.name).ok()?;
            let is_said = kinds::of(field) == Some(ColumnKind::Field);
            (!is_said).then(|| (column.stored.clone(), field.data_type().clone()))
        });
        let names = columns
            .iter()
            .map(|column| (column.name.clone(), column.stored.clone()));
        Self {
            types: Arc::new(of_table.collect()),
            stored: Arc::new(names.collect()),
        }
    }

    /// The name in files of a column of the table.
    pub(super) fn stored(&self, column: &str) -> Option<&str> {
        self.stored.get(column).map(String::as_str)
    }

    /// The type in which a column of a file is read; absent if it is what the file says.
    pub(super) fn read_as(&self, stored: &str) -> Option<&DataType> {
        self.types.get(stored)
    }
}

impl PhysicalExprAdapterFactory for Adapt {
    fn create(
        &self,
        logical_file_schema: SchemaRef,
        physical_file_schema: SchemaRef,
    ) -> Result<Arc<dyn PhysicalExprAdapter>> {
        Ok(Arc::new(OfFile {
            adapt: self.clone(),
            table: logical_file_schema,
            file: physical_file_schema,
        }))
    }
}

/// The columns of one file.
#[derive(Debug)]
struct OfFile {
    adapt: Adapt,
    table: SchemaRef,
    file: SchemaRef,
}

impl PhysicalExprAdapter for OfFile {
    fn rewrite(&self, expr: Arc<dyn PhysicalExpr>) -> Result<Arc<dyn PhysicalExpr>> {
        let columns = expr.transform(|expr| match expr.downcast_ref::<Column>() {
            Some(column) => self.column(column).map(Transformed::yes),
            None => Ok(Transformed::no(expr)),
        });
        columns.data()
    }
}

impl OfFile {
    /// The values of a column of the table: null if the file lacks it.
    fn column(&self, column: &Column) -> Result<Arc<dyn PhysicalExpr>> {
        let field = self.table.field_with_name(column.name())?;
        let stored = self.adapt.stored.get(column.name());
        let found = stored.and_then(|stored| self.file.column_with_name(stored));
        let Some((place, found)) = found else {
            if !field.is_nullable() {
                let text = format!("a file lacks column {:?}", column.name());
                return Err(DataFusionError::Internal(text));
            }
            let null = ScalarValue::try_new_null(field.data_type())?;
            return Ok(Arc::new(Literal::new(null)));
        };
        let values = Arc::new(Column::new(found.name(), place));
        if found.data_type() == field.data_type() {
            return Ok(values);
        }
        let data_type = field.data_type().clone();
        Ok(Arc::new(CastExpr::new(values, data_type, None)))
    }
}
