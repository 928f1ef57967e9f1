//! Points in memory, as a database and as what the model reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, RecordBatchOptions};
use arrow_array::{TimestampNanosecondArray, types::Int32Type};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, TimeUnit};
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, future, stream};

use super::super::Databases;
use super::super::convert;
use crate::influxql::analysis::{Origin, Schema, SchemaError};
use crate::influxql::value::{Value, ValueType};
use crate::{
    Batches, Column, ColumnKind, Database, DatabaseError, Merged, Piece, QueryError, Scan, Table,
    TagFilter, TimeSlice,
};

/// Points, of which no two have one measurement, time and set of tags.
#[derive(Clone, Debug)]
pub(super) struct Points(pub(super) Vec<Point>);

#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) measurement: Arc<str>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) fields: BTreeMap<String, Value>,
    pub(super) time_ns: i64,
}

impl Points {
    /// Reads lines of `measurement,tag=v field=1i 1`, without escapes.
    pub(super) fn of(text: &str) -> Self {
        Self(text.lines().filter_map(point).collect())
    }

    fn of_measurement(&self, name: &str) -> impl Iterator<Item = &Point> {
        self.0
            .iter()
            .filter(move |point| *point.measurement == *name)
    }
}

fn point(line: &str) -> Option<Point> {
    let mut parts = line.split(' ');
    let mut key = parts.next()?.split(',');
    let measurement = Arc::from(key.next()?);
    let pair = |text: &str| {
        let (key, value) = text.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    };
    let tags = key.filter_map(pair).collect();
    let fields = parts.next()?.split(',').filter_map(pair);
    let fields = fields.map(|(key, text)| (key, value(&text)));
    Some(Point {
        measurement,
        tags,
        fields: fields.collect(),
        time_ns: parts.next()?.parse().ok()?,
    })
}

fn value(text: &str) -> Value {
    match text {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        text if text.starts_with('"') => Value::text(text.trim_matches('"')),
        text => match (text.strip_suffix('i'), text.strip_suffix('u')) {
            (Some(digits), _) => Value::Integer(digits.parse().expect("an integer")),
            (_, Some(digits)) => Value::Unsigned(digits.parse().expect("an unsigned")),
            _ => Value::Float(text.parse().expect("a float")),
        },
    }
}

impl Schema for Points {
    fn measurements(&self, _: &Origin) -> Result<Vec<Arc<str>>, SchemaError> {
        let names = self.0.iter().map(|point| Arc::clone(&point.measurement));
        Ok(names.collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn tags(&self, _: &Origin, measurement: &str) -> Result<Vec<Arc<str>>, SchemaError> {
        let keys = self
            .of_measurement(measurement)
            .flat_map(|point| point.tags.keys());
        let keys: BTreeSet<_> = keys.collect();
        Ok(keys
            .into_iter()
            .map(|key| Arc::from(key.as_str()))
            .collect())
    }

    fn fields(
        &self,
        _: &Origin,
        measurement: &str,
    ) -> Result<Vec<(Arc<str>, ValueType)>, SchemaError> {
        let points = self.of_measurement(measurement);
        let fields: BTreeMap<_, _> = points
            .flat_map(|point| &point.fields)
            .map(|(key, value)| (key, value.value_type()))
            .collect();
        let fields = fields.into_iter();
        Ok(fields
            .map(|(key, value_type)| (Arc::from(key.as_str()), value_type))
            .collect())
    }
}

/// The only database is `db`, which is the one of the request.
impl Databases for Points {
    fn database<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Arc<dyn Database>, QueryError>> {
        let found = match origin.database.as_deref() {
            None | Some("db") => Ok(Arc::new(self.clone()) as Arc<dyn Database>),
            Some(other) => Err(QueryError::Invalid(format!("database not found: {other}"))),
        };
        future::ready(found).boxed()
    }
}

impl Database for Points {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        let names = self.measurements(&Origin::default()).expect("never fails");
        future::ok(names.iter().map(ToString::to_string).collect()).boxed()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        let points: Vec<_> = self.of_measurement(name).cloned().collect();
        let table = (!points.is_empty()).then(|| Arc::new(Rows::new(points)) as Arc<dyn Table>);
        future::ok(table).boxed()
    }
}

#[derive(Debug)]
struct Rows {
    points: Points,
    columns: Vec<Column>,
}

impl Rows {
    fn new(points: Vec<Point>) -> Self {
        let name = points.first().map(|point| point.measurement.to_string());
        let (name, points) = (name.unwrap_or_default(), Points(points));
        let column = |name: &str, kind, data_type| Column {
            name: name.to_owned(),
            kind,
            data_type,
        };
        let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let tag = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let origin = Origin::default();
        let mut columns = vec![column("time", ColumnKind::Time, time)];
        for key in points.tags(&origin, &name).expect("never fails") {
            columns.push(column(&key, ColumnKind::Tag, tag.clone()));
        }
        for (key, value_type) in points.fields(&origin, &name).expect("never fails") {
            columns.push(column(&key, ColumnKind::Field, value_type.into()));
        }
        Self { points, columns }
    }

