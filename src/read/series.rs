//! The series of a table, for a reader who wants no rows: nothing has to be merged for it, since what a
//! place has is there, whatever other places say of the same point.

use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;

use super::moment::{Buffered, Moment};
use super::split::{Lone, both};
use crate::certain::Certain;
use crate::columnar::Segment;
use crate::merge::{DAY_NS, TimeRange, Wanted, day_start_ns};

/// The reason why a batch can be made.
const OF_TAGS: &str = "its columns are tags, and as many values were added to each";

impl Moment {
    /// The parts of the files of a day that have rows in a range, as they lie: a point may be in several.
    /// Absent if a file of the day cannot be read so.
    pub fn parts_of_day(&self, day: i32, range: TimeRange) -> Option<Vec<Lone>> {
        let files = self.files.as_ref().and_then(|files| files.days.get(&day));
        let Some(last) = range
            .end_ns
            .map_or(Some(i64::MAX), |end_ns| end_ns.checked_sub(1))
        else {
            return Some(Vec::new());
        };
        // What a file does not tell of its times is not about other days.
        let start = day_start_ns(day);
        let end = start.saturating_add(DAY_NS - 1);
        let range = (range.start_ns.max(start), last.min(end));
        let mut parts = Vec::new();
        for file in files.into_iter().flatten() {
            let Some((first, last)) = both(file.times(), range) else {
                continue;
            };
            if !file.is_plain() || file.parquet().is_none() {
                return None;
            }
            parts.push(Lone {
                file: Arc::clone(file),
                times: first..=last,
            });
        }
        Some(parts)
    }

    /// Returns false if no rows in memory have a time in a range.
    pub fn may_have_buffered(&self, range: TimeRange) -> bool {
        let mut buffered = self.buffered.iter();
        buffered.any(|rows| rows.days(range).next().is_some())
    }

    /// Some tags of the series that have wanted rows in memory, in the columns of `schema`, which are
    /// tags: a batch per segment. Takes a while if there are many.
    pub fn buffered_series(&self, wanted: &Wanted, schema: &SchemaRef) -> Vec<RecordBatch> {
        let of_each = self.buffered.iter().filter_map(|rows| {
            let has_rows = rows.days(wanted.range).next().is_some();
            has_rows.then(|| series_of(rows, wanted, schema))
        });
        of_each.collect()
    }
}

fn series_of(rows: &Buffered, wanted: &Wanted, schema: &SchemaRef) -> RecordBatch {
    let segment = &rows.segment;
    let is_met = met(rows, wanted.range);
    let mut columns: Vec<StringDictionaryBuilder<Int32Type>> = schema
        .fields()
        .iter()
        .map(|_| StringDictionaryBuilder::new())
        .collect();
    let mut count = 0;
    for series in (0_u32..).take(segment.series_count()) {
        if is_met
            .as_ref()
            .is_some_and(|met| met.get(series as usize) != Some(&true))
        {
            continue;
        }
        let filter = wanted.series.as_ref();
        if filter.is_some_and(|filter| !filter.passes(&mut segment.series_tags(series))) {
            continue;
        }
        count += 1;
        let tags = segment.series_tags(series);
        for (field, column) in schema.fields().iter().zip(&mut columns) {
            match tags.clone().find(|(key, _)| key == field.name()) {
                Some((_, value)) => column.append_value(value),
                None => column.append_null(),
            }
        }
    }
    let columns = columns
        .into_iter()
        .map(|mut column| Arc::new(column.finish()) as ArrayRef);
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns.collect(), &options);
    batch.ok().certain(OF_TAGS)
}

/// Whether each series has a row in a range; absent if all have.
fn met(rows: &Buffered, range: TimeRange) -> Option<Vec<bool>> {
    let has_all = rows
        .spread
        .parts()
        .all(|(first, last)| range.contains(first) && range.contains(last));
    if has_all {
        return None;
    }
    let segment: &Segment = &rows.segment;
    let mut met = vec![false; segment.series_count()];
    for (time_ns, series) in segment.times().iter().zip(segment.series_of_rows()) {
        if range.contains(*time_ns)
            && let Some(met) = met.get_mut(*series as usize)
        {
            *met = true;
        }
    }
    Some(met)
}
