//! Questions for the newest row of each series, which files answer from the ends of their series.
//!
//! A rule, after all others: below an aggregate that only the newest row of each series can change, and
//! below a sort of which one row is wanted, by time, newest first, the scan is told so by a condition that
//! always holds. It may leave out a row if it gives a newer one of the same series; what cannot tell gives
//! all rows.

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, ExprSchema, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{
    AggregateFunction, AggregateFunctionParams, NullTreatment, ScalarFunction,
};
use datafusion::logical_expr::{
    Aggregate, ColumnarValue, Expr, LogicalPlan, Projection, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Sort, TableScan, Volatility,
};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

use crate::database::ColumnKind;
use crate::kinds;

/// The name of the rule and of its condition, which no question can use.
const NAME: &str = "newest_of_series";

/// The rule.
#[derive(Debug)]
pub(crate) struct Newest;

impl OptimizerRule for Newest {
    fn name(&self) -> &'static str {
        NAME
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        plan.transform_up_with_subqueries(|plan| {
            let (LogicalPlan::Aggregate(Aggregate { input, .. })
            | LogicalPlan::Sort(Sort { input, .. })) = &plan
            else {
                return Ok(Transformed::no(plan));
            };
            let Some(below) = Below::of(input) else {
                return Ok(Transformed::no(plan));
            };
            let is_told = below
                .scan
                .filters
                .iter()
                .any(|filter| asked(filter).is_some());
            let present = match &plan {
                LogicalPlan::Aggregate(aggregate) => present(aggregate, below),
                LogicalPlan::Sort(sort) => is_of_newest(sort, below).then(Vec::new),
                _ => None,
            };
            let (false, Some(present)) = (is_told, present) else {
                return Ok(Transformed::no(plan));
            };
            let mut scan: TableScan = below.scan.clone();
            scan.filters.push(told(present));
            let scan = LogicalPlan::TableScan(scan);
            let input = match below.renamed {
                None => scan,
                Some(renamed) => {
                    let renamed = Projection::try_new(renamed.expr.clone(), Arc::new(scan))?;
                    LogicalPlan::Projection(renamed)
                }
            };
            let told = plan.with_new_exprs(plan.expressions(), vec![input])?;
            Ok(Transformed::yes(told))
        })
    }
}

/// What an aggregate or a sort reads: a scan, or one whose columns have got other names.
#[derive(Clone, Copy)]
struct Below<'p> {
    scan: &'p TableScan,
    renamed: Option<&'p Projection>,
}

impl<'p> Below<'p> {
    fn of(input: &'p LogicalPlan) -> Option<Self> {
        let (scan, renamed) = match input {
            LogicalPlan::Projection(projection) => (&*projection.input, Some(projection)),
            input => (input, None),
        };
        match scan {
            LogicalPlan::TableScan(scan) => Some(Self { scan, renamed }),
            _ => None,
        }
    }

    /// Returns true if an expression is a tag, also as a text.
    fn is_tag(self, expr: &'p Expr) -> bool {
        match as_text(expr) {
            Some(inner) => self.is_tag(inner),
            None => {
                let written = self.written(expr);
                let tag = written.and_then(as_text).or(written);
                tag.is_some_and(|tag| self.is_of_kind(tag, ColumnKind::Tag))
            }
        }
    }

