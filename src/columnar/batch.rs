//! Rows of one measurement, in columns.

use super::column::FieldColumn;
use super::kind::ColumnKind;
use super::series::SeriesTable;
use super::strings::Strings;
use crate::certain::Certain;

/// A tag key and the distinct values it has in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TagColumn {
    pub(super) key: Box<str>,
    pub(super) values: Strings,
}

/// Rows of one measurement in the order they arrived.
///
/// Series and dictionary ids are local to the batch. Equality compares the layout, not only the
/// points: two batches with the same rows are equal if they were built in the same order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    pub(super) measurement: Box<str>,
    pub(super) tags: Vec<TagColumn>,
    pub(super) series: SeriesTable,
    /// Nanoseconds since the epoch, one per row.
    pub(super) times: Vec<i64>,
    /// The series of each row.
    pub(super) row_series: Vec<u32>,
    /// Distinct by name and type.
    pub(super) fields: Vec<FieldColumn>,
}

impl Batch {
    /// The measurement of all rows, unescaped.
    pub fn measurement(&self) -> &str {
        &self.measurement
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.times.len()
    }

    /// Nanoseconds since the epoch, one per row.
    pub fn times(&self) -> &[i64] {
        &self.times
    }

    /// The series id of each row, below [`Batch::series_count`].
    pub fn series_of_rows(&self) -> &[u32] {
        &self.row_series
    }

    /// The number of distinct series.
    pub fn series_count(&self) -> usize {
        self.series.len()
    }

    /// Key and value of every tag of a series, ordered by key, bytewise.
    pub fn series_tags(&self, series: u32) -> impl Iterator<Item = (&str, &str)> + Clone {
        tags_of(&self.tags, &self.series, series)
    }

    /// The number of tag keys.
    pub fn tag_count(&self) -> usize {
        self.tags.len()
    }

    /// The tag keys, in the order in which they appeared.
    pub fn tag_keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.tags.iter().map(|tag| &*tag.key)
    }

    /// The field columns, in the order in which they appeared.
    pub fn fields(&self) -> &[FieldColumn] {
        &self.fields
    }

    /// Name and kind of every column: the tags, then the fields. One name may come several times,
    /// each with another kind.
    pub fn columns(&self) -> impl Iterator<Item = (&str, ColumnKind)> + Clone {
        let tags = self.tag_keys().map(|key| (key, ColumnKind::Tag));
        let fields = self.fields.iter();
        tags.chain(fields.map(|field| (field.name(), ColumnKind::Field(field.field_type()))))
    }

    /// Bytes on the heap, counted by capacity.
    pub fn heap_bytes(&self) -> u64 {
        let tags: usize = self
            .tags
            .iter()
            .map(|tag| tag.key.len() + tag.values.heap_bytes())
            .sum();
        let fields: usize = self.fields.iter().map(FieldColumn::heap_bytes).sum();
        let bytes = self.measurement.len()
            + tags
            + self.tags.capacity() * size_of::<TagColumn>()
            + self.series.heap_bytes()
            + self.times.capacity() * size_of::<i64>()
            + self.row_series.capacity() * size_of::<u32>()
            + fields
            + self.fields.capacity() * size_of::<FieldColumn>();
        bytes as u64
    }

    pub(super) fn shrink(&mut self) {
        self.tags.iter_mut().for_each(|tag| tag.values.shrink());
        self.tags.shrink_to_fit();
        self.series.shrink();
        self.times.shrink_to_fit();
        self.row_series.shrink_to_fit();
        self.fields.iter_mut().for_each(FieldColumn::shrink);
        self.fields.shrink_to_fit();
    }
}

/// Key and value of every tag of a series, in the order of its shape.
pub(super) fn tags_of<'a>(
    tags: &'a [TagColumn],
    table: &'a SeriesTable,
    series: u32,
) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
    const KNOWN: &str = "ids of series, tags and values are those of their batch";
    let (shape, values) = table.get(series).certain(KNOWN);
    let tags_of_shape = table.shape(shape).iter();
    tags_of_shape.zip(values).map(|(column, value)| {
        let tag = tags.get(*column as usize).certain(KNOWN);
        (&*tag.key, tag.values.get(*value).certain(KNOWN))
    })
}
