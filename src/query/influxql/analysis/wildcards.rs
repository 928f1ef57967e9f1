//! Wildcards and regular expressions in the lists of fields and dimensions.

use std::sync::Arc;

use super::super::ast::{Call, Expression, Field, Reference, Select, WildcardKind};
use super::names::of_expression;
use super::pattern::Pattern;
use super::schema::Kind;
use super::sources::{Names, Resolved, names};
use super::{Analysis, AnalysisError};

/// The lists without wildcards.
pub(super) struct Expanded {
    pub(super) fields: Vec<Field>,
    /// The tags of GROUP BY, sorted, each once.
    pub(super) tags: Arc<[Arc<str>]>,
}

/// A name with its type.
struct Entry {
    name: Arc<str>,
    /// `None` for what is always null.
    kind: Option<Kind>,
}

/// Expands the wildcards of a SELECT whose fields have types.
pub(super) fn expand(
    analysis: &Analysis<'_>,
    fields: &[Field],
    select: &Select,
    sources: &[Resolved],
) -> Result<Expanded, AnalysisError> {
    let names = names(sources);
    let tags = tags(select, &names)?;
    let entries = entries(select, names);
    let mut expanded = Vec::new();
    for field in fields {
        let before = expanded.len();
        expand_field(field, &entries, &mut expanded)?;
        analysis.count_columns(expanded.len() - before)?;
    }
    Ok(Expanded {
        fields: expanded,
        tags,
    })
}

/// Returns the tags that rows are grouped by.
fn tags(select: &Select, names: &Names) -> Result<Arc<[Arc<str>]>, AnalysisError> {
    let mut tags: Vec<Arc<str>> = Vec::new();
    for dimension in &select.dimensions {
        match unwrapped(dimension) {
            Expression::Wildcard(_) => tags.extend(names.tags.iter().cloned()),
            Expression::Regex(regex) => {
                let pattern = Pattern::new(regex)?;
                let matching = names.tags.iter().filter(|tag| pattern.is_match(tag));
                tags.extend(matching.cloned());
            }
            Expression::Reference(reference) => tags.push(Arc::from(reference.name.as_str())),
            _ => {}
        }
    }
    tags.sort();
    tags.dedup();
    Ok(tags.into())
}

/// Returns what a wildcard in the list of fields stands for: fields, and tags that rows are not
/// grouped by; no tags at all if a wildcard is among the dimensions, or if there are no fields.
fn entries(select: &Select, names: Names) -> Vec<Entry> {
    let grouped = |tag: &str| {
        select
            .dimensions
            .iter()
            .any(|dimension| match unwrapped(dimension) {
                Expression::Wildcard(_) | Expression::Regex(_) => true,
                Expression::Reference(reference) => reference.name == tag,
                _ => false,
            })
    };
    if names.fields.is_empty() {
        return Vec::new();
    }
    let fields = names.fields.into_iter();
    let mut entries: Vec<_> = fields.map(|(name, kind)| Entry { name, kind }).collect();
    let tags = names.tags.into_iter().filter(|tag| !grouped(tag));
    entries.extend(tags.map(|name| Entry {
        name,
        kind: Some(Kind::Tag),
    }));
    entries.sort_by(|one, other| (&one.name, one.kind).cmp(&(&other.name, other.kind)));
    entries
}

fn expand_field(
    field: &Field,
    entries: &[Entry],
    expanded: &mut Vec<Field>,
) -> Result<(), AnalysisError> {
    match &field.expression {
        Expression::Wildcard(kind) => {
            let chosen = entries.iter().filter(|entry| match kind {
                Some(WildcardKind::Field) => entry.kind != Some(Kind::Tag),
                Some(WildcardKind::Tag) => entry.kind == Some(Kind::Tag),
                None => true,
            });
            expanded.extend(chosen.map(Entry::field));
        }
        Expression::Regex(regex) => {
            let pattern = Pattern::new(regex)?;
            let chosen = entries.iter().filter(|entry| pattern.is_match(&entry.name));
            expanded.extend(chosen.map(Entry::field));
        }
        Expression::Call(call) => expand_call(field, call, entries, expanded)?,
        other => {
            refuse_wildcards(other)?;
            expanded.push(field.clone());
        }
    }
    Ok(())
}

/// Expands the wildcard that is the argument of the innermost function.
fn expand_call(
    field: &Field,
    call: &Call,
    entries: &[Entry],
    expanded: &mut Vec<Field>,
) -> Result<(), AnalysisError> {
    let innermost = innermost(call);
    let pattern = match innermost.arguments.first() {
        Some(Expression::Wildcard(Some(WildcardKind::Tag))) => {
            let text = format!("unable to use tag wildcard in {}()", innermost.name);
            return Err(AnalysisError::Wildcard(text));
        }
        Some(Expression::Wildcard(_)) => None,
        Some(Expression::Regex(regex)) => Some(Pattern::new(regex)?),
        _ => {
            expanded.push(field.clone());
            return Ok(());
        }
    };
    let name = match &field.alias {
        Some(alias) => alias.clone(),
        None => of_expression(&field.expression),
    };
    for entry in entries
        .iter()
        .filter(|entry| entry.kind.is_some_and(|kind| fits(&innermost.name, kind)))
    {
        if pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(&entry.name))
        {
            continue;
        }
        expanded.push(Field {
            expression: Expression::Call(with_argument(call, &entry.reference())),
            alias: Some(format!("{name}_{}", entry.name)),
        });
    }
    Ok(())
}

/// Returns true if a wildcard in a function stands for fields of a type.
fn fits(function: &str, kind: Kind) -> bool {
    match kind {
        Kind::Float | Kind::Integer | Kind::Unsigned => true,
        Kind::String => matches!(
            function,
            "count" | "first" | "last" | "distinct" | "elapsed" | "mode" | "sample"
        ),
        Kind::Boolean => matches!(function, "min" | "max") || fits(function, Kind::String),
        Kind::Tag => false,
    }
}

/// Returns the function whose first argument is no function.
fn innermost(call: &Call) -> &Call {
    match call.arguments.first() {
        Some(Expression::Call(inner)) => innermost(inner),
        _ => call,
    }
}

/// Returns the call with another first argument of its innermost function.
fn with_argument(call: &Call, argument: &Expression) -> Call {
    let mut arguments = call.arguments.clone();
    if let Some(first) = arguments.first_mut() {
        *first = match first {
            Expression::Call(inner) => Expression::Call(with_argument(inner, argument)),
            _ => argument.clone(),
        };
    }
    Call {
        name: call.name.clone(),
        arguments,
    }
}

fn refuse_wildcards(expression: &Expression) -> Result<(), AnalysisError> {
    let text = if expression.any(&|part| matches!(part, Expression::Wildcard(_))) {
        format!("unsupported expression with wildcard: {expression}")
    } else if expression.any(&|part| matches!(part, Expression::Regex(_))) {
        format!("unsupported expression with regex field: {expression}")
    } else {
        return Ok(());
    };
    Err(AnalysisError::Wildcard(text))
}

fn unwrapped(expression: &Expression) -> &Expression {
    match expression {
        Expression::Parenthesised(inner) => unwrapped(inner),
        other => other,
    }
}

impl Entry {
    fn reference(&self) -> Expression {
        Expression::Reference(Reference {
            name: self.name.to_string(),
            cast: self.kind.map(Kind::cast),
        })
    }

    fn field(&self) -> Field {
        Field {
            expression: self.reference(),
            alias: None,
        }
    }
}
