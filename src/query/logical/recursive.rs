//! Questions that ask themselves for more rows, with `WITH RECURSIVE`, over points.
//!
//! The columns of a table tell in their metadata what they are, and what is computed of them tells nothing.
//! The engine wants the same of the rows that begin and of those that follow. So both tell what the
//! columns do that they are read by.

use std::sync::Arc;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, RecursiveQuery, ScalarUDF, Signature, Volatility,
};

use crate::itself::{Itself, Told};

/// The name of the function that tells it, which no question can use.
const NAME: &str = "told_as";

/// Makes the metadata of such rows alike.
///
/// # Errors
/// A fault of the library below.
pub(crate) fn rewrite(plan: LogicalPlan) -> Result<LogicalPlan> {
    let alike = plan.transform_up_with_subqueries(|plan| {
        let LogicalPlan::RecursiveQuery(query) = plan else {
            return Ok(Transformed::no(plan));
        };
        let static_term = alike(query.static_term, &query.schema)?;
        let recursive_term = alike(query.recursive_term, &query.schema)?;
        let is_changed = static_term.transformed || recursive_term.transformed;
        let query = LogicalPlan::RecursiveQuery(RecursiveQuery {
            static_term: static_term.data,
            recursive_term: recursive_term.data,
            ..query
        });
        Ok(Transformed::new_transformed(query, is_changed))
    })?;
    Ok(alike.data)
}

/// Rows whose columns have the metadata of others.
fn alike(term: Arc<LogicalPlan>, wanted: &DFSchema) -> Result<Transformed<Arc<LogicalPlan>>> {
    let schema = Arc::clone(term.schema());
    let fields = || schema.fields().iter().zip(wanted.fields());
    if fields().all(|(field, wanted)| field.metadata() == wanted.metadata()) {
        return Ok(Transformed::no(term));
    }
    let columns = schema.columns().into_iter().zip(fields());
    let columns = columns.map(|(column, (field, wanted))| {
        if field.metadata() == wanted.metadata() {
            return Expr::Column(column);
        }
        let metadata = wanted.metadata().clone().into_iter().collect();
        let function = ScalarUDF::new_from_impl(Itself {
            name: NAME,
            signature: Signature::any(1, Volatility::Immutable),
            told: Told::Metadata(metadata),
        });
        let (relation, name) = (column.relation.clone(), column.name.clone());
        function
            .call(vec![Expr::Column(column)])
            .alias_qualified(relation, name)
    });
    let columns: Vec<Expr> = columns.collect();
    let term = LogicalPlanBuilder::from(Arc::unwrap_or_clone(term));
    let term = term.project(columns)?.build()?;
    Ok(Transformed::yes(Arc::new(term)))
}
