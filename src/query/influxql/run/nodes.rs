//! Nodes of plans, one on the other.
//!
//! DataFusion's builder looks at the whole plan for what a name may mean. Here it is known: names over a scan
//! are those of its columns, and above that each column has a name of its own.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Aggregate, Expr, Filter, LogicalPlan, Projection, Sort, SortExpr, TableScan, TableScanBuilder,
};

/// Rows, so far.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    plan: LogicalPlan,
    /// The name of the table that is scanned, if nothing has given the columns other names.
    table: Option<TableReference>,
}

impl Nodes {
    /// All rows of a table.
    ///
    /// # Errors
    /// Two columns of one name.
    pub(super) fn scan(name: &str, table: Arc<dyn TableProvider>) -> Result<Self> {
        let name = TableReference::bare(name);
        let scan: TableScan =
            TableScanBuilder::new(name.clone(), provider_as_source(table)).build()?;
        Ok(Self {
            plan: LogicalPlan::TableScan(scan),
            table: Some(name),
        })
    }

    /// Rows whose columns have names of their own.
    pub(super) fn of(plan: LogicalPlan) -> Self {
        Self { plan, table: None }
    }

    /// Those that a condition holds for.
    ///
    /// # Errors
    /// It is no condition, or of other columns.
    pub(super) fn filter(self, condition: Expr) -> Result<Self> {
        let condition = self.named(condition)?;
        Ok(Self {
            plan: LogicalPlan::Filter(Filter::try_new(condition, Arc::new(self.plan))?),
            table: self.table,
        })
    }

    /// The rows with these columns, each of which has a name.
    ///
    /// # Errors
    /// They are of other columns.
    pub(super) fn project(self, columns: Vec<Expr>) -> Result<Self> {
        let columns = columns.into_iter().map(|column| self.named(column));
        let columns = columns.collect::<Result<_>>()?;
        let projection = Projection::try_new(columns, Arc::new(self.plan))?;
        Ok(Self::of(LogicalPlan::Projection(projection)))
    }

    /// The groups of rows, and values of each.
    ///
    /// # Errors
    /// They are of other columns.
    pub(super) fn aggregate(self, groups: Vec<Expr>, values: Vec<Expr>) -> Result<Self> {
        let named = |exprs: Vec<Expr>| -> Result<Vec<Expr>> {
            exprs.into_iter().map(|expr| self.named(expr)).collect()
        };
        let (groups, values) = (named(groups)?, named(values)?);
        let aggregate = Aggregate::try_new(Arc::new(self.plan), groups, values)?;
        Ok(Self::of(LogicalPlan::Aggregate(aggregate)))
    }

    /// The rows in order, or the first ones of them.
    pub(super) fn sort(self, by: Vec<SortExpr>, most: Option<usize>) -> Self {
        if by.is_empty() && most.is_none() {
            return self;
        }
        Self::of(LogicalPlan::Sort(Sort {
            expr: by,
            input: Arc::new(self.plan),
            fetch: most,
        }))
    }

    pub(super) fn build(self) -> LogicalPlan {
        self.plan
    }

    /// An expression in which columns have the name of the table that they are of.
    fn named(&self, expr: Expr) -> Result<Expr> {
        let Some(table) = &self.table else {
            return Ok(expr);
        };
        let name = |part| match part {
            Expr::Column(column) => {
                let column = Column::new(Some(table.clone()), column.name);
                Ok(Transformed::yes(Expr::Column(column)))
            }
            part => Ok(Transformed::no(part)),
        };
        expr.transform_up(name).data()
    }
}
