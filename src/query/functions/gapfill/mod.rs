//! Rows for bins of time without points: `date_bin_gapfill`, `locf` and `interpolate`.
//!
//! ```text
//! aggregate by date_bin_gapfill(..)   ─ rewrite ─>   gap fill > aggregate by date_bin(..)
//! filters on the time below it        ─ resolve ─>   the first and the last bin
//! ```
//!
//! A question is rewritten as soon as it is planned, so that the columns of its answer are known; its
//! bins are counted once its parameters and `now()` have values, and before any other rule takes the
//! filters away. Promises: one row per bin from that of the lower bound to that of the upper bound, for
//! each group that has a row; by group, then by time, where the node stands. A column is null in a row
//! that was added, unless it is wrapped: `locf` carries the last value on, `interpolate` draws a line
//! between two of them, both over nulls that were there before.
//!
//! Unlike in InfluxDB 3, one aggregate may be asked for bare and wrapped, or wrapped in both ways: each
//! is a column of its own. HAVING sees the rows that were added.
//!
//! `date_bin_wallclock_gapfill` is the same over bins of local time: each binning is a [`GapBin`] with
//! the function that bins.
//!
//! Source of the rules: the pages of InfluxDB 3 on filling gaps.

mod bins;
mod bounds;
mod calls;
mod column;
mod exec;
mod group;
mod node;
mod planner;
mod resolve;
mod rewrite;

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::functions::datetime::date_bin;
use datafusion::logical_expr::ScalarUDF;
use datafusion::optimizer::{Optimizer, OptimizerRule};

use calls::{Fill, FillCall, GapBin};
use resolve::Resolve;

use super::wallclock::DateBinWallclock;

pub(crate) use planner::Planner;
pub(crate) use rewrite::rewrite;

/// The rules of a session: ours, which must be first, and those of DataFusion.
pub(crate) fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let ours: Arc<dyn OptimizerRule + Send + Sync> = Arc::new(Resolve);
    [ours].into_iter().chain(Optimizer::new().rules).collect()
}

/// Makes the functions known.
///
/// # Errors
/// A name is taken by something that cannot be replaced.
pub(crate) fn register(state: &mut SessionState) -> Result<()> {
    let wallclock = Arc::new(ScalarUDF::from(DateBinWallclock::new()));
    let functions = [
        ScalarUDF::from(GapBin::new("date_bin_gapfill", date_bin())),
        ScalarUDF::from(GapBin::new("date_bin_wallclock_gapfill", wallclock)),
        ScalarUDF::from(FillCall::new(Fill::Locf)),
        ScalarUDF::from(FillCall::new(Fill::Interpolate)),
    ];
    for function in functions {
        state.register_udf(Arc::new(function))?;
    }
    Ok(())
}