    /// The column of the scan that an expression is, if it is of this kind.
    fn column(self, expr: &'p Expr, kind: ColumnKind) -> Option<&'p Column> {
        let written = self.written(expr)?;
        self.is_of_kind(written, kind)
            .then(|| written.try_as_col())?
    }

    /// The column of the scan that an expression is.
    fn scanned(self, expr: &'p Expr) -> Option<&'p Column> {
        self.written(expr)?.try_as_col()
    }

    /// Returns true if an expression over the scan is a column of this kind.
    fn is_of_kind(self, expr: &Expr, kind: ColumnKind) -> bool {
        let column = expr.try_as_col();
        let field = column.map(|column| self.scan.projected_schema.field_from_column(column));
        matches!(field, Some(Ok(field)) if kinds::of(field) == Some(kind))
    }

    /// What a column is over the scan.
    fn written(self, expr: &'p Expr) -> Option<&'p Expr> {
        let column = expr.try_as_col()?;
        let Some(renamed) = self.renamed else {
            return Some(expr);
        };
        let place = renamed.schema.index_of_column(column).ok()?;
        match renamed.expr.get(place)? {
            Expr::Alias(alias) => Some(&alias.expr),
            expr => Some(expr),
        }
    }
}

/// What an expression makes a text of.
fn as_text(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Cast(cast) if *cast.field.data_type() == DataType::Utf8 => Some(&cast.expr),
        _ => None,
    }
}

/// The condition that tells a scan that no others than the newest rows can change an aggregate over it, or over
/// its columns with other names.
pub(crate) fn of_aggregate(
    aggregate: &Aggregate,
    scan: &TableScan,
    renamed: Option<&Projection>,
) -> Option<Expr> {
    present(aggregate, Below { scan, renamed }).map(told)
}

/// The condition that tells a scan that the only row that is wanted of a sort is the newest one.
pub(crate) fn of_sort(sort: &Sort, scan: &TableScan, renamed: Option<&Projection>) -> Option<Expr> {
    is_of_newest(sort, Below { scan, renamed }).then(|| told(Vec::new()))
}

/// Returns true if the only row that is wanted of a sort is the newest one of its series: before the
/// time, which descends, it is by nothing that rows of a series differ in.
fn is_of_newest(sort: &Sort, below: Below<'_>) -> bool {
    let by = sort.expr.iter().find(|by| !below.is_tag(&by.expr));
    let is_time =
        by.is_some_and(|by| !by.asc && below.column(&by.expr, ColumnKind::Time).is_some());
    sort.fetch == Some(1) && is_time
}

/// The columns that the newest row of each series must have, if no other row can change an aggregate.
fn present(aggregate: &Aggregate, below: Below<'_>) -> Option<Vec<Column>> {
    if !aggregate.group_expr.iter().all(|expr| below.is_tag(expr)) {
        return None;
    }
    let mut present = Vec::new();
    for expr in &aggregate.aggr_expr {
        present.extend(of_newest(expr, &aggregate.group_expr, below)?);
    }
    Some(present)
}

/// The columns that a row must have to be the newest for an aggregate; none if other rows count too.
fn of_newest(expr: &Expr, group: &[Expr], below: Below<'_>) -> Option<Vec<Column>> {
    let expr = match expr {
        Expr::Alias(alias) => &*alias.expr,
        expr => expr,
    };
    let Expr::AggregateFunction(AggregateFunction { func, params }) = expr else {
        return None;
    };
    let AggregateFunctionParams {
        args,
        distinct: false,
        filter: None,
        order_by,
        null_treatment,
    } = params
    else {
        return None;
    };
    match (func.name(), &args[..], &order_by[..]) {
        ("max", [time], []) => {
            below.column(time, ColumnKind::Time)?;
            Some(Vec::new())
        }
        ("selector_last", [value, time, ..], []) => {
            below.column(time, ColumnKind::Time)?;
            Some(vec![below.scanned(value)?.clone()])
        }
        (name @ ("first_value" | "last_value"), [value], order) => {
            let value = below.scanned(value)?;
            // What the rows of a group share does not order them.
            let mut order = order.iter().filter(|by| !group.contains(&by.expr));
            let (by, None) = (order.next()?, order.next()) else {
                return None;
            };
            below.column(&by.expr, ColumnKind::Time)?;
            let ignores_nulls = *null_treatment == Some(NullTreatment::IgnoreNulls);
            let present = ignores_nulls.then(|| value.clone());
            (by.asc == (name == "last_value")).then(|| present.into_iter().collect())
        }
        _ => None,
    }
}

/// The condition that tells a scan.
fn told(present: Vec<Column>) -> Expr {
    let told = Arc::new(ScalarUDF::new_from_impl(NewestOfSeries {
        signature: Signature::variadic_any(Volatility::Stable),
    }));
    let present = present.into_iter().map(Expr::Column).collect();
    Expr::ScalarFunction(ScalarFunction::new_udf(told, present))
}

/// The columns that the newest rows must have, if this is the condition that tells a scan that no
/// others are needed.
pub(crate) fn asked(filter: &Expr) -> Option<Vec<&str>> {
    let Expr::ScalarFunction(call) = filter else {
        return None;
    };
    if call.func.name() != NAME {
        return None;
    }
    let columns = call.args.iter().filter_map(|arg| match arg {
        Expr::Column(column) => Some(column.name()),
        _ => None,
    });
    Some(columns.collect())
}

/// A condition that always holds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NewestOfSeries {
    signature: Signature,
}

impl ScalarUDFImpl for NewestOfSeries {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{NAME} is for scans, which do not compute it")
    }
}
