//! A batch under construction.

use super::batch::Batch;
use super::column::FieldColumn;
use super::footprint;
use super::index::{Index, TagValue};
use super::segment::Segment;
use super::value::{FieldType, FieldValue};
use crate::certain::Certain;
use crate::narrow;

/// A [`Batch`] and the hash indexes needed to add to it: row by row while parsing, batch by batch
/// in the buffer and in replay.
#[derive(Clone, Debug, Default)]
pub struct BatchBuilder {
    pub(super) batch: Batch,
    pub(super) index: Index,
    /// The tag columns and dictionary ids of the series being looked up; kept to save allocations.
    columns: Vec<u32>,
    values: Vec<u32>,
    /// The shape of the last series: the next one most often has the same keys.
    last_shape: u32,
}

impl BatchBuilder {
    /// Returns a builder without rows of `measurement`.
    pub fn new(measurement: &str) -> Self {
        let batch = Batch {
            measurement: measurement.into(),
            ..Batch::default()
        };
        Self {
            batch,
            ..Self::default()
        }
    }

    /// Makes room for the columns of a row, as exactly as it is known.
    pub fn reserve(&mut self, tags: usize, fields: usize) {
        self.batch.tags.reserve_exact(tags);
        self.index.reserve_tags(tags);
        self.columns.reserve_exact(tags);
        self.values.reserve_exact(tags);
        self.batch.fields.reserve_exact(fields);
    }

    /// The id of the series with these tags, made if it is new. `tags` are unescaped, ordered by
    /// key bytewise, without a key twice: then a series has one id, in whatever order its tags
    /// were written.
    pub fn series(&mut self, tags: &[(&str, &str)]) -> u32 {
        debug_assert!(
            tags.is_sorted_by(|a, b| a.0 < b.0),
            "tags are sorted and distinct"
        );
        if !has_keys(&self.batch, self.last_shape, tags) {
            self.last_shape = self.shape(tags.iter().map(|(key, _)| *key));
        }
        let Self {
            batch,
            index,
            values,
            ..
        } = self;
        values.clear();
        let columns = batch.series.shape(self.last_shape).iter().zip(tags);
        values.extend(
            columns.map(|(column, (_, text))| index.tag_value(&mut batch.tags, *column, text)),
        );
        index.series(&mut batch.series, self.last_shape, values)
    }

    /// The id of the shape with these keys, made if it is new: unescaped, ordered bytewise, none twice.
    pub fn shape<'a>(&mut self, keys: impl Iterator<Item = &'a str>) -> u32 {
        let Self {
            batch,
            index,
            columns,
            ..
        } = self;
        columns.clear();
        columns.extend(keys.map(|key| index.tag_column(&mut batch.tags, key)));
        index.shape(&mut batch.series, columns)
    }

    /// The columns of the keys of a shape, in their order.
    pub fn columns_of(&self, shape: u32) -> &[u32] {
        self.batch.series.shape(shape)
    }

    /// The id of a value in the dictionary of a tag column, made if it is new. It does not remember recent
    /// values: that is for callers who ask for each line.
    #[inline]
    pub fn tag_value(&mut self, column: u32, text: &str) -> TagValue {
        self.index
            .other_tag_value(&mut self.batch.tags, column, text)
    }

    /// The id of the series with these values, ids of [`BatchBuilder::tag_value`] for the keys of `shape`.
    #[inline]
    pub fn series_of_values(&mut self, shape: u32, values: &[u32]) -> u32 {
        self.index.series(&mut self.batch.series, shape, values)
    }

    /// The same if one of the values is new, so that the series is: nothing is looked up, and nothing is
    /// entered into the index before somebody looks for a series.
    #[inline]
    pub fn new_series(&mut self, shape: u32, values: &[u32]) -> u32 {
        let newest = |column: u32| {
            self.batch
                .tags
                .get(column as usize)
                .map(|tag| tag.values.len())
        };
        let mut cells = self.columns_of(shape).iter().zip(values);
        debug_assert!(
            cells.any(|(column, value)| newest(*column) == Some(*value as usize + 1)),
            "one of the values is new"
        );
        self.batch.series.push(shape, values)
    }

    /// Returns true if there is a series with these tags (ordered as for [`BatchBuilder::series`]).
    pub fn contains_series(&self, tags: &[(&str, &str)]) -> bool {
        self.index
            .find_series(&self.batch.tags, &self.batch.series, tags)
            .is_some()
    }

    /// The column of the field with this name and type, made if it is new. One name may have
    /// columns of several types.
    pub fn field_column(&mut self, name: &str, field_type: FieldType) -> u32 {
        self.index
            .field_column(&mut self.batch.fields, name, field_type)
    }

    /// Adds a row. `series` and the columns are ids that this builder handed out; each column
    /// appears once, with a value of its type.
    #[inline]
    pub fn push_row(&mut self, series: u32, time_ns: i64, cells: &[(u32, FieldValue<'_>)]) {
        self.push_values(series, time_ns, cells.iter().copied());
    }

    /// Adds a row as [`BatchBuilder::push_row`] does, from cells that are not stored together.
    #[inline]
    pub fn push_values<'a>(
        &mut self,
        series: u32,
        time_ns: i64,
        cells: impl IntoIterator<Item = (u32, FieldValue<'a>)>,
    ) {
        debug_assert!(
            (series as usize) < self.batch.series_count(),
            "a series of this builder"
        );
        let row = narrow::id(self.batch.times.len());
        self.batch.times.push(time_ns);
        self.batch.row_series.push(series);
        for (column, value) in cells {
            let field = self.batch.fields.get_mut(column as usize);
            field.certain("a column of this builder").push(row, value);
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// The number of distinct series.
    pub fn series_count(&self) -> usize {
        self.batch.series_count()
    }

    /// Bytes on the heap, indexes included, counted by capacity.
    pub fn heap_bytes(&self) -> u64 {
        let scratch = (self.columns.capacity() + self.values.capacity()) * size_of::<u32>();
        self.batch.heap_bytes() + (self.index.heap_bytes() + scratch) as u64
    }

    /// Returns the most that [`BatchBuilder::heap_bytes`] can be for what is in here now, however
    /// it got in. Appending a batch raises it by no more than [`Batch::append_bytes_max`] of that
    /// batch.
    pub fn heap_bytes_max(&self) -> u64 {
        footprint::bytes_max(&self.batch)
    }

    /// The rows so far.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The rows without the indexes. They keep their spare capacity: to give it back would take longer
    /// than most of them live.
    pub fn finish(self) -> Batch {
        self.batch
    }

    /// The rows, immutable, in Arrow's layout.
    pub fn freeze(self) -> Segment {
        self.batch.freeze()
    }

    pub(super) fn field_mut(&mut self, column: u32) -> Option<&mut FieldColumn> {
        self.batch.fields.get_mut(column as usize)
    }
}

/// Returns true if the columns of a shape have exactly the keys of `tags`.
fn has_keys(batch: &Batch, shape: u32, tags: &[(&str, &str)]) -> bool {
    let Some(columns) = batch.series.shapes().get(shape as usize) else {
        return false;
    };
    let same = |(column, (key, _)): (&u32, &(&str, &str))| {
        batch
            .tags
            .get(*column as usize)
            .is_some_and(|tag| &*tag.key == *key)
    };
    columns.len() == tags.len() && columns.iter().zip(tags).all(same)
}
