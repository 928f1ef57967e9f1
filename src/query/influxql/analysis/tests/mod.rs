//! What statements mean for a few measurements, compared with what InfluxDB 1.6.7 answered.

mod bounds;
mod conditions;
mod confirmed;
mod functions;
mod subqueries;
mod times;

use std::sync::Arc;

use super::super::ast::{Select, Statement};
use super::super::value::ValueType;
use super::super::{Environment, parse};
use super::{Analysed, AnalysisError, Origin, Schema, SchemaError, analyse};

/// 2026-11-18
const NOW_NS: i64 = 1_795_000_000_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// The measurements of `tests/influxql/errors.py`.
struct Tables;

type Table = (
    &'static str,
    &'static [&'static str],
    &'static [(&'static str, ValueType)],
);

const TABLES: &[Table] = &[
    (
        "m",
        &["host", "dc"],
        &[
            ("f", ValueType::Float),
            ("i", ValueType::Integer),
            ("s", ValueType::String),
            ("b", ValueType::Boolean),
        ],
    ),
    (
        "n",
        &["zone", "host"],
        &[
            ("f", ValueType::Integer),
            ("g", ValueType::Float),
            ("host2", ValueType::String),
        ],
    ),
    (
        "both",
        &["x"],
        &[("x", ValueType::Float), ("y", ValueType::Float)],
    ),
    (
        "tagless",
        &[],
        &[
            ("v", ValueType::Integer),
            ("w", ValueType::Integer),
            ("s", ValueType::Boolean),
        ],
    ),
    ("host2", &["region"], &[("z", ValueType::String)]),
];

fn table(measurement: &str) -> Option<&'static Table> {
    TABLES.iter().find(|(name, _, _)| *name == measurement)
}

impl Schema for Tables {
    fn measurements(&self, origin: &Origin) -> Result<Vec<Arc<str>>, SchemaError> {
        check(origin)?;
        Ok(TABLES.iter().map(|(name, _, _)| Arc::from(*name)).collect())
    }

    fn tags(&self, origin: &Origin, measurement: &str) -> Result<Vec<Arc<str>>, SchemaError> {
        check(origin)?;
        let tags = table(measurement).map_or(&[][..], |(_, tags, _)| tags);
        Ok(tags.iter().map(|tag| Arc::from(*tag)).collect())
    }

    fn fields(
        &self,
        origin: &Origin,
        measurement: &str,
    ) -> Result<Vec<(Arc<str>, ValueType)>, SchemaError> {
        check(origin)?;
        let fields = table(measurement).map_or(&[][..], |(_, _, fields)| fields);
        let fields = fields.iter();
        Ok(fields
            .map(|(name, value_type)| (Arc::from(*name), *value_type))
            .collect())
    }
}

/// There is only one other database.
fn check(origin: &Origin) -> Result<(), SchemaError> {
    match origin.database.as_deref() {
        None | Some("d") => Ok(()),
        Some(other) => Err(SchemaError(format!("database not found: {other}"))),
    }
}

fn select(text: &str) -> Select {
    match parse(text, &Environment::default()).map(|mut query| query.statements.pop()) {
        Ok(Some(Statement::Select(select))) => *select,
        other => panic!("{text}: {other:?}"),
    }
}

fn analysis_of(text: &str) -> Result<Analysed, AnalysisError> {
    analyse(&select(text), NOW_NS, &Tables)
}

fn analysed(text: &str) -> Analysed {
    match analysis_of(text) {
        Ok(analysed) => analysed,
        Err(error) => panic!("{text}: {error}"),
    }
}
