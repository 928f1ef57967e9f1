//! A table as one question sees it, and the rows of it that a scan asks for.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use tidegate_query::{
    Column, ColumnKind, DatabaseError, Merged, Piece, Scan, Table, TagFilter, TimeSlice,
};

use super::access::Access;
use super::files::{self, Named};
use super::piece::{BufferedSeries, MergedStretch};
use crate::certain::Certain;
use crate::columnar::{self, TIME};
use crate::merge::{DAY_NS, day_start_ns};
use crate::read::{Lone, Moment, Selection, SeriesFilter, Shape, TableColumns, TimeRange, Wanted};

/// A table at one moment.
#[derive(Debug)]
pub(super) struct TableMoment {
    access: Arc<Access>,
    moment: Arc<Moment>,
    columns: Vec<Column>,
}

impl TableMoment {
    pub(super) fn new(access: Arc<Access>, moment: Moment) -> Self {
        Self {
            columns: columns(moment.columns()),
            moment: Arc::new(moment),
            access,
        }
    }

    fn pieces(&self, scan: Scan) -> Vec<Piece> {
        let asked: HashSet<&str> = scan.columns.iter().map(String::as_str).collect();
        let selection = Selection::new(Arc::clone(&self.moment), self.wanted(&scan));
        let selection = selection.with_columns(|name| asked.contains(name));
        let shape = self.shape(&selection, &scan.columns);
        let form = (shape, newest(&selection, &scan));
        let (mut pieces, mut lone) = (Vec::new(), Vec::new());
        for day in selection.days() {
            pieces.extend(self.merged(&selection, day, &form, &mut lone));
        }
        let files = files::piece(&self.access, lone, self.named());
        pieces.extend(files.map(Piece::Files));
        pieces
    }

    /// What of a day has to be merged; the rest of it is added to `lone`.
    fn merged(
        &self,
        selection: &Selection,
        day: i32,
        form: &(Shape, Option<Vec<usize>>),
        lone: &mut Vec<Lone>,
    ) -> Vec<Piece> {
        let of_day = Arc::new(selection.of_day(day));
        let split = of_day.split(day);
        lone.extend(split.lone);
        let stretches = split.stretches.into_iter().map(|stretch| {
            let access = Arc::clone(&self.access);
            let rows = Arc::new(of_day.within(stretch));
            let stretch = MergedStretch::new(access, rows, form.clone(), day);
            Piece::Merged(Arc::new(stretch) as Arc<dyn Merged>)
        });
        stretches.collect()
    }

    /// Where the tags of rows are. What is in memory comes series by series; of a day with a file that
    /// cannot be read as it lies, all is merged.
    fn series_pieces(&self, scan: &Scan) -> Vec<Piece> {
        let asked: HashSet<&str> = scan.columns.iter().map(String::as_str).collect();
        let wanted = self.wanted(scan);
        let selection = Selection::new(Arc::clone(&self.moment), wanted.clone());
        let selection = selection.with_columns(|name| asked.contains(name));
        let form = (self.shape(&selection, &scan.columns), None);
        let (mut pieces, mut parts) = (Vec::new(), Vec::new());
        for day in selection.days() {
            match self.moment.parts_of_day(day, wanted.range) {
                Some(of_day) => parts.extend(of_day),
                None => pieces.extend(self.merged(&selection, day, &form, &mut parts)),
            }
        }
        let files = files::piece(&self.access, parts, self.named());
        pieces.extend(files.map(Piece::Files));
        // To read them is to go to another thread.
        if self.moment.may_have_buffered(wanted.range) {
            let access = Arc::clone(&self.access);
            let moment = Arc::clone(&self.moment);
            let buffered = BufferedSeries::new(access, moment, wanted, form.0.schema);
            pieces.push(Piece::Merged(Arc::new(buffered)));
        }
        pieces
    }

