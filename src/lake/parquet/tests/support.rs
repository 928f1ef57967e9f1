//! Rows as tests write and compare them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::columnar::{BatchBuilder, ColumnKind, FieldValue, Segment};
use crate::lake::parquet::{Column, Layout};
use crate::merge::{compare_tags, day_of};

/// A value that compares by its bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Float(u64),
    Integer(i64),
    Unsigned(u64),
    Boolean(bool),
    String(String),
}

impl Cell {
    pub(super) fn float(value: f64) -> Self {
        Self::Float(value.to_bits())
    }

    pub(super) fn text(value: &str) -> Self {
        Self::String(value.to_owned())
    }

    fn value(&self) -> FieldValue<'_> {
        match self {
            Self::Float(bits) => FieldValue::Float(f64::from_bits(*bits)),
            Self::Integer(value) => FieldValue::Integer(*value),
            Self::Unsigned(value) => FieldValue::Unsigned(*value),
            Self::Boolean(value) => FieldValue::Boolean(*value),
            Self::String(value) => FieldValue::String(value),
        }
    }

    fn of(value: FieldValue<'_>) -> Self {
        match value {
            FieldValue::Float(value) => Self::float(value),
            FieldValue::Integer(value) => Self::Integer(value),
            FieldValue::Unsigned(value) => Self::Unsigned(value),
            FieldValue::Boolean(value) => Self::Boolean(value),
            FieldValue::String(value) => Self::text(value),
        }
    }
}

pub(super) type Tags = Vec<(String, String)>;
pub(super) type Cells = BTreeMap<String, Cell>;

/// A point: tags ordered by key, time, fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) tags: Tags,
    pub(super) time_ns: i64,
    pub(super) cells: Cells,
}

pub(super) fn row(tags: &[(&str, &str)], time_ns: i64, cells: &[(&str, Cell)]) -> Row {
    let tags = tags
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let cells = cells
        .iter()
        .map(|(name, cell)| ((*name).to_owned(), cell.clone()));
    Row {
        tags: tags.collect(),
        time_ns,
        cells: cells.collect(),
    }
}

pub(super) fn segment(rows: &[Row]) -> Arc<Segment> {
    let mut builder = BatchBuilder::new("m");
    for row in rows {
        let tags: Vec<(&str, &str)> = row.tags.iter().map(|(k, v)| (&**k, &**v)).collect();
        let series = builder.series(&tags);
        let values = row.cells.iter().map(|(name, cell)| {
            let value = cell.value();
            (builder.field_column(name, value.field_type()), value)
        });
        let values: Vec<(u32, FieldValue<'_>)> = values.collect();
        builder.push_row(series, row.time_ns, &values);
    }
    Arc::new(builder.freeze())
}

/// The rows of a segment as they stand there.
pub(super) fn rows_of(segment: &Segment) -> Vec<Row> {
    let rows = segment.times().iter().zip(segment.series_of_rows());
    let mut rows: Vec<Row> = rows
        .map(|(time_ns, series)| Row {
            tags: segment
                .series_tags(*series)
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .collect(),
            time_ns: *time_ns,
            cells: Cells::new(),
        })
        .collect();
    for field in segment.fields() {
        for (row, value) in field.iter() {
            rows[row]
                .cells
                .insert(field.name().to_owned(), Cell::of(value));
        }
    }
    rows
}

/// The rows as they must come back: sorted, and of equal points the newest value of every field.
pub(super) fn merged(rows: &[Row]) -> Vec<Row> {
    let mut sorted = rows.to_vec();
    let tags = |row: &Row| row.tags.clone();
    sorted.sort_by(|a, b| {
        let (left, right) = (tags(a), tags(b));
        let left = left.iter().map(|(k, v)| (&**k, &**v));
        let right = right.iter().map(|(k, v)| (&**k, &**v));
        let days = day_of(a.time_ns).cmp(&day_of(b.time_ns));
        days.then(compare_tags(left, right))
            .then(a.time_ns.cmp(&b.time_ns))
    });
    let mut merged: Vec<Row> = Vec::new();
    for row in sorted {
        match merged.last_mut() {
            Some(last) if last.time_ns == row.time_ns && last.tags == row.tags => {
                last.cells.extend(row.cells);
            }
            _ => merged.push(row),
        }
    }
    merged
}

/// A layout that has all columns of the rows; storage names are not the names.
pub(super) fn layout(rows: &[Row]) -> Layout {
    let mut columns: Vec<(String, ColumnKind)> = Vec::new();
    for row in rows {
        let tags = row
            .tags
            .iter()
            .map(|(key, _)| (key.clone(), ColumnKind::Tag));
        let cells = row.cells.iter();
        let fields =
            cells.map(|(name, cell)| (name.clone(), ColumnKind::Field(cell.value().field_type())));
        columns.extend(tags.chain(fields));
    }
    let mut seen = std::collections::HashSet::new();
    columns.retain(|column| seen.insert(column.clone()));
    let columns = columns
        .into_iter()
        .enumerate()
        .map(|(place, (name, kind))| Column {
            storage: format!("{}_{place}", name.to_lowercase().replace(' ', "_")).into(),
            name: name.into(),
            kind,
        });
    Layout::new(columns.collect())
}

/// One field of every type, of ordinary values.
pub(super) fn every_type() -> Vec<(&'static str, Cell)> {
    vec![
        ("f", Cell::float(1.5)),
        ("i", Cell::Integer(-7)),
        ("u", Cell::Unsigned(7)),
        ("b", Cell::Boolean(true)),
        ("s", Cell::text("text")),
    ]
}

impl Row {
    /// With one more tag, if that is wanted.
    pub(super) fn with_tag(mut self, key: &str, value: &str, is_wanted: bool) -> Self {
        if is_wanted {
            self.tags.push((key.to_owned(), value.to_owned()));
            self.tags.sort();
        }
        self
    }
}
