//! Plans of one stream, made without the rules of DataFusion.
//!
//! ```text
//! scan > conditions > projections, aggregates, sorts, each of the one before
//! ```
//!
//! To optimize such a plan and then to plan how it runs takes several times as long as to read and to add up a
//! few thousand values: each rule looks at the whole plan and makes it anew. What they do for a chain is known:
//! conditions that the scan decides go there, columns that nobody needs are not read, types are settled, and a
//! scan of which only the newest rows count is told so. Whether the chain is one stream is seen once it is known
//! what the scan reads; where it is not, the scan is kept for who plans the general way. Expressions are not
//! simplified, so those are not for such plans that are nothing else than a short way to write others, as
//! `coalesce` is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_schema::SortOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DFSchema, ScalarValue, TableReference, internal_err};
use datafusion::datasource::{TableProvider, source_as_provider};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{
    Aggregate, Expr, LogicalPlan, Projection, Sort, SortExpr, TableProviderFilterPushDown,
    TableScan,
};
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use datafusion::physical_expr::aggregate::LoweredAggregateBuilder;
use datafusion::physical_expr::{
    LexOrdering, PhysicalExpr, PhysicalSortExpr, create_physical_expr,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, PhysicalGroupBy};
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::sorts::sort::SortExec;

use super::between::Between;
use super::each_node::Change as _;
use super::few::SortFew;
use super::plain::{self, Stream};
use super::sort_keys;
use crate::logical::newest;
use crate::provider::{self, NameFiles};

/// Plans how a chain runs; `None` if the plan is none, or is not read as one stream.
///
/// # Errors
/// The source cannot be asked, or types do not fit.
pub(crate) async fn plan(
    plan: &LogicalPlan,
    state: &SessionState,
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(chain) = Chain::of(plan) else {
        return Ok(None);
    };
    let table = source_as_provider(&chain.scan.source)?;
    let Read {
        columns,
        decided,
        left,
    } = chain.read(&*table)?;
    let rows = table.scan(state, Some(&columns), &decided, None).await?;
    let Some(Stream { plan, are_few }) = plain::stream_of(&rows) else {
        provider::keep_scan(&*table, Some(&columns), &decided, rows)?;
        return Ok(None);
    };
    let mut rows = Rows {
        schema: chain.schema_of(&columns)?,
        are_few,
        plan: NameFiles.change(plan)?.data,
        named: None,
        state,
    };
    if let Some(left) = left {
        rows = rows.filter(left)?;
    }
    for (node, needed) in chain.nodes.iter().zip(&chain.needed).rev() {
        rows = match node {
            Node::Projection(projection) => rows.name(projection, needed)?,
            Node::Aggregate(aggregate) => rows.aggregate(aggregate)?,
            Node::Sort(sort) => rows.sort(sort)?,
        };
    }
    Ok(Some(rows.projected()?.plan))
}

/// A plan in which each node has one below it, down to a scan.
struct Chain<'p> {
    /// The first one gives the rows.
    nodes: Vec<Node<'p>>,
    /// The columns of each node that are needed above it.
    needed: Vec<Names<'p>>,
    /// The columns of the scan that the nodes need.
    read: Names<'p>,
    /// All of them hold, and none is the same for all rows.
    conditions: Vec<&'p Expr>,
    scan: &'p TableScan,
}

