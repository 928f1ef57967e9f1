//! Hints for names that are not there: most often only their capitals differ.
//!
//! SQL reads a name without quotes in lower case; names of line protocol keep theirs.

use std::collections::BTreeSet;

use datafusion::common::TableReference;
use datafusion::common::utils::datafusion_strsim::levenshtein;
use datafusion::common::{Column, SchemaError};

use crate::error::QueryError;
use crate::provider::{Catalog, SCHEMA};

/// How many names a hint lists.
const NAMES_MAX: usize = 20;

/// The text for the first table that was looked up and not there; none if all were.
///
/// What was looked up counts, not what is listed now: a table may have come since. If the tables cannot
/// be listed, as those of a bucket that is gone since, the text names none of them; it is as true.
pub(crate) async fn of_tables(catalog: &Catalog, references: &[TableReference]) -> Option<String> {
    let mut points = references.iter().filter(|reference| {
        let schema = reference.schema();
        schema.is_none_or(|schema| schema == SCHEMA)
    });
    let missing = points.find(|reference| catalog.is_missing(reference.table()));
    let missing = missing.map(TableReference::table)?;
    let Ok(names) = catalog.names().await else {
        return Some(format!("there is no table {missing:?}"));
    };
    let others = names
        .iter()
        .map(String::as_str)
        .filter(|name| *name != missing);
    Some(unknown("table", missing, others))
}

/// What comes before a text that was written as a name.
const QUOTED: &str = "a text stands in single quotes: ";

/// The error with a text in the capitals in which the question has it: a name was read in lower case.
pub(crate) fn as_written(error: QueryError, question: &str) -> QueryError {
    let QueryError::Invalid(told) = &error else {
        return error;
    };
    let Some((before, quoted)) = told.split_once(QUOTED) else {
        return error;
    };
    let read = quoted.trim_matches('\'');
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut words = question.split(|letter| !is_part(letter));
    match words.find(|word| word.to_lowercase() == read) {
        Some(written) => QueryError::Invalid(format!("{before}{QUOTED}'{written}'")),
        None => error,
    }
}

/// The text for a fault of a name in a plan.
pub(crate) fn of_column(error: &SchemaError) -> String {
    match error {
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } if is_of_other_table(field, valid_fields) => {
            let tables = valid_fields
                .iter()
                .filter_map(|column| column.relation.as_ref());
            // Those with such names are made by the engine.
            let tables = tables
                .map(TableReference::table)
                .filter(|name| !name.starts_with("__"));
            let tables: BTreeSet<String> = tables.map(|name| format!("{name:?}")).collect();
            let listed = match tables.is_empty() {
                true => String::new(),
                false => {
                    let tables = tables.into_iter().collect::<Vec<_>>().join(", ");
                    format!("the tables here are {tables}, and ")
                }
            };
            format!(
                "there is no table of the column {} here: {listed}a SELECT knows its own tables and those of the next \
                 one outside, not of one further out",
                field.quoted_flat_name()
            )
        }
        SchemaError::FieldNotFound {
            field,
            valid_fields,
        } => {
            let known = unknown("column", &field.name, valid_fields.iter().map(Column::name));
            match known.contains("did you mean") {
                true => known,
                // Whoever is used to other quotes writes texts like this.
                false => format!("{known}; {QUOTED}'{}'", field.name),
            }
        }
        SchemaError::AmbiguousReference { field } => format!(
            "the column {:?} is in more than one table: name the table, as in t.{0:?}",
            field.name
        ),
        error => error.to_string(),
    }
}

/// Returns true if a column has the name of a table of which none is here.
fn is_of_other_table(column: &Column, here: &[Column]) -> bool {
    let is_same = |other: &TableReference| {
        column
            .relation
            .as_ref()
            .is_some_and(|table| table.resolved_eq(other))
    };
    let mut tables = here.iter().filter_map(|column| column.relation.as_ref());
    column.relation.is_some() && !here.is_empty() && !tables.any(is_same)
}

fn unknown<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> String {
    let names: BTreeSet<&str> = names.collect();
    let lower = name.to_lowercase();
    let alike = names.iter().find(|known| known.to_lowercase() == lower);
    if let Some(alike) = alike {
        let why = if alike.chars().any(char::is_uppercase) {
            "Names with capitals need double quotes"
        } else {
            "Capitals count in names"
        };
        return format!("there is no {what} {name:?}: did you mean {alike:?}? {why}");
    }
    let near = near(&lower, &names);
    let near = near.map_or_else(String::new, |near| format!(" did you mean {near:?}?"));
    let listed: Vec<String> = names
        .iter()
        .take(NAMES_MAX)
        .map(|name| format!("{name:?}"))
        .collect();
    let rest = match names.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    if listed.is_empty() {
        format!("there is no {what} {name:?}: there are no {what}s here")
    } else {
        let listed = listed.join(", ");
        let the = if near.is_empty() { "the" } else { "The" };
        format!("there is no {what} {name:?}:{near} {the} {what}s here are {listed}{rest}")
    }
}

/// The name that differs by the fewest letters, if they are few: a slip of the hand.
fn near<'a>(lower: &str, names: &BTreeSet<&'a str>) -> Option<&'a str> {
    let slips_max = match lower.chars().count() {
        0..3 => return None,
        3..5 => 1,
        _ => 2,
    };
    let distances = names
        .iter()
        .map(|name| (levenshtein(lower, &name.to_lowercase()), *name));
    let nearest = distances.min_by_key(|(distance, _)| *distance);
    nearest
        .filter(|(distance, _)| *distance <= slips_max)
        .map(|(_, name)| name)
}
