//! The stored points, as a map.

use std::collections::BTreeMap;

use tidegate::line_protocol::{self, Parser, Precision};

/// One value's place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub measurement: String,
    pub tags: BTreeMap<String, String>,
    pub time: i64,
    pub field: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// By its bits, so that it can be compared.
    Float(u64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    String(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tag,
    Float,
    Integer,
    Unsigned,
    Boolean,
    String,
}

impl Value {
    pub fn float(value: f64) -> Self {
        Self::Float(value.to_bits())
    }

    /// The float of the same value, of an integer that has one.
    pub fn as_exact_float(&self) -> Option<Self> {
        let (magnitude, float) = match self {
            Self::Integer(value) => (value.unsigned_abs(), *value as f64),
            Self::Unsigned(value) => (*value, *value as f64),
            _ => return None,
        };
        (magnitude <= 1 << 53).then(|| Self::float(float))
    }

    pub fn kind(&self) -> Kind {
        match self {
            Self::Float(_) => Kind::Float,
            Self::Integer(_) => Kind::Integer,
            Self::Unsigned(_) => Kind::Unsigned,
            Self::Boolean(_) => Kind::Boolean,
            Self::String(_) => Kind::String,
        }
    }
}

/// Every value by its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Points(pub BTreeMap<Cell, Value>);

impl Points {
    /// The columns of every measurement, as the stored points have fixed them.
    pub fn schema(&self) -> BTreeMap<(String, String), Kind> {
        let mut schema = BTreeMap::new();
        for (cell, value) in &self.0 {
            for tag in cell.tags.keys() {
                schema.insert((cell.measurement.clone(), tag.clone()), Kind::Tag);
            }
            schema.insert((cell.measurement.clone(), cell.field.clone()), value.kind());
        }
        schema
    }

    /// Reads an export. A place that comes twice fails: points are merged.
    pub fn read(text: &str) -> Self {
        let mut points = Self::default();
        let mut parser = Parser::new(text.as_bytes(), Precision::Nanosecond);
        let mut point = line_protocol::Point::default();
        while let Some(result) = parser.next_point(&mut point) {
            result.expect("an export is line protocol");
            let tags = point.tags.iter().map(|tag| {
                (
                    tag.key.decode().into_owned(),
                    tag.value.decode().into_owned(),
                )
            });
            let tags: BTreeMap<String, String> = tags.collect();
            for field in &point.fields {
                let cell = Cell {
                    measurement: point.measurement.decode().into_owned(),
                    tags: tags.clone(),
                    time: point.timestamp.expect("a time"),
                    field: field.key.decode().into_owned(),
                };
                let value = match field.value {
                    line_protocol::Value::Float(value) => Value::float(value),
                    line_protocol::Value::Integer(value) => Value::Integer(value),
                    line_protocol::Value::Unsigned(value) => Value::Unsigned(value),
                    line_protocol::Value::Boolean(value) => Value::Boolean(value),
                    line_protocol::Value::String(value) => {
                        Value::String(value.decode().into_owned())
                    }
                };
                assert!(
                    points.0.insert(cell, value).is_none(),
                    "a point twice: {text}"
                );
            }
        }
        points
    }
}