#[derive(Clone, Copy)]
enum Node<'p> {
    Projection(&'p Projection),
    Aggregate(&'p Aggregate),
    Sort(&'p Sort),
}

/// Names of columns, of which a node has no two of one name.
type Names<'p> = HashSet<&'p str>;

/// What is asked of a scan.
struct Read {
    columns: Vec<usize>,
    /// The conditions that it decides.
    decided: Vec<Expr>,
    /// The others.
    left: Option<Expr>,
}

impl<'p> Chain<'p> {
    fn of(plan: &'p LogicalPlan) -> Option<Self> {
        let (mut nodes, mut conditions, mut at) = (Vec::new(), Vec::new(), plan);
        let scan = loop {
            let (node, input) = match at {
                LogicalPlan::Projection(node) => (Node::Projection(node), &node.input),
                LogicalPlan::Aggregate(node) => (Node::Aggregate(node), &node.input),
                LogicalPlan::Sort(node) => (Node::Sort(node), &node.input),
                LogicalPlan::Filter(filter) => {
                    conditions.push(split_conjunction(&filter.predicate));
                    at = &filter.input;
                    continue;
                }
                LogicalPlan::TableScan(scan) => break scan,
                _ => return None,
            };
            if !conditions.is_empty() {
                return None;
            }
            nodes.push(node);
            at = input;
        };
        // In the order in which they were made.
        let mut conditions: Vec<_> = conditions.into_iter().rev().flatten().collect();
        conditions.retain(|condition| !is_literal(condition, Some(true)));
        let is_whole = scan.projection.is_none() && scan.filters.is_empty() && scan.fetch.is_none();
        let is_decided = conditions
            .iter()
            .any(|condition| matches!(condition, Expr::Literal(..)));
        if !is_whole || is_decided {
            return None;
        }
        let all = plan.schema().fields().iter();
        let mut read: Names<'_> = all.map(|field| field.name().as_str()).collect();
        let mut needed = Vec::new();
        for node in &nodes {
            let below = node.needs(&read);
            needed.push(std::mem::replace(&mut read, below));
        }
        Some(Self {
            nodes,
            needed,
            read,
            conditions,
            scan,
        })
    }

    /// What the scan is asked for.
    fn read(&self, table: &dyn TableProvider) -> Result<Read> {
        let decides = table.supports_filters_pushdown(&self.conditions)?;
        let (mut decided, mut left) = (Vec::new(), Vec::new());
        for (condition, decides) in self.conditions.iter().copied().zip(decides) {
            match decides {
                TableProviderFilterPushDown::Exact => decided.push(condition.clone()),
                _ => left.push(condition),
            }
        }
        let mut names = self.read.clone();
        left.iter().for_each(|left| add(left, &mut names));
        let fields = self.scan.projected_schema.fields().iter().enumerate();
        let columns = fields.filter(|(_, field)| names.contains(field.name().as_str()));
        let columns = columns.map(|(place, _)| place).collect();
        if left.is_empty() {
            decided.extend(self.newest());
        }
        Ok(Read {
            columns,
            decided: unnormalize_cols(decided),
            left: conjunction(left.into_iter().cloned()),
        })
    }

    /// The condition that tells the scan that only the newest rows count, if they do.
    fn newest(&self) -> Option<Expr> {
        let (node, renamed) = match &self.nodes[..] {
            [.., node, Node::Projection(renamed)] => (node, Some(*renamed)),
            [.., node] => (node, None),
            [] => return None,
        };
        match node {
            Node::Aggregate(aggregate) => newest::of_aggregate(aggregate, self.scan, renamed),
            Node::Sort(sort) => newest::of_sort(sort, self.scan, renamed),
            Node::Projection(_) => None,
        }
    }

    /// The schema of a scan of these columns.
    fn schema_of(&self, columns: &[usize]) -> Result<DFSchema> {
        let all = &self.scan.projected_schema;
        let columns = columns.iter().map(|place| all.qualified_field(*place));
        let columns = columns.map(|(table, field)| (table.cloned(), Arc::clone(field)));
        DFSchema::new_with_metadata(columns.collect(), HashMap::new())
    }
}

impl<'p> Node<'p> {
    /// The columns that a node needs of the one below if these are needed of it.
    fn needs(self, above: &Names<'p>) -> Names<'p> {
        let mut names = Names::new();
        match self {
            Self::Projection(projection) => {
                let fields = projection.schema.fields().iter();
                for (expr, field) in projection.expr.iter().zip(fields) {
                    if above.contains(field.name().as_str()) {
                        add(expr, &mut names);
                    }
                }
            }
            Self::Aggregate(aggregate) => {
                let all = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
                all.for_each(|expr| add(expr, &mut names));
            }
            Self::Sort(sort) => {
                names.clone_from(above);
                sort.expr.iter().for_each(|by| add(&by.expr, &mut names));
            }
        }
        names
    }
}

/// Adds the columns of an expression to names.
fn add<'p>(expr: &'p Expr, names: &mut Names<'p>) {
    let columns = expr.column_refs().into_iter();
    names.extend(columns.map(|column| column.name.as_str()));
}

fn is_literal(expr: &Expr, value: Option<bool>) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::Boolean(literal), _) if *literal == value)
}

