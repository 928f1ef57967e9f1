//! Parts of a statement that DataFusion parses and then passes over.
//!
//! With one of them the answer would be that to another question, so it is refused by its name. What
//! DataFusion refuses by itself is not looked for here, nor hints to a planner, which change no answer.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArgumentClause, FunctionArguments, ObjectName,
    Statement, TableFactor, Visit, Visitor,
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

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> ControlFlow<String> {
        match of_table(table) {
            Some(text) => ControlFlow::Break(text.to_owned()),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
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
