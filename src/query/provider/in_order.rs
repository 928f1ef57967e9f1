//! The order of series and time, in which the rows of a file are, and those that are merged: tag by tag as
//! their names ascend, rows without a tag first, then by time.
//!
//! ```text
//! runs of rows, each in order, one per partition > merge of them > rows in order, none of which was sorted
//! ```

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef, SortOptions};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};

use crate::database::ColumnKind;
use crate::kinds;

/// The most runs that are read side by side: each holds a row group of a file, where a sort reads few
/// files at once and puts on disk what it cannot hold.
pub(super) const RUNS_MAX: usize = 32;

/// What of that order rows with the columns of `asked` show, of a table with the columns of `all`, which
/// stand by name: all of it, or what is before the first column that is not asked for.
pub(super) fn of(all: &SchemaRef, asked: &Schema) -> Option<LexOrdering> {
    let of_kind = |kind: ColumnKind| {
        let fields = all.fields().iter();
        fields.filter(move |field| kinds::of(field) == Some(kind))
    };
    let columns = of_kind(ColumnKind::Tag).chain(of_kind(ColumnKind::Time));
    let shown = columns.map_while(|field| {
        let place = asked.index_of(field.name()).ok()?;
        let options = SortOptions {
            descending: false,
            nulls_first: true,
        };
        let column = Arc::new(Column::new(field.name(), place));
        Some(PhysicalSortExpr::new(column, options))
    });
    LexOrdering::new(shown.collect::<Vec<_>>())
}
