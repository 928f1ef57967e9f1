//! A database as DataFusion sees it.
//!
//! ```text
//! Database > catalog "public" > schema "iox" > table > scan of pieces
//!                               schemas "information_schema", "system"
//! ```
//!
//! Promises: a condition on the time or on tags that a scan understands ([`filters`]) is decided below
//! the merge, by the database or where its [`files`] are read, and nowhere else. Conditions on fields
//! stay above the merge; only files that nothing overlaps get them. Rows are in no order, unless who plans
//! wants that of series ([`in_order`]) and all pieces have it. Nothing is read while a question
//! is understood; while its scans are planned, of files no more than footers and tags.

mod catalog;
mod files;
mod filters;
mod in_order;
mod information;
mod scan;
mod system;
mod table;
mod tags;

use std::sync::Arc;

use datafusion::datasource::TableProvider;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::ExecutionPlan;

use crate::database::Table;

pub(crate) use catalog::{CATALOG, Catalog, SCHEMA};
pub(crate) use files::{FEW_VALUES, NameFiles};
pub(crate) use system::View;
pub(crate) use tags::combinations;

/// A table of points as plans read it, without a catalog.
pub(crate) fn of_table(table: Arc<dyn Table>) -> Arc<dyn TableProvider> {
    Arc::new(table::Provider::new(table))
}

/// Such a table whose rows are wanted in the order of series and time. Plans that need them in that order
/// sort them; of those that say that they are in it they only merge the partitions.
pub(crate) fn of_table_in_order(table: Arc<dyn Table>) -> Arc<dyn TableProvider> {
    Arc::new(table::Provider::new(table).in_order())
}

/// Keeps a scan for who asks a table of points for the very same next. Another kind of table makes it anew.
///
/// # Errors
/// The conditions are none that the table decides.
pub(crate) fn keep_scan(
    table: &dyn TableProvider,
    columns: Option<&Vec<usize>>,
    conditions: &[Expr],
    scan: Arc<dyn ExecutionPlan>,
) -> Result<()> {
    match table.downcast_ref::<table::Provider>() {
        Some(table) => table.keep(columns, conditions, scan),
        None => Ok(()),
    }
}

/// The most values that a scan of a table reads; none if that is not known, or if it is no such scan.
pub(crate) fn values_at_most(leaf: &Arc<dyn ExecutionPlan>) -> Option<usize> {
    let source = leaf.downcast_ref::<DataSourceExec>()?.data_source();
    match source.downcast_ref::<scan::Pieces>() {
        Some(pieces) => pieces.values_at_most(),
        None => files::values_at_most(source),
    }
}
