//! The statistics of a file in a Delta table's log, which let readers skip the file.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::chunk::Chunk;
use super::layout::{Layout, TIME, TIME_NS};
use super::row_group::RowGroup;
use super::statistics::Bounds;
use crate::certain::impossible;

/// The number of columns of the table that have statistics: as many as other Delta writers keep.
/// `time` and `time_ns` are the first two.
const COLUMNS_MAX: usize = 32;

/// The statistics of a file.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) rows: u64,
    pub(super) time_ns: (i64, i64),
    /// The `stats` of an `add` action.
    pub(super) json: String,
}

impl Summary {
    /// Collects the statistics of a file with these row groups.
    pub(super) fn of(layout: &Layout, groups: &[RowGroup]) -> Self {
        let rows: usize = groups.iter().map(|group| group.rows).sum();
        let mut stats = Stats::default();
        let time = join(groups.iter().map(|group| Some(&group.time)));
        if let Bounds::Integer(min, max) = time {
            stats.add(TIME, (iso(min), iso(max)), 0);
        }
        let times = join(groups.iter().map(|group| Some(&group.time_ns)));
        stats.add(TIME_NS, times.json(), 0);
        for (place, column) in layout.columns().iter().enumerate().take(COLUMNS_MAX - 2) {
            let chunk = |group| RowGroup::column(group, place);
            let bounds = join(groups.iter().map(chunk));
            let nulls = groups
                .iter()
                .map(|group| chunk(group).map_or(group.rows, |c| c.nulls));
            stats.add(&column.storage, bounds.json(), nulls.sum());
        }
        let json = json!({
            "numRecords": rows,
            "minValues": stats.min,
            "maxValues": stats.max,
            "nullCount": stats.nulls,
        });
        Self {
            rows: rows as u64,
            time_ns: match times {
                Bounds::Integer(min, max) => (min, max),
                _ => impossible("a file has rows, and each has a time"),
            },
            json: json.to_string(),
        }
    }
}

#[derive(Default)]
struct Stats {
    min: Map<String, Value>,
    max: Map<String, Value>,
    nulls: Map<String, Value>,
}

impl Stats {
    fn add(&mut self, name: &str, (min, max): (Option<Value>, Option<Value>), nulls: usize) {
        self.nulls.insert(name.to_owned(), nulls.into());
        self.min.extend(min.map(|min| (name.to_owned(), min)));
        self.max.extend(max.map(|max| (name.to_owned(), max)));
    }
}

fn join<'a>(chunks: impl Iterator<Item = Option<&'a Chunk>>) -> Bounds {
    let bounds = chunks.flatten().map(|chunk| &chunk.bounds);
    bounds.fold(Bounds::Empty, Bounds::join)
}

/// Formats a timestamp as the protocol does: `2026-11-23T04:00:00.000001Z`.
fn iso(micros: i64) -> Option<Value> {
    let time: DateTime<Utc> = DateTime::from_timestamp_micros(micros)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Micros, true).into())
}
