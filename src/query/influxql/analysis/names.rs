//! Names of columns (contract 11.9).

use std::collections::HashMap;

use super::super::ast::{Expression, Select};
use super::references::is_time;

/// Returns the name of the column of the times.
pub(super) fn of_time(select: &Select) -> String {
    let times = select.fields.iter().filter(|field| is_time(field));
    let alias = times.filter_map(|field| field.alias.clone()).next_back();
    alias.unwrap_or_else(|| "time".to_owned())
}

/// Returns the name that an expression gives its column: the function, or the names of all
/// operands, joined by `_`.
pub(super) fn of_expression(expression: &Expression) -> String {
    match expression {
        Expression::Reference(reference) => reference.name.clone(),
        Expression::Call(call) => call.name.clone(),
        Expression::Parenthesised(inner) => of_expression(inner),
        Expression::Binary { .. } | Expression::Signed { .. } => {
            let mut names = Vec::new();
            operands(expression, &mut names);
            names.join("_")
        }
        _ => String::new(),
    }
}

fn operands<'a>(expression: &'a Expression, names: &mut Vec<&'a str>) {
    match expression {
        Expression::Reference(reference) => names.push(&reference.name),
        Expression::Call(call) => names.push(&call.name),
        other => {
            for child in other.children() {
                operands(child, names);
            }
        }
    }
}

/// A column that has no name yet.
pub(super) struct Unnamed<'a> {
    pub(super) alias: Option<&'a str>,
    /// The name without an alias.
    pub(super) generated: &'a str,
}

/// Returns the names of all columns: aliases stay as they are, generated names that are taken get
/// `_1`, `_2` and so on.
pub(super) fn of_columns(columns: &[Unnamed<'_>]) -> Vec<String> {
    let aliases = columns.iter().filter_map(|column| column.alias);
    let mut taken: HashMap<String, usize> = aliases.map(|alias| (alias.to_owned(), 1)).collect();
    let named = columns.iter().map(|column| match column.alias {
        Some(alias) => alias.to_owned(),
        None => free_name(column.generated, &mut taken),
    });
    named.collect()
}

fn free_name(generated: &str, taken: &mut HashMap<String, usize>) -> String {
    let mut name = generated.to_owned();
    if let Some(&count) = taken.get(generated) {
        let mut count = count;
        name = format!("{generated}_{count}");
        while taken.contains_key(&name) {
            count += 1;
            name = format!("{generated}_{count}");
        }
        taken.insert(generated.to_owned(), count + 1);
    }
    *taken.entry(name.clone()).or_insert(0) += 1;
    name
}