    /// All columns.
    fn named(&self) -> impl Iterator<Item = Named<'_>> {
        let time = Named {
            label: TIME,
            column: None,
        };
        let tags = self.moment.tags().iter().map(|key| Named {
            label: key,
            column: Some((key, columnar::ColumnKind::Tag)),
        });
        let fields = self.moment.fields().iter().map(|field| Named {
            label: &field.label,
            column: Some((&field.name, columnar::ColumnKind::Field(field.field_type))),
        });
        std::iter::once(time).chain(tags).chain(fields)
    }

    fn wanted(&self, scan: &Scan) -> Wanted {
        let series = (!scan.tags.is_empty()).then(|| {
            let conditions = scan.tags.iter().map(Condition::new);
            Arc::new(Conditions(conditions.collect())) as Arc<dyn SeriesFilter>
        });
        let newest = scan.newest.as_ref().and_then(|present| {
            let field = |name: &String| {
                let mut fields = self.moment.fields().iter();
                let field = fields.find(|field| *field.label == **name)?;
                Some((field.name.clone(), field.field_type))
            };
            // A tag that has to be present is no field, so all rows are given.
            present.iter().map(field).collect()
        });
        Wanted {
            range: self.range(&scan.times),
            series,
            newest,
        }
    }

    /// These times, but for those past retention.
    fn range(&self, times: &RangeInclusive<i64>) -> TimeRange {
        TimeRange {
            start_ns: self.access.oldest_ns.max(*times.start()),
            end_ns: times.end().checked_add(1),
        }
    }

    /// The columns in the order that is asked for.
    fn shape(&self, selection: &Selection, asked: &[String]) -> Shape {
        let tags = selection.tags().iter().map(|key| &**key);
        let fields = selection.fields().iter().map(|field| &*field.label);
        let rows = std::iter::once(TIME).chain(tags).chain(fields);
        let places: HashMap<&str, usize> = rows.zip(0..).collect();
        let columns = self.columns.iter().map(|column| (&*column.name, column));
        let columns: HashMap<&str, &Column> = columns.collect();
        let asked = asked.iter().map(|name| {
            let column = columns.get(name.as_str())?;
            let is_nullable = column.kind != ColumnKind::Time;
            let field = Field::new(name, column.data_type.clone(), is_nullable);
            Some((field, *places.get(name.as_str())?))
        });
        let asked: Option<(Vec<Field>, Vec<usize>)> = asked.collect();
        let (fields, places) = asked.certain("a scan asks for columns of the table");
        Shape {
            schema: Arc::new(Schema::new(fields)),
            places,
        }
    }
}

impl Table for TableMoment {
    fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn scan(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>> {
        let pieces = match scan.times.is_empty() {
            true => Vec::new(),
            false => self.pieces(scan),
        };
        future::ok(pieces).boxed()
    }

    /// The days that have rows.
    fn ranges(&self, times: RangeInclusive<i64>) -> Vec<TimeSlice> {
        let (first, last) = (*times.start(), *times.end());
        let wanted = Wanted::from(self.range(&times));
        let selection = Selection::new(Arc::clone(&self.moment), wanted);
        let days = selection.days().into_iter().map(|day| {
            let start_ns = day_start_ns(day);
            TimeSlice {
                times: first.max(start_ns)..=last.min(start_ns.saturating_add(DAY_NS - 1)),
                rows_at_most: selection.rows_around(day),
            }
        });
        days.collect()
    }

    fn has_one_series(&self, times: &RangeInclusive<i64>) -> bool {
        self.moment.has_one_series(self.range(times))
    }

    fn series(&self, scan: Scan) -> BoxFuture<'_, Result<Vec<Piece>, DatabaseError>> {
        let is_of_tags = scan.columns.iter().all(|name| {
            let mut columns = self.columns.iter();
            columns.any(|column| column.kind == ColumnKind::Tag && column.name == *name)
        });
        debug_assert!(is_of_tags, "series have nothing but tags");
        let pieces = match scan.times.is_empty() {
            true => Vec::new(),
            false => self.series_pieces(&scan),
        };
        future::ok(pieces).boxed()
    }
}

/// The places of the fields that a row must have to stand for the older ones of its series; none if all rows
/// are needed.
fn newest(selection: &Selection, scan: &Scan) -> Option<Vec<usize>> {
    let mut present = scan.newest.as_ref()?.iter();
    // A tag that has to be present is none of them, so all rows are given.
    let place = |name: &String| {
        let mut fields = selection.fields().iter();
        fields.position(|field| *field.label == **name)
    };
    present.try_fold(Vec::new(), |mut places, name| {
        places.push(place(name)?);
        Some(places)
    })
}

/// The columns of a table as the query engine has them.
pub(super) fn columns(of: &TableColumns) -> Vec<Column> {
    let time = Column {
        name: TIME.to_owned(),
        kind: ColumnKind::Time,
        data_type: DataType::Timestamp(TimeUnit::Nanosecond, None),
    };
    let tags = of.tags.iter().map(|key| Column {
        name: key.to_string(),
        kind: ColumnKind::Tag,
        data_type: columnar::tag_type(),
    });
    let fields = of.fields.iter().map(|field| Column {
        name: field.label.to_string(),
        kind: ColumnKind::Field,
        data_type: field.field_type.arrow(),
    });
    std::iter::once(time).chain(tags).chain(fields).collect()
}

/// Conditions on tags, all of which a series has to pass.
#[derive(Debug)]
struct Conditions(Vec<Condition>);

#[derive(Debug)]
struct Condition {
    key: String,
    values: HashSet<String>,
    /// True if series without the tag pass.
    has_none: bool,
}

impl Condition {
    fn new(filter: &TagFilter) -> Self {
        Self {
            key: filter.column.clone(),
            values: filter.one_of.iter().flatten().cloned().collect(),
            has_none: filter.one_of.contains(&None),
        }
    }
}

impl SeriesFilter for Conditions {
    fn passes<'t>(&self, tags: &mut dyn Iterator<Item = (&'t str, &'t str)>) -> bool {
        let tags: Vec<(&str, &str)> = tags.collect();
        self.0.iter().all(|condition| {
            let tag = tags.iter().find(|(key, _)| *key == condition.key);
            match tag {
                Some((_, value)) => condition.values.contains(*value),
                None => condition.has_none,
            }
        })
    }
}
