//! Conditions as expressions of a plan.
//!
//! Tests of tags and plain comparisons become expressions that a scan decides or that files prune by.
//! Everything else is computed value by value ([`evaluate`](super::evaluate)): there the language has
//! rules of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_schema::DataType;
use datafusion::arrow::compute::take;
use datafusion::common::{ScalarValue, internal_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, Operator as Op, binary_expr, cast, lit};
use regex_syntax::hir::{Hir, HirKind, Look, literal::Extractor};

use super::super::analysis::{Condition, Operand, Pattern, Read, TagTest};
use super::super::ast::Operator;
use super::super::value::{Value, ValueType};
use super::convert::Values;
use super::evaluate::Evaluation;
use super::function;
use super::names::Names;

/// Returns what holds for the rows of a source that satisfy a condition; elsewhere it is false or null.
pub(super) fn expression(condition: &Condition, names: &Names) -> Expr {
    match condition {
        Condition::Constant(holds) => lit(*holds),
        Condition::All(parts) if parts.len() > PARTS_MAX => computed(condition, names),
        Condition::All(parts) => joined(parts, names, Expr::and, true),
        Condition::Any(parts) => any(condition, parts, names),
        Condition::Tag { key, test } => tag(key, test, names),
        Condition::SameTags { left, right, same } => same_tags(left, right, *same, names),
        Condition::Compare {
            operator,
            left,
            right,
        } => compare(*operator, left, right, names).unwrap_or_else(|| computed(condition, names)),
        Condition::Truth(Operand::Read(read)) if read.value_type() == ValueType::Boolean => {
            names.value(read)
        }
        Condition::Matches { .. } | Condition::Truth(_) => computed(condition, names),
    }
}

/// The most conditions that a plan gets as a list. It walks lists as deep as they are long; longer ones
/// are computed as a whole.
pub(super) const PARTS_MAX: usize = 64;

fn joined(
    parts: &[Condition],
    names: &Names,
    join: impl Fn(Expr, Expr) -> Expr,
    none: bool,
) -> Expr {
    let parts = parts.iter().map(|part| expression(part, names));
    parts.reduce(join).unwrap_or_else(|| lit(none))
}

/// One of several conditions. Values of one tag become one list, which a scan decides however long it is.
fn any(condition: &Condition, parts: &[Condition], names: &Names) -> Expr {
    let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut others = Vec::new();
    for part in parts {
        match part {
            Condition::Tag {
                key,
                test: TagTest::Equal(text),
            } if !text.is_empty() && names.tag(key).is_some() => {
                values.entry(key).or_default().push(text);
            }
            part => others.push(part),
        }
    }
    if values.len() + others.len() > PARTS_MAX {
        return computed(condition, names);
    }
    let lists = values.into_iter().filter_map(|(key, values)| {
        let values = values.into_iter().map(lit).collect();
        Some(names.tag(key)?.in_list(values, false))
    });
    let others = others.into_iter().map(|part| expression(part, names));
    let any = lists.chain(others).reduce(Expr::or);
    any.unwrap_or_else(|| lit(false))
}

/// A test of a tag. Where missing tags are null they are tested as "".
fn tag(key: &str, test: &TagTest, names: &Names) -> Expr {
    let Some(tag) = names.tag(key) else {
        return lit(test.holds(""));
    };
    let missing = |holds: bool, present: Expr| match names.has_nulls() {
        true if holds => tag.clone().is_null().or(present),
        _ => present,
    };
    match test {
        TagTest::Equal(text) if text.is_empty() && names.has_nulls() => tag.is_null(),
        TagTest::NotEqual(text) if text.is_empty() && names.has_nulls() => tag.is_not_null(),
        TagTest::Equal(text) => tag.eq(lit(&**text)),
        TagTest::NotEqual(text) => missing(true, tag.clone().not_eq(lit(&**text))),
        TagTest::Matches(pattern) => match texts(pattern) {
            Some(mut texts) => {
                let has_none = texts.iter().any(String::is_empty) && names.has_nulls();
                texts.retain(|text| !(has_none && text.is_empty()));
                let listed = texts.into_iter().map(lit).collect();
                missing(has_none, tag.clone().in_list(listed, false))
            }
            None => tested(tag, test),
        },
        TagTest::MatchesNot(_) => tested(tag, test),
    }
}

/// The texts that a pattern matches as a whole, if they are few: `^(a|b)$`.
fn texts(pattern: &Pattern) -> Option<Vec<String>> {
    let parsed = regex_syntax::parse(pattern.rust_text()).ok()?;
    let inner = anchored(&parsed)?;
    let found = Extractor::new().extract(&inner);
    if !found.is_exact() {
        return None;
    }
    let texts = found.literals()?.iter();
    let texts: Option<Vec<String>> = texts
        .map(|literal| String::from_utf8(literal.as_bytes().to_vec()).ok())
        .collect();
    // The extractor is trusted in what it lists; that all of it matches is seen here.
    texts.filter(|texts| texts.iter().all(|text| pattern.is_match(text)))
}

