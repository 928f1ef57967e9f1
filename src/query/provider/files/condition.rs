//! The conditions that files decide: the times of a part, and values of tags.

use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, SchemaRef, TimeUnit};
use datafusion::catalog::Session;
use datafusion::common::{Column, DFSchema};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, lit, utils::conjunction};
use datafusion::physical_expr::PhysicalExpr;

use crate::database::TagFilter;
use crate::kinds;

/// Two columns that a file has once: the first and the last time of its part. One condition says so
/// of all files.
pub(super) struct Bounds {
    time: String,
    first: String,
    last: String,
}

impl Bounds {
    /// Columns whose names none of the table has.
    pub(super) fn beside(schema: &SchemaRef) -> Self {
        let free = |name: &str| {
            let mut name = name.to_owned();
            while schema.field_with_name(&name).is_ok() {
                name.push('_');
            }
            name
        };
        let time = kinds::time(schema);
        Self {
            time: time.map(|field| field.name().clone()).unwrap_or_default(),
            first: free("first time"),
            last: free("last time"),
        }
    }

    pub(super) fn fields(&self) -> Vec<FieldRef> {
        let names = [&self.first, &self.last].into_iter();
        names.map(|name| Arc::new(time_field(name))).collect()
    }

    fn conditions(&self) -> [Expr; 2] {
        [
            column(&self.time).gt_eq(column(&self.first)),
            column(&self.time).lt_eq(column(&self.last)),
        ]
    }
}

/// The conditions on rows of files; none if there are none.
pub(super) fn of(
    state: &dyn Session,
    table: &TableSchema,
    bounds: Option<&Bounds>,
    tags: &[TagFilter],
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let bounds = bounds.into_iter().flat_map(Bounds::conditions);
    let Some(condition) = conjunction(bounds.chain(tags.iter().map(tag))) else {
        return Ok(None);
    };
    let schema = DFSchema::try_from(Arc::clone(table.table_schema()))?;
    state.create_physical_expr(condition, &schema).map(Some)
}

fn tag(filter: &TagFilter) -> Expr {
    let tag = || column(&filter.column);
    let values = filter.one_of.iter().flatten();
    let values: Vec<Expr> = values.map(|value| lit(value.as_str())).collect();
    let has_none = filter.one_of.contains(&None);
    match (values.is_empty(), has_none) {
        (true, true) => tag().is_null(),
        (true, false) => lit(false),
        (false, true) => tag().is_null().or(tag().in_list(values, false)),
        (false, false) => tag().in_list(values, false),
    }
}

fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

/// The field of a time that is not in files.
fn time_field(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Nanosecond, None), false)
}
