//! Where a source has what is read from it: names of columns in a plan.

use std::sync::Arc;

use arrow_schema::{DataType, SchemaRef};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, cast, lit};

use super::super::analysis::Read;
use super::super::value::ValueType;
use super::convert;
use crate::database::ColumnKind;
use crate::kinds;

/// The name of the column with the times, in nanoseconds; of every source.
pub(super) const TIME: &str = "time";

/// The name of the column that numbers the rows of a subquery.
pub(super) const ORDER: &str = "order";

/// The columns of a source.
#[derive(Clone, Debug)]
pub(super) enum Names {
    /// A table of points, whose columns have their own names.
    Table(SchemaRef),
    /// The rows of a subquery, grouped by these tags.
    Subquery(Arc<[Arc<str>]>),
}

impl Names {
    /// Returns the tag of this key; `None` if no row has it. A row without it is null in a table, and
    /// "" in a subquery.
    pub(super) fn tag(&self, key: &str) -> Option<Expr> {
        match self {
            Self::Table(schema) => {
                let field = schema.field_with_name(key).ok()?;
                (kinds::of(field) == Some(ColumnKind::Tag)).then(|| column(key))
            }
            Self::Subquery(tags) => {
                let index = tags.iter().position(|tag| **tag == *key)?;
                Some(column(&of_tag(index)))
            }
        }
    }

    /// Returns true if a missing tag is null here, and not "".
    pub(super) fn has_nulls(&self) -> bool {
        matches!(self, Self::Table(_))
    }

    /// Returns a value, in the type that it is read as; tags in the type that they have.
    pub(super) fn value(&self, read: &Read) -> Expr {
        match read {
            Read::Field {
                name,
                stored,
                read_as,
            } => converted(column(name), *stored, *read_as),
            Read::Column { index, read_as } => convert::to(column(&of_column(*index)), *read_as),
            Read::Tag { key } => self.tag(key).unwrap_or_else(no_text),
            Read::Group { key } => self.tag(key).unwrap_or_else(|| lit("")),
        }
    }
}

/// Returns the name of a column of a subquery.
pub(super) fn of_column(index: usize) -> String {
    format!("column{index}")
}

/// Returns the name of a tag of a subquery.
pub(super) fn of_tag(index: usize) -> String {
    format!("tag{index}")
}

/// Returns a column by its very name.
pub(super) fn column(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

fn converted(value: Expr, stored: ValueType, read_as: ValueType) -> Expr {
    match (stored, read_as) {
        (stored, read_as) if stored == read_as => value,
        (_, ValueType::Float) => cast(value, DataType::Float64),
        (_, read_as) => convert::to(value, read_as),
    }
}

/// Returns a text that is always null.
fn no_text() -> Expr {
    lit(datafusion::common::ScalarValue::Utf8(None))
}