/// What stands between the anchors of an expression that has both, and nothing else.
fn anchored(hir: &Hir) -> Option<Hir> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let is = |part: &Hir, look: Look| matches!(part.kind(), HirKind::Look(found) if *found == look);
    match &parts[..] {
        [start, inner @ .., end] if is(start, Look::Start) && is(end, Look::End) => {
            let has_looks = inner
                .iter()
                .any(|part| !part.properties().look_set().is_empty());
            (!has_looks).then(|| Hir::concat(inner.to_vec()))
        }
        _ => None,
    }
}

/// A test that is made once for each value of a dictionary.
fn tested(tag: Expr, test: &TagTest) -> Expr {
    let test = test.clone();
    let work = move |arguments: &[ArrayRef]| {
        let [tags] = arguments else {
            return Err(internal_datafusion_err!("a test of one tag"));
        };
        let holds = |texts: &ArrayRef| -> Result<BooleanArray> {
            let texts = Values::new(texts)?;
            let each = (0..texts.len()).map(|row| test.holds(texts.text(row).unwrap_or("")));
            Ok(each.map(Some).collect())
        };
        let Some(dictionary) =
            arrow_array::cast::AsArray::as_dictionary_opt::<arrow_array::types::Int32Type>(tags)
        else {
            return Ok(Arc::new(holds(tags)?) as ArrayRef);
        };
        let of_values = holds(dictionary.values())?;
        let taken = take(&of_values, dictionary.keys(), None)?;
        if taken.null_count() == 0 {
            return Ok(taken);
        }
        let of_missing = test.holds("");
        let taken = arrow_array::cast::AsArray::as_boolean(&taken);
        let filled = taken.iter().map(|holds| holds.or(Some(of_missing)));
        Ok(Arc::new(filled.collect::<BooleanArray>()))
    };
    function::call("tag_passes", DataType::Boolean, vec![tag], Arc::new(work))
}

fn same_tags(left: &str, right: &str, same: bool, names: &Names) -> Expr {
    let (Some(left), Some(right)) = (names.tag(left), names.tag(right)) else {
        return lit(!same);
    };
    match same {
        // Not by `=`: from two columns that are equal DataFusion 55.2 concludes too much about the order of
        // rows, and refuses its own plan where files and memory are read side by side.
        true => {
            let same = binary_expr(left.clone(), Op::IsNotDistinctFrom, right);
            left.is_not_null().and(same)
        }
        false => {
            let same = left.clone().eq(right.clone());
            let is_missing = left.is_null().or(right.is_null());
            is_missing.or(Expr::Not(Box::new(same)))
        }
    }
}

/// A comparison of a value with a literal of its type, or of a number with a float.
fn compare(operator: Operator, left: &Operand, right: &Operand, names: &Names) -> Option<Expr> {
    let (read, operator, literal) = match (left, right) {
        (Operand::Read(read), Operand::Literal(literal)) => (read, op(operator)?, literal),
        (Operand::Literal(literal), Operand::Read(read)) => (read, op(operator)?.swap()?, literal),
        _ => return None,
    };
    let value = names.value(read);
    if matches!(read, Read::Tag { .. } | Read::Group { .. }) {
        return None;
    }
    let (value, literal) = match (read.value_type(), literal) {
        (ValueType::Float, literal) => (value, lit(literal.as_float()?)),
        (ValueType::Integer, Value::Integer(literal)) => (value, lit(*literal)),
        (ValueType::Integer, Value::Float(literal)) => {
            (cast(value, DataType::Float64), lit(*literal))
        }
        (ValueType::Unsigned, Value::Unsigned(literal)) => (value, lit(*literal)),
        (ValueType::Boolean, Value::Boolean(literal)) => (value, lit(*literal)),
        (ValueType::String, Value::String(literal)) => (value, lit(&**literal)),
        _ => return None,
    };
    Some(binary_expr(value, operator, literal))
}

fn op(operator: Operator) -> Option<Op> {
    Some(match operator {
        Operator::Equal => Op::Eq,
        Operator::NotEqual => Op::NotEq,
        Operator::Less => Op::Lt,
        Operator::LessOrEqual => Op::LtEq,
        Operator::Greater => Op::Gt,
        Operator::GreaterOrEqual => Op::GtEq,
        _ => return None,
    })
}

/// A condition that is computed row by row.
fn computed(condition: &Condition, names: &Names) -> Expr {
    let evaluation = Evaluation::new(condition);
    let arguments: Vec<Expr> = evaluation
        .reads()
        .iter()
        .map(|read| names.value(read))
        .collect();
    if arguments.is_empty() {
        return lit(ScalarValue::Boolean(Some(evaluation.holds(&[], 0))));
    }
    let work = move |arguments: &[ArrayRef]| {
        let values = arguments.iter().map(Values::new);
        let values: Vec<Values> = values.collect::<Result<_>>()?;
        let rows = values.first().map_or(0, Values::len);
        let holds = (0..rows).map(|row| Some(evaluation.holds(&values, row)));
        Ok(Arc::new(holds.collect::<BooleanArray>()) as ArrayRef)
    };
    function::call("holds", DataType::Boolean, arguments, Arc::new(work))
}
