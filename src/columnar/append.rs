//! Adding a whole batch: its ids are mapped once, then its columns are copied in bulk.
//!
//! This is the path of every acknowledged write into the buffer, and of replay.

use super::batch::Batch;
use super::builder::BatchBuilder;
use super::narrow;

impl BatchBuilder {
    /// Adds all rows of `batch`, which must be of the same measurement, behind those that are here.
    pub fn append(&mut self, batch: &Batch) {
        debug_assert_eq!(
            self.batch.measurement, batch.measurement,
            "one measurement a builder"
        );
        let first_row = narrow::id(self.batch.times.len());
        let _checked = narrow::id(self.batch.times.len() + batch.times.len());
        let series_map = self.map_series(batch);
        // Every row's id is below the number of series: a batch is consistent by construction.
        let mapped = batch
            .row_series
            .iter()
            .map(|id| series_map.get(*id as usize));
        self.batch
            .row_series
            .extend(mapped.map(|id| id.copied().unwrap_or_default()));
        self.batch.times.extend_from_slice(&batch.times);
        for field in batch
            .fields
            .iter()
            .filter(|field| field.present_count() > 0)
        {
            let column = self.field_column(field.name(), field.field_type());
            if let Some(target) = self.field_mut(column) {
                target.append(field, first_row);
            }
        }
    }

    /// Our id for each series of `batch`.
    fn map_series(&mut self, batch: &Batch) -> Vec<u32> {
        let columns = self.map_columns(batch);
        let values = self.map_values(batch, &columns);
        let shapes: Vec<u32> = batch
            .series
            .shapes()
            .iter()
            .map(|shape| {
                let mapped: Vec<u32> = shape
                    .iter()
                    .filter_map(|column| columns.get(*column as usize))
                    .copied()
                    .collect();
                self.index.shape(&mut self.batch.series, &mapped)
            })
            .collect();
        let mut scratch = Vec::new();
        let mut ids = Vec::with_capacity(batch.series_count());
        for (shape, own) in batch.series.iter() {
            scratch.clear();
            let cells = batch.series.shape(shape).iter().zip(own);
            scratch.extend(
                cells.filter_map(|(column, value)| {
                    values.get(*column as usize)?.get(*value as usize)
                }),
            );
            let shape = shapes.get(shape as usize).copied().unwrap_or_default();
            ids.push(self.index.series(&mut self.batch.series, shape, &scratch));
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
    fn map_values(&mut self, batch: &Batch, columns: &[u32]) -> Vec<Vec<u32>> {
        let Self {
            batch: own, index, ..
        } = self;
        let tags = batch.tags.iter().zip(columns);
        tags.map(|(tag, column)| {
            let texts = tag.values.iter();
            texts
                .map(|text| index.tag_value(&mut own.tags, *column, text))
                .collect()
        })
        .collect()
    }
}
