//! Values of the model: how they are written in SQL and in line protocol, and how they are ordered.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};

/// A value. Only values of one kind are compared.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    /// Nanoseconds since the epoch.
    Time(i64),
}

/// A point: its time, tags and fields by name, those without a value absent.
pub(super) type Record = BTreeMap<&'static str, Value>;

/// The cells of an expected row.
pub(super) type Cells = Vec<Option<Value>>;

impl Value {
    /// The value as a cell of an answer is written.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) | Self::Time(value) => value.to_string(),
            Self::Unsigned(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(value) => value.clone(),
        }
    }

    /// The value as a literal of SQL.
    pub(super) fn sql(&self) -> String {
        match self {
            Self::Text(value) => format!("'{}'", value.replace('\'', "''")),
            Self::Time(time_ns) => format!("'{}'", rfc3339(*time_ns)),
            // Without the point it would be an integer.
            Self::Float(value) => format!("{value:?}"),
            other => other.shown(),
        }
    }

    /// The value as line protocol has it.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Integer(value) => format!("{value}i"),
            Self::Unsigned(value) => format!("{value}u"),
            Self::Text(value) => format!("\"{}\"", value.replace('"', "\\\"")),
            other => other.shown(),
        }
    }
}

/// A time as text, with all nine digits of its second.
pub(super) fn rfc3339(time_ns: i64) -> String {
    DateTime::from_timestamp_nanos(time_ns).to_rfc3339_opts(SecondsFormat::Nanos, true)
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(a), Self::Boolean(b)) => a.cmp(b),
            (Self::Integer(a), Self::Integer(b)) | (Self::Time(a), Self::Time(b)) => a.cmp(b),
            (Self::Unsigned(a), Self::Unsigned(b)) => a.cmp(b),
            (Self::Float(a), Self::Float(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (a, b) => panic!("{a:?} is compared with {b:?}"),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}
