//! A database that is a list of points in the order in which they were written. Slow and plain:
//! what it answers is what the traits mean.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, StringArray, TimestampNanosecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, future, stream};

use crate::{
    Batches, Column, ColumnKind, Database, DatabaseError, Merged, Piece, Scan, Table, TagFilter,
};

type Tags = BTreeMap<String, String>;
type Fields = BTreeMap<String, f64>;

/// A point as it was written.
#[derive(Clone, Debug)]
pub struct Point {
    table: String,
    tags: Tags,
    time_ns: i64,
    fields: Fields,
}

impl Point {
    pub fn new(table: &str, tags: &[(&str, &str)], time_ns: i64, fields: &[(&str, f64)]) -> Self {
        let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), *v));
        Self {
            table: table.to_owned(),
            tags: tags.collect(),
            time_ns,
            fields: fields.collect(),
        }
    }
}

/// All points, the oldest write first.
#[derive(Debug)]
pub struct Points(Vec<Point>);

impl Points {
    pub fn new(points: impl IntoIterator<Item = Point>) -> Self {
        Self(points.into_iter().collect())
    }
}

impl Database for Points {
    fn tables(&self) -> BoxFuture<'_, Result<Vec<String>, DatabaseError>> {
        let names: BTreeSet<String> = self.0.iter().map(|point| point.table.clone()).collect();
        future::ok(names.into_iter().collect()).boxed()
    }

    fn table<'a>(
        &'a self,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<dyn Table>>, DatabaseError>> {
        let points = self.0.iter().filter(|point| point.table == name);
        let rows = Rows::merge(points);
        let table = (!rows.by_key.is_empty()).then(|| Arc::new(rows) as Arc<dyn Table>);
        future::ok(table).boxed()
    }
}

/// The points of one table, by tags and time, the last value of each field.
#[derive(Debug)]
struct Rows {
    columns: Vec<Column>,
    by_key: BTreeMap<(Tags, i64), Fields>,
}

impl Rows {
    fn merge<'a>(points: impl Iterator<Item = &'a Point>) -> Self {
        let (mut tags, mut fields) = (BTreeSet::new(), BTreeSet::new());
        let mut by_key: BTreeMap<(Tags, i64), Fields> = BTreeMap::new();
        for point in points {
            tags.extend(point.tags.keys().cloned());
            fields.extend(point.fields.keys().cloned());
            let row = by_key.entry((point.tags.clone(), point.time_ns));
            row.or_default().extend(point.fields.clone());
        }
        let column = |kind, data_type: DataType| {
            move |name| Column {
                name,
                kind,
                data_type: data_type.clone(),
            }
        };
        let time = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let time = std::iter::once("time".to_owned()).map(column(ColumnKind::Time, time));
        let tags = tags
            .into_iter()
            .map(column(ColumnKind::Tag, DataType::Utf8));
        let fields = fields
            .into_iter()
            .map(column(ColumnKind::Field, DataType::Float64));
        Self {
            columns: time.chain(tags).chain(fields).collect(),
            by_key,
        }
    }

    fn array(&self, column: &Column, rows: &[(&(Tags, i64), &Fields)]) -> ArrayRef {
        let (rows, name) = (rows.iter(), column.name.as_str());
        match column.kind {
            ColumnKind::Time => {
                let times = rows.map(|((_, time_ns), _)| *time_ns);
                Arc::new(TimestampNanosecondArray::from_iter_values(times))
            }
            ColumnKind::Tag => {
                let values = rows.map(|((tags, _), _)| tags.get(name));
                Arc::new(values.collect::<StringArray>())
            }
            ColumnKind::Field => {
                let values = rows.map(|(_, fields)| fields.get(name).copied());
                Arc::new(values.collect::<Float64Array>())
            }
        }
    }
}

impl Table for Rows {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>> {
        let pass = |tags: &Tags| scan.tags.iter().all(|filter| passes(tags, filter));
        let all = self.by_key.iter();
        let rows: Vec<_> = all
            .filter(|((tags, time_ns), _)| scan.times.contains(time_ns) && pass(tags))
            .collect();
        let named = scan.columns.iter().map(|name| {
            let column = self.columns.iter().find(|column| column.name == *name);
            column.expect("only columns of the table are asked for")
        });
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = named
            .map(|column| {
                let is_nullable = column.kind != ColumnKind::Time;
                let field = Field::new(&column.name, column.data_type.clone(), is_nullable);
                (field, self.array(column, &rows))
            })
            .unzip();
        // Rows can be asked for without their columns, to be counted.
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options);
        // A piece for every three rows: more than one, as in a table of several days.
        let pieces = batch.map(|batch| {
            let starts = (0..batch.num_rows()).step_by(3);
            let parts = starts.map(|start| batch.slice(start, 3.min(batch.num_rows() - start)));
            parts
                .map(|part| Piece::Merged(Arc::new(Ready(part))))
                .collect()
        });
        let pieces = pieces.map_err(|error| DatabaseError::Unreadable(Arc::new(error)));
        future::ready(pieces).boxed()
    }
}

/// Rows that are there already.
#[derive(Debug)]
struct Ready(RecordBatch);

impl Merged for Ready {
    fn read(&self) -> Batches {
        stream::iter([Ok(self.0.clone())]).boxed()
    }
}

fn passes(tags: &Tags, filter: &TagFilter) -> bool {
    let value = tags.get(&filter.column);
    filter.one_of.iter().any(|one| one.as_ref() == value)
}
