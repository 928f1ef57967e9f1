//! The functions of SQL that people know from InfluxDB 3 and that DataFusion does not have.
//!
//! Source of the rule: the functions of SQL that InfluxDB 3 documents.

pub(crate) mod bounded;
mod date_trunc;
pub(crate) mod gapfill;
mod inner;
mod interval;
mod retyped;
pub(crate) mod selector;
mod to_timestamp;
mod tz;
mod unordered;
pub(crate) mod wallclock;

use std::sync::Arc;

use datafusion::error::Result;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub(crate) use bounded::{Lender, register as bound};
use date_trunc::DateTrunc;
pub(crate) use interval::check as check_intervals;
use retyped::{As, Retyped};
pub(crate) use unordered::unordered;

/// Gives a session its functions, whatever they make.
///
/// # Errors
/// A function cannot be registered.
pub(crate) fn register(session: &mut SessionState) -> Result<()> {
    for selector in selector::all() {
        session.register_udaf(Arc::new(AggregateUDF::new_from_impl(selector)))?;
    }
    let scalars = [
        ScalarUDF::new_from_impl(tz::Tz::new()),
        ScalarUDF::new_from_impl(DateTrunc::new(session.udf("date_trunc")?)),
        ScalarUDF::new_from_impl(to_timestamp::ToTimestamp::new()),
        ScalarUDF::new_from_impl(wallclock::DateBinWallclock::new()),
    ];
    for scalar in scalars {
        session.register_udf(Arc::new(scalar))?;
    }
    let variance = AggregateUDF::clone(&*session.udaf("var")?).with_aliases(["variance"]);
    session.register_udaf(Arc::new(variance))?;
    for (name, counted) in [
        ("approx_distinct", As::Texts),
        ("avg", As::Floats),
        ("median", As::Floats),
    ] {
        let retyped = Retyped::new(session.udaf(name)?, counted);
        session.register_udaf(Arc::new(AggregateUDF::new_from_impl(retyped)))?;
    }
    let date_part = ScalarUDF::clone(&*session.udf("date_part")?).with_aliases(["datepart"]);
    session.register_udf(Arc::new(date_part))?;
    gapfill::register(session)
}
