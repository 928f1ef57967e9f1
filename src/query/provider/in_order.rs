//! The order of series and time, in which the rows of a file are, and those that are merged: tag by tag as
//! their names ascend, rows without a tag first, then by time.
//!
//! ```text
//! runs of rows, each in order, one per partition > merge of them > rows in order, none of which was sorted
//! ```

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef, SortOptions};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    AcrossPartitions, ConstExpr, EquivalenceProperties, LexOrdering, PhysicalExpr, PhysicalSortExpr,
};

use crate::database::ColumnKind;
use crate::kinds;

/// The most runs that are read side by side: each holds a row group of a file, where a sort reads few
/// files at once and puts on disk what it cannot hold.
pub(super) const RUNS_MAX: usize = 32;

/// The order of rows, and which of their columns have one value in all of them.
#[derive(Clone, Debug)]
pub(super) struct InOrder {
    ordering: LexOrdering,
    constants: Vec<ConstExpr>,
}

impl InOrder {
    /// Says so of rows.
    pub(super) fn add_to(&self, properties: &mut EquivalenceProperties) {
        properties.add_ordering(self.ordering.clone());
        let added = properties.add_constants(self.constants.iter().cloned());
        // Without them a plan sorts what is sorted.
        debug_assert!(
            added.is_ok(),
            "columns without an order say nothing about others"
        );
    }
}

/// What of that order rows with the columns of `asked` show, of a table with the columns of `all`, which
/// stand by name: all of it, or what is before the first column that is not asked for. If all rows are of one
/// series it is that of times, whether its tags are asked for or not.
pub(super) fn of(all: &SchemaRef, asked: &Schema, is_one_series: bool) -> Option<InOrder> {
    let of_kind = |kind: ColumnKind| {
        let fields = all.fields().iter();
        let fields = fields.filter(move |field| kinds::of(field) == Some(kind));
        fields.map(|field| {
            let place = asked.index_of(field.name()).ok()?;
            Some(Arc::new(Column::new(field.name(), place)) as Arc<dyn PhysicalExpr>)
        })
    };
    let (tags, times) = (of_kind(ColumnKind::Tag), of_kind(ColumnKind::Time));
    let by = |column| {
        let options = SortOptions {
            descending: false,
            nulls_first: true,
        };
        PhysicalSortExpr::new(column, options)
    };
    let (ordering, constants) = match is_one_series {
        true => {
            let same = |tag| ConstExpr::new(tag, AcrossPartitions::Uniform(None));
            let times = times.flatten().map(by);
            (LexOrdering::new(times)?, tags.flatten().map(same).collect())
        }
        false => {
            let shown = tags.chain(times).map_while(|column| column.map(by));
            (LexOrdering::new(shown)?, Vec::new())
        }
    };
    Some(InOrder {
        ordering,
        constants,
    })
}
