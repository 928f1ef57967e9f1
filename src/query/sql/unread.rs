//! Parts of a statement that DataFusion parses and then passes over.
//!
//! With one of them the answer would be that to another question, so it is refused by its name; so is
//! what DataFusion reads as something else than SQL means by it. What DataFusion refuses by itself is
//! not looked for here, nor hints to a planner and locks, which change no answer.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArgumentClause, FunctionArguments, GroupByExpr,
    GroupByWithModifier, LimitClause, ObjectName, OrderBy, OrderByKind, PipeOperator, Query,
    Select, SetExpr, SetOperator, SetQuantifier, Statement, TableFactor, Visit, Visitor,
};

use crate::error::QueryError;

/// Refuses a statement with such a part. `is_scalar` tells by its name whether a function makes one
/// value of those of one row.
///
/// # Errors
/// [`QueryError::Invalid`] if there is one.
pub(crate) fn refuse(
    statement: &Statement,
    is_scalar: impl Fn(&str) -> bool,
) -> Result<(), QueryError> {
    match statement.visit(&mut Reader { is_scalar }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(text) => Err(QueryError::Invalid(text)),
    }
}

struct Reader<F> {
    is_scalar: F,
}

impl<F: Fn(&str) -> bool> Visitor for Reader<F> {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        or_on(of_query(query))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        or_on(of_select(select).map(str::to_owned))
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<String> {
        or_on(of_table(table).map(str::to_owned))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        if matches!(expr, Expr::SimilarTo { .. }) {
            let text = "SIMILAR TO is not supported: write LIKE for a pattern, or x ~ '^(…)$' for a \
                        regular expression";
            return ControlFlow::Break(text.to_owned());
        }
        let Expr::Function(function) = expr else {
            return ControlFlow::Continue(());
        };
        let name = name(&function.name);
        if !matches!(function.parameters, FunctionArguments::None) {
            return ControlFlow::Break(format!(
                "{name} has two lists of arguments: put all of them into one"
            ));
        }
        match of_function(function) {
            Some(clause) if (self.is_scalar)(&name) => ControlFlow::Break(format!(
                "{clause} belongs to aggregates and window functions, and {name} is neither: put it after \
                 the aggregate inside of {name}, or leave it out"
            )),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Stops with a text, or goes on if there is none.
fn or_on(text: Option<String>) -> ControlFlow<String> {
    text.map_or(ControlFlow::Continue(()), ControlFlow::Break)
}

/// The name by which a function is looked up.
fn name(name: &ObjectName) -> String {
    let only = match &name.0[..] {
        [part] => part.as_ident(),
        _ => None,
    };
    match only {
        Some(ident) if ident.quote_style.is_some() => ident.value.clone(),
        Some(ident) => ident.value.to_ascii_lowercase(),
        None => name.to_string(),
    }
}

/// The text for a part of a query outside of its SELECT.
fn of_query(query: &Query) -> Option<String> {
    if let Some(clause) = &query.for_clause {
        return Some(format!(
            "{clause} is not supported: the request says in which format it wants its answer"
        ));
    }
    let text = if query.settings.is_some() {
        "SETTINGS is not supported: leave it out"
    } else if query.format_clause.is_some() {
        "FORMAT is not supported: the request says in which format it wants its answer"
    } else if query.order_by.as_ref().is_some_and(fills) {
        "WITH FILL is not supported: date_bin_gapfill fills gaps in time"
    } else if matches!(&query.limit_clause, Some(LimitClause::LimitOffset { limit_by, .. }) if !limit_by.is_empty())
    {
        "LIMIT BY is not supported: number the rows with row_number() OVER (PARTITION BY …) and take \
         the first of them"
    } else {
        return of_set(&query.body).or_else(|| query.pipe_operators.iter().find_map(of_pipe));
    };
    Some(text.to_owned())
}

/// Returns true if the order says how gaps are filled.
fn fills(order: &OrderBy) -> bool {
    let fills = match &order.kind {
        OrderByKind::Expressions(list) => list.iter().any(|one| one.with_fill.is_some()),
        OrderByKind::All(_) => false,
    };
    fills || order.interpolate.is_some()
}

/// The text for rows of two queries that come together as DataFusion counts them, not as SQL does.
fn of_set(body: &SetExpr) -> Option<String> {
    let SetExpr::SetOperation {
        left,
        op,
        set_quantifier,
        right,
    } = body
    else {
        return None;
    };
    of_counted(*op, *set_quantifier)
        .or_else(|| of_set(left))
        .or_else(|| of_set(right))
}

fn of_pipe(pipe: &PipeOperator) -> Option<String> {
    match pipe {
        PipeOperator::Except { set_quantifier, .. } => {
            of_counted(SetOperator::Except, *set_quantifier)
        }
        PipeOperator::Intersect { set_quantifier, .. } => {
            of_counted(SetOperator::Intersect, *set_quantifier)
        }
        _ => None,
    }
}

fn of_counted(op: SetOperator, quantifier: SetQuantifier) -> Option<String> {
    let is_counted = matches!(op, SetOperator::Except | SetOperator::Intersect);
    (is_counted && quantifier == SetQuantifier::All).then(|| {
        format!("{op} ALL is not supported: {op} gives each row once, and a join or count(*) with GROUP BY tells how often")
    })
}

/// The text for a part of a SELECT.
fn of_select(select: &Select) -> Option<&'static str> {
    let (GroupByExpr::All(grouped) | GroupByExpr::Expressions(_, grouped)) = &select.group_by;
    if let Some(with) = grouped.first() {
        return Some(match with {
            GroupByWithModifier::Rollup => {
                "WITH ROLLUP is not supported: write GROUP BY ROLLUP (…)"
            }
            GroupByWithModifier::Cube => "WITH CUBE is not supported: write GROUP BY CUBE (…)",
            GroupByWithModifier::Totals => {
                "WITH TOTALS is not supported: GROUP BY ROLLUP (…) adds a row of all groups"
            }
            GroupByWithModifier::GroupingSets(_) => {
                "GROUPING SETS after the groups is not supported: write GROUP BY GROUPING SETS (…)"
            }
        });
    }
    let parts = [
        (
            select.prewhere.is_some(),
            "PREWHERE is not supported: write WHERE",
        ),
        (
            !select.connect_by.is_empty(),
            "CONNECT BY is not supported, nor START WITH: WITH RECURSIVE follows rows to others",
        ),
        (
            !select.distribute_by.is_empty(),
            "DISTRIBUTE BY is not supported: leave it out",
        ),
        (
            select.exclude.is_some(),
            "EXCLUDE belongs right after the star, as in SELECT * EXCLUDE (a)",
        ),
    ];
    parts
        .into_iter()
        .find_map(|(is_there, text)| is_there.then_some(text))
}

/// The text for a part of a table in FROM.
fn of_table(table: &TableFactor) -> Option<&'static str> {
    const SAMPLE: &str =
        "TABLESAMPLE is not supported: ORDER BY random() LIMIT n takes n rows at random";
    match table {
        TableFactor::Derived {
            sample: Some(_), ..
        }
        | TableFactor::Table {
            sample: Some(_), ..
        } => Some(SAMPLE),
        TableFactor::Table {
            version: Some(_), ..
        } => {
            Some("earlier versions of a table are not supported: a question sees what is there now")
        }
        TableFactor::Table {
            with_ordinality: true,
            ..
        }
        | TableFactor::Function {
            with_ordinality: true,
            ..
        } => Some("WITH ORDINALITY is not supported: row_number() OVER () numbers rows"),
        TableFactor::Table { partitions, .. } if !partitions.is_empty() => {
            Some("PARTITION is not supported: a condition on time says which rows are read")
        }
        TableFactor::Table {
            json_path: Some(_), ..
        } => Some("a path into a table is not supported: name the table alone"),
        _ => None,
    }
}

/// The clause of a call that only aggregates and window functions have.
fn of_function(function: &Function) -> Option<&'static str> {
    let list = match &function.args {
        FunctionArguments::List(list) => Some(list),
        FunctionArguments::None | FunctionArguments::Subquery(_) => None,
    };
    let is_distinct =
        list.is_some_and(|list| list.duplicate_treatment == Some(DuplicateTreatment::Distinct));
    let has = |wanted: fn(&FunctionArgumentClause) -> bool| {
        list.is_some_and(|list| list.clauses.iter().any(wanted))
    };
    let treats_nulls = function.null_treatment.is_some()
        || has(|clause| matches!(clause, FunctionArgumentClause::IgnoreOrRespectNulls(_)));
    let clauses = [
        (function.filter.is_some(), "FILTER"),
        (function.over.is_some(), "OVER"),
        (!function.within_group.is_empty(), "WITHIN GROUP"),
        (is_distinct, "DISTINCT"),
        (
            has(|clause| matches!(clause, FunctionArgumentClause::OrderBy(_))),
            "ORDER BY",
        ),
        (treats_nulls, "IGNORE NULLS or RESPECT NULLS"),
    ];
    clauses
        .into_iter()
        .find_map(|(is_there, name)| is_there.then_some(name))
}