/// Rows as they are made so far.
struct Rows<'s> {
    plan: Arc<dyn ExecutionPlan>,
    /// Their columns, with the names of their tables.
    schema: DFSchema,
    /// The columns that they are to become, over those that they have: the next node computes them, unless it
    /// would do so twice.
    named: Option<Vec<Named>>,
    are_few: bool,
    state: &'s SessionState,
}

/// A column that rows are to have.
struct Named {
    expr: Expr,
    table: Option<TableReference>,
    name: String,
}

impl Rows<'_> {
    fn filter(mut self, condition: Expr) -> Result<Self> {
        let condition = self.expr(condition)?;
        let rows_max = self.state.config().batch_size();
        let filter = FilterExecBuilder::new(condition, self.plan).with_batch_size(rows_max);
        self.plan = Arc::new(filter.build()?);
        Ok(self)
    }

    /// Gives the rows the columns of a projection that are needed.
    fn name(mut self, projection: &Projection, needed: &Names<'_>) -> Result<Self> {
        let columns = projection.expr.iter().zip(projection.schema.iter());
        let columns = columns.filter(|(_, (_, field))| needed.contains(field.name().as_str()));
        let columns: Vec<_> = columns.collect();
        if !self.computes_each_once(columns.iter().map(|(expr, _)| *expr)) {
            self = self.projected()?;
        }
        let columns = columns.into_iter().map(|(expr, (table, field))| {
            Ok(Named {
                expr: self.over_plan(expr.clone().unalias())?,
                table: table.cloned(),
                name: field.name().clone(),
            })
        });
        self.named = Some(columns.collect::<Result<_>>()?);
        Ok(self)
    }

    /// Returns true if no column that is yet to be computed stands in these expressions more than once.
    fn computes_each_once<'e>(&self, exprs: impl Iterator<Item = &'e Expr>) -> bool {
        let mut seen = HashSet::new();
        let mut is_once = true;
        for expr in exprs {
            let walked = expr.apply(|part| {
                if let Expr::Column(column) = part {
                    let is_plain = self
                        .named(column)
                        .is_none_or(|expr| expr.try_as_col().is_some());
                    is_once &= is_plain || seen.insert(column.name.clone());
                }
                Ok(TreeNodeRecursion::Continue)
            });
            is_once &= walked.is_ok();
        }
        is_once
    }

    /// What a column is to be computed by.
    fn named(&self, column: &Column) -> Option<&Expr> {
        let mut named = self.named.iter().flatten();
        let named = named.find(|named| named.name == column.name)?;
        Some(&named.expr)
    }

    /// An expression with what its columns are to be computed by.
    fn over_plan(&self, expr: Expr) -> Result<Expr> {
        if self.named.is_none() {
            return Ok(expr);
        }
        let place = |part| match &part {
            Expr::Column(column) => Ok(match self.named(column) {
                Some(expr) => Transformed::yes(expr.clone()),
                None => Transformed::no(part),
            }),
            _ => Ok(Transformed::no(part)),
        };
        expr.transform_up(place).data()
    }

    /// The rows with the columns that they are to have.
    fn projected(mut self) -> Result<Self> {
        let Some(named) = self.named.take() else {
            return Ok(self);
        };
        let (mut columns, mut tables) = (Vec::new(), Vec::new());
        for Named { expr, table, name } in named {
            let expr = self.expr(expr)?;
            columns.push(ProjectionExpr { expr, alias: name });
            tables.push(table);
        }
        let plan = ProjectionExec::try_new(columns, Arc::clone(&self.plan))?;
        self.with(Arc::new(plan), tables)
    }

    fn aggregate(mut self, aggregate: &Aggregate) -> Result<Self> {
        let all = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
        if !self.computes_each_once(all) {
            self = self.projected()?;
        }
        let mut groups = Vec::new();
        for (expr, field) in aggregate.group_expr.iter().zip(aggregate.schema.fields()) {
            let expr = self.over_plan(expr.clone())?;
            groups.push((self.expr(expr)?, field.name().clone()));
        }
        let groups = match groups.is_empty() {
            true => PhysicalGroupBy::new(Vec::new(), Vec::new(), Vec::new(), false),
            false => PhysicalGroupBy::new_single(groups),
        };
        let (mut aggregates, mut conditions) = (Vec::new(), Vec::new());
        let below = self.plan.schema();
        for expr in &aggregate.aggr_expr {
            let expr = self.settled(self.over_plan(expr.clone())?)?;
            let (props, context) = (self.props(), PhysicalPlanningContext::default());
            let lowered =
                LoweredAggregateBuilder::new(&expr, &self.schema, &below, props, &context);
            let lowered = lowered.build()?;
            aggregates.push(lowered.aggregate);
            conditions.push(lowered.filter);
        }
        let plan = AggregateExec::try_new(
            AggregateMode::Single,
            groups,
            aggregates,
            conditions,
            Arc::clone(&self.plan),
            below,
        )?;
        let tables = aggregate.schema.iter().map(|(table, _)| table.cloned());
        self.with(Arc::new(plan), tables.collect())
    }

    fn sort(mut self, sort: &Sort) -> Result<Self> {
        let is_plain = |by: &SortExpr| match by.expr.try_as_col() {
            Some(column) => self
                .named(column)
                .is_none_or(|expr| expr.try_as_col().is_some()),
            None => self.named.is_none(),
        };
        if !sort.expr.iter().all(is_plain) {
            self = self.projected()?;
        }
        let mut order = Vec::new();
        for by in &sort.expr {
            let expr = self.over_plan(by.expr.clone())?;
            order.push(PhysicalSortExpr {
                expr: self.expr(expr)?,
                options: SortOptions {
                    descending: !by.asc,
                    nulls_first: by.nulls_first,
                },
            });
        }
        self.plan = match LexOrdering::new(order) {
            Some(order) if self.are_few => {
                let fetch = sort.fetch;
                Between::over(self.plan, SortFew { order, fetch })
            }
            Some(order) => {
                let all = SortExec::new(order, self.plan).with_fetch(sort.fetch);
                sort_keys::with_room(all)?
            }
            None if sort.fetch.is_none() => self.plan,
            None => return internal_err!("the first rows of no order"),
        };
        Ok(self)
    }

    /// The rows of a node above, whose columns are of these tables.
    fn with(
        self,
        plan: Arc<dyn ExecutionPlan>,
        tables: Vec<Option<TableReference>>,
    ) -> Result<Self> {
        let fields = plan.schema();
        let fields = fields.fields().iter().cloned();
        let columns = tables.into_iter().zip(fields).collect();
        Ok(Self {
            schema: DFSchema::new_with_metadata(columns, HashMap::new())?,
            plan,
            named: None,
            are_few: self.are_few,
            state: self.state,
        })
    }

    /// An expression over the rows, as it is computed.
    fn expr(&self, expr: Expr) -> Result<Arc<dyn PhysicalExpr>> {
        let expr = self.settled(expr)?;
        let context = PhysicalPlanningContext::default();
        create_physical_expr(&expr, &self.schema, self.props(), &context)
    }

    /// An expression whose types fit.
    fn settled(&self, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::Column(_) => Ok(expr),
            expr => {
                let mut settle = TypeCoercionRewriter::new(&self.schema);
                expr.rewrite(&mut settle).data()
            }
        }
    }

    fn props(&self) -> &ExecutionProps {
        self.state.execution_props()
    }
}

#[cfg(test)]
mod tests;
