//! Adding a whole batch: its ids are mapped once, then its columns are copied in bulk.
//!
//! This is the path of every acknowledged write into the buffer, and of replay.

use std::ops::Range;

use super::batch::Batch;
use super::builder::BatchBuilder;
use crate::certain::Certain;
use crate::narrow;

/// The reason why ids are found.
const CONSISTENT: &str =
    "ids of a batch are below its counts, by construction and when it is decoded";

impl BatchBuilder {
    /// Adds all rows of `batch`, which must be of the same measurement, after those that are here.
    pub fn append(&mut self, batch: &Batch) {
        debug_assert_eq!(
            self.batch.measurement, batch.measurement,
            "one measurement a builder"
        );
        let first_row = narrow::id(self.batch.times.len());
        let _checked = narrow::id(self.batch.times.len() + batch.times.len());
        let series_map = self.map_series(batch);
        let mapped = batch
            .row_series
            .iter()
            .map(|id| *series_map.get(*id as usize).certain(CONSISTENT));
        self.batch.row_series.extend(mapped);
        self.batch.times.extend_from_slice(&batch.times);
        for field in batch
            .fields
            .iter()
            .filter(|field| field.present_count() > 0)
        {
            let column = self.field_column(field.name(), field.field_type());
            let target = self.field_mut(column);
            target
                .certain("it was made just now")
                .append(field, first_row);
        }
    }

    /// Our id for each series of `batch`.
    fn map_series(&mut self, batch: &Batch) -> Vec<u32> {
        let columns = self.map_columns(batch);
        let values = self.map_values(batch, &columns);
        let mut scratch = Vec::new();
        let mut shapes = Vec::with_capacity(batch.series.shapes().len());
        for shape in batch.series.shapes() {
            scratch.clear();
            let mapped = shape.iter().map(|column| columns.get(*column as usize));
            scratch.extend(mapped.map(|column| *column.certain(CONSISTENT)));
            shapes.push(self.index.shape(&mut self.batch.series, &scratch));
        }
        let mut ids = Vec::with_capacity(batch.series_count());
        for (shape, own) in batch.series.iter() {
            scratch.clear();
            let cells = batch.series.shape(shape).iter().zip(own);
            scratch.extend(cells.map(|(column, value)| values.get(*column, *value)));
            let shape = shapes.get(shape as usize).certain(CONSISTENT);
            ids.push(self.index.series(&mut self.batch.series, *shape, &scratch));
        }
        ids
    }

    /// Our column for each tag key of `batch`.
    fn map_columns(&mut self, batch: &Batch) -> Vec<u32> {
        let Self {
            batch: own, index, ..
        } = self;
        batch
            .tag_keys()
            .map(|key| index.tag_column(&mut own.tags, key))
            .collect()
    }

    /// Our id for each dictionary entry of each tag column of `batch`.
    fn map_values(&mut self, batch: &Batch, columns: &[u32]) -> MappedValues {
        let Self {
            batch: own, index, ..
        } = self;
        let count = batch.tags.iter().map(|tag| tag.values.len()).sum();
        let mut mapped = MappedValues {
            ids: Vec::with_capacity(count),
            columns: Vec::with_capacity(batch.tags.len()),
        };
        for (tag, column) in batch.tags.iter().zip(columns) {
            let start = mapped.ids.len();
            let texts = tag.values.iter();
            let ids = texts.map(|text| index.tag_value(&mut own.tags, *column, text));
            mapped.ids.extend(ids);
            mapped.columns.push(start..mapped.ids.len());
        }
        mapped
    }
}

/// Our ids for the dictionary entries of a batch: those of its tag columns, end to end.
struct MappedValues {
    ids: Vec<u32>,
    /// Where those of each column lie.
    columns: Vec<Range<usize>>,
}

impl MappedValues {
    fn get(&self, column: u32, value: u32) -> u32 {
        let place = self.columns.get(column as usize).certain(CONSISTENT);
        let ids = self.ids.get(place.clone()).certain(CONSISTENT);
        *ids.get(value as usize).certain(CONSISTENT)
    }
}
