//! Keys of an order that are computed, as in `ORDER BY abs(round(v))`.
//!
//! Once rows are sorted, DataFusion 55.2 asks whether they are in the order that is needed, and asks each part
//! of a key for its range first. `abs(…)`, `sqrt(…)` and comparisons fail where that of what is in them is not
//! known, and with them the question, though its rows are sorted as it asks. Here such a key becomes a column
//! before the rows are sorted. Casts of columns, their sums and bins of time stay as they are: files may have
//! their order.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, Result};
use datafusion::logical_expr::expr::{Cast, ScalarFunction, TryCast};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    BinaryExpr, Expr, LogicalPlan, Operator, Projection, Sort, SortExpr, Window,
};
use datafusion::optimizer::AnalyzerRule;

use crate::logical::each_expression::{asks_elsewhere, find};

/// The rule, once types are known.
#[derive(Debug)]
pub(crate) struct ComputedKeys;

impl AnalyzerRule for ComputedKeys {
    fn name(&self) -> &str {
        "computed_keys"
    }

    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        let computed = plan.transform_up_with_subqueries(|node| match node {
            LogicalPlan::Sort(sort) => of_sort(sort),
            LogicalPlan::Window(window) => of_window(window),
            node => Ok(Transformed::no(node)),
        })?;
        Ok(computed.data)
    }
}

fn of_sort(mut sort: Sort) -> Result<Transformed<LogicalPlan>> {
    let columns = sort.input.schema().columns();
    let mut keys = Keys::beside(&columns);
    sort.expr.iter_mut().for_each(|key| keys.take(key));
    if keys.computed.is_empty() {
        return Ok(Transformed::no(LogicalPlan::Sort(sort)));
    }
    sort.input = keys.below(sort.input)?;
    of_columns(columns, LogicalPlan::Sort(sort)).map(Transformed::yes)
}

fn of_window(window: Window) -> Result<Transformed<LogicalPlan>> {
    let (columns, given) = (window.input.schema().columns(), window.schema.columns());
    let mut keys = Keys::beside(&columns);
    let node = LogicalPlan::Window(window.clone());
    let names = NamePreserver::new(&node);
    let mut exprs = window.window_expr;
    for expr in &mut exprs {
        let name = names.save(expr);
        let mut said = expr.clone().unalias();
        if let Expr::WindowFunction(call) = &mut said {
            let order_by = &mut call.params.order_by;
            order_by.iter_mut().for_each(|key| keys.take(key));
        }
        *expr = name.restore(said);
    }
    if keys.computed.is_empty() {
        return Ok(Transformed::no(node));
    }
    let window = Window::try_new(exprs, keys.below(window.input)?)?;
    of_columns(given, LogicalPlan::Window(window)).map(Transformed::yes)
}

/// The columns that were there before.
fn of_columns(columns: Vec<Column>, plan: LogicalPlan) -> Result<LogicalPlan> {
    let columns = columns.into_iter().map(Expr::Column).collect();
    Projection::try_new(columns, Arc::new(plan)).map(LogicalPlan::Projection)
}

/// Keys that are computed beside these columns.
struct Keys<'a> {
    columns: &'a [Column],
    computed: Vec<Expr>,
}

impl<'a> Keys<'a> {
    fn beside(columns: &'a [Column]) -> Self {
        Self {
            columns,
            computed: Vec::new(),
        }
    }

    /// Puts a column in the place of a key that is to be computed.
    fn take(&mut self, key: &mut SortExpr) {
        if is_plain(&key.expr) || holds_question(&key.expr) {
            return;
        }
        let name = self.free_name();
        let column = Expr::Column(Column::new_unqualified(&name));
        let computed = std::mem::replace(&mut key.expr, column);
        self.computed.push(computed.unalias().alias(name));
    }

    fn free_name(&self) -> String {
        let mut name = format!("__key_{}", self.computed.len().saturating_add(1));
        while self.columns.iter().any(|column| column.name == name) {
            name.push('_');
        }
        name
    }

    /// The rows with the columns of these keys.
    fn below(self, input: Arc<LogicalPlan>) -> Result<Arc<LogicalPlan>> {
        let columns = self.columns.iter().cloned().map(Expr::Column);
        let columns = columns.chain(self.computed).collect();
        let below = Projection::try_new(columns, input)?;
        Ok(Arc::new(LogicalPlan::Projection(below)))
    }
}

/// Returns true if the order of a key is known from that of its column.
fn is_plain(key: &Expr) -> bool {
    match key {
        Expr::Column(_) | Expr::Literal(..) => true,
        Expr::Alias(alias) => is_plain(&alias.expr),
        Expr::Cast(Cast { expr, .. }) | Expr::TryCast(TryCast { expr, .. }) => is_plain(expr),
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Plus | Operator::Minus,
            right,
        }) => is_plain(left) && is_plain(right),
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            matches!(func.name(), "date_bin" | "date_trunc") && args.iter().all(is_plain)
        }
        _ => false,
    }
}

/// Returns true if a key asks of other rows, which is said in other words later.
fn holds_question(key: &Expr) -> bool {
    find(key, |expr| asks_elsewhere(expr).then_some(())).is_some()
}