    fn array(&self, column: &Column, rows: &[&Point]) -> ArrayRef {
        let rows = rows.iter();
        match column.kind {
            ColumnKind::Time => Arc::new(TimestampNanosecondArray::from_iter_values(
                rows.map(|point| point.time_ns),
            )),
            ColumnKind::Tag => {
                let values = rows.map(|point| point.tags.get(&column.name).map(String::as_str));
                Arc::new(values.collect::<DictionaryArray<Int32Type>>())
            }
            ColumnKind::Field => {
                let values = rows.map(|point| point.fields.get(&column.name).cloned());
                let of_type = super::super::schema::value_type(&column.data_type);
                convert::array(values, of_type.expect("a type of fields"))
            }
        }
    }
}

impl Table for Rows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>> {
        let passes = |point: &&Point| {
            let mut tags = scan.tags.iter();
            scan.times.contains(&point.time_ns) && tags.all(|filter| has(point, filter))
        };
        let rows: Vec<&Point> = self.points.0.iter().filter(passes).collect();
        let named = scan.columns.iter().map(|name| {
            let column = self.columns.iter().find(|column| column.name == *name);
            column.expect("only columns of the table are asked for")
        });
        // Some pieces, of rows in no order, of which it is often known how many there are.
        let are_counted = !rows.len().is_multiple_of(3);
        let pieces = rows.chunks(7).map(|rows| {
            let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = named
                .clone()
                .map(|column| {
                    let is_nullable = column.kind != ColumnKind::Time;
                    let field = Field::new(&column.name, column.data_type.clone(), is_nullable);
                    (field, self.array(column, rows))
                })
                .unzip();
            let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
            let schema = Arc::new(ArrowSchema::new(fields));
            let batch = RecordBatch::try_new_with_options(schema, arrays, &options);
            let rows = batch.expect("columns of one length");
            Piece::Merged(Arc::new(Ready { rows, are_counted }))
        });
        future::ok(pieces.collect()).boxed()
    }

    fn has_one_series(&self, times: &RangeInclusive<i64>) -> bool {
        let points = self.points.0.iter();
        let within = points.filter(|point| times.contains(&point.time_ns));
        let mut tags = within.map(|point| &point.tags);
        let first = tags.next();
        tags.all(|other| Some(other) == first)
    }

    /// Ranges of a hundred seconds.
    fn ranges(&self, times: RangeInclusive<i64>) -> Vec<TimeSlice> {
        const LENGTH_NS: i64 = 100_000_000_000;
        let points = self.points.0.iter().map(|point| point.time_ns);
        let within = points.filter(|time_ns| times.contains(time_ns));
        let mut counts: BTreeMap<i64, u64> = BTreeMap::new();
        for time_ns in within {
            *counts.entry(time_ns.div_euclid(LENGTH_NS)).or_default() += 1;
        }
        let ranges = counts.into_iter().map(|(start, rows)| {
            let start = start * LENGTH_NS;
            TimeSlice {
                times: start.max(*times.start())..=(start + LENGTH_NS - 1).min(*times.end()),
                rows_at_most: (rows % 3 > 0).then_some(rows),
            }
        });
        ranges.collect()
    }
}

fn has(point: &Point, filter: &TagFilter) -> bool {
    let value = point.tags.get(&filter.column);
    filter.one_of.iter().any(|one| one.as_ref() == value)
}

#[derive(Debug)]
struct Ready {
    rows: RecordBatch,
    are_counted: bool,
}

impl Merged for Ready {
    fn read(&self) -> Batches {
        stream::iter([Ok(self.rows.clone())]).boxed()
    }

    fn rows_at_most(&self) -> Option<usize> {
        self.are_counted.then(|| self.rows.num_rows())
    }
}

/// Lines of random points at times that differ, so that no rule about equal times matters.
pub(super) fn random(seed: u64) -> String {
    let mut random = super::random::Random(seed);
    let mut time_ns = super::START_NS;
    let mut lines = String::new();
    for _ in 0..160 {
        let gap = i64::try_from(random.below(8000)).expect("small") + 1000;
        time_ns += gap * 1_000_000 + i64::try_from(random.below(1000)).expect("small");
        let mut line = random.one(&["m", "m", "m", "n"]).to_owned();
        for (key, values) in [("dc", &["x", "y"][..]), ("host", &["a", "b", "c"])] {
            if random.below(100) < 85 {
                line += &format!(",{key}={}", random.one(values));
            }
        }
        let mut fields = Vec::new();
        if random.below(100) < 80 {
            let eighths = i32::try_from(random.below(1300)).expect("small") - 400;
            fields.push(format!("f={}", f64::from(eighths) / 8.0));
        }
        if random.below(100) < 80 {
            let number = i64::try_from(random.below(140)).expect("small") - 50;
            fields.push(format!("i={number}i"));
        }
        if random.below(100) < 40 {
            fields.push(format!("s=\"{}\"", random.one(&["a", "b", "t", "x"])));
        }
        if random.below(100) < 40 {
            fields.push(format!("b={}", random.one(&["true", "false"])));
        }
        if fields.is_empty() || line.starts_with('n') {
            fields.push(format!("g={}", random.below(100)));
        }
        lines += &format!("{line} {} {time_ns}\n", fields.join(","));
    }
    lines
}

#[test]
fn points_are_read_from_lines() {
    let points = Points::of("m,t=a f=1.5,i=2i,s=\"x\",b=true 7");
    let values = points.0[0].fields.values().map(Value::value_type);
    let types = [
        ValueType::Boolean,
        ValueType::Float,
        ValueType::Integer,
        ValueType::String,
    ];
    assert_eq!(values.collect::<Vec<_>>(), types);
}
