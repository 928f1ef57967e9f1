//! The analysis of the statements that the tests ask, by the names that the model knows.

use std::sync::Arc;

use super::super::super::analysis::{
    self, Analysed, Condition, Operand, Origin, Read, Schema, SchemaError, Source,
};
use super::super::super::ast::{Operator, Select};
use super::super::super::value::{Value, ValueType};
use super::super::number::cast;
use super::super::{Plan, Prepared};
use super::model::Row;

/// A time after all points.
const NOW_NS: i64 = 1_795_000_000_000_000_000;

const FIELDS: [(&str, ValueType); 4] = [
    ("f", ValueType::Float),
    ("i", ValueType::Integer),
    ("b", ValueType::Boolean),
    ("s", ValueType::String),
];

/// The statement as the model needs it.
pub struct Query {
    pub plan: Plan,
    /// What each call reads, and its innermost function.
    pub calls: Vec<(Option<Read>, &'static str)>,
    pub others: Vec<Option<Read>>,
    pub group_tags: Vec<String>,
    condition: Condition,
    /// The query that is read instead of the measurement.
    pub inner: Option<Box<Query>>,
}

/// The one measurement.
struct Measurement;

impl Schema for Measurement {
    fn measurements(&self, _: &Origin) -> Result<Vec<Arc<str>>, SchemaError> {
        Ok(vec!["m".into()])
    }

    fn tags(&self, _: &Origin, _: &str) -> Result<Vec<Arc<str>>, SchemaError> {
        Ok(vec!["t".into(), "u".into()])
    }

    fn fields(&self, _: &Origin, _: &str) -> Result<Vec<(Arc<str>, ValueType)>, SchemaError> {
        Ok(FIELDS
            .map(|(name, value_type)| (name.into(), value_type))
            .into())
    }
}

/// Analyses a statement; `None` if it has no answer, whatever is stored.
pub fn analyse(select: &Select) -> Option<Query> {
    let analysed = analysis::analyse(select, NOW_NS, &Measurement).unwrap();
    query_of(&analysed, Prepared::new(&analysed, 0))
}

fn query_of(analysed: &Analysed, prepared: Prepared) -> Option<Query> {
    let (condition, reads, inner) = match analysed.sources.as_slice() {
        [Source::Measurement(source)] => (&source.condition, &source.reads, None),
        [Source::Subquery(source)] => {
            let inner = Prepared::subquery(&source.query, 0);
            let inner = query_of(&source.query, inner)?;
            (&source.condition, &source.reads, Some(Box::new(inner)))
        }
        [] => return None,
        sources => panic!("more than one source: {sources:?}"),
    };
    let calls = prepared.calls.iter().map(|index| {
        let call = &analysed.calls[*index];
        (reads[call.input()].clone(), call.base().function.name())
    });
    Some(Query {
        calls: calls.collect(),
        others: prepared
            .others
            .iter()
            .map(|input| reads[*input].clone())
            .collect(),
        group_tags: analysed.tags.iter().map(|tag| tag.to_string()).collect(),
        condition: condition.clone(),
        inner,
        plan: prepared.plan,
    })
}

/// What is read from a point or a row.
pub fn read(read: Option<&Read>, row: &Row) -> Option<Value> {
    match read? {
        Read::Field { name, read_as, .. } => cast(row.columns.get(&**name)?, *read_as),
        Read::Tag { key } => row.columns.get(&**key).cloned(),
        Read::Column { index, read_as } => cast(row.cells[*index].as_ref()?, *read_as),
        Read::Group { key } => Some(row.columns.get(&**key).cloned().unwrap_or(Value::text(""))),
    }
}

impl Query {
    /// Whether the statement asks for a point, apart from its time.
    pub fn wants(&self, row: &Row) -> bool {
        holds(&self.condition, row)
    }
}

fn holds(condition: &Condition, row: &Row) -> bool {
    match condition {
        Condition::Constant(truth) => *truth,
        Condition::All(parts) => parts.iter().all(|part| holds(part, row)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, row)),
        Condition::Tag { key, test } => match row.columns.get(&**key) {
            Some(Value::String(value)) => test.holds(value),
            _ => test.holds(""),
        },
        Condition::Compare {
            operator: Operator::Greater,
            left,
            right,
        } => {
            let (Operand::Read(what), Operand::Literal(number)) = (left, right) else {
                panic!("no comparison: {condition:?}");
            };
            let value = read(Some(what), row).as_ref().and_then(Value::as_float);
            value.is_some_and(|value| value > number.as_float().unwrap())
        }
        other => panic!("no condition: {other:?}"),
    }
}
