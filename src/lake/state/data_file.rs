//! One file of a table, as its name, its statistics and its `add` action describe it.
//!
//! # Which file is newer
//!
//! A file's name begins with a number and its node:
//! `day=2026-11-23/00000000000000000042-000000000000000a-….parquet`. Of equal points in several
//! files of a day, the one in the file with the higher number wins, field by field. The number is
//! checked when the file is committed: a flush is committed only under a number that is above
//! those of all files of its day, so the order of numbers is the order of commits, whichever node
//! wrote the files. A compaction writes its files under the highest number of those that it joins.
//!
//! So files of a day with equal numbers are parts of one compaction and have no point in common.
//! This does not hold for tables that were written before numbers were checked (their files lack
//! [`DataFile::keys`]): there, between equal numbers, the node decides, then the name. A file without
//! a number in its name was rewritten by another program and counts as older than all of ours.

use std::sync::Arc;

use deltalake_core::kernel::Add;
use serde_json::Value;

use crate::certain::Certain;
use crate::lake::parquet::KeyRange;
use crate::narrow;

/// The keys of an `add` action's `tags` for the first and the last row of its file. Checkpoints
/// preserve `tags`.
pub(super) const FIRST_ROW: &str = "tidegate.first";
pub(super) const LAST_ROW: &str = "tidegate.last";

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFile {
    /// Relative to the table.
    pub path: Arc<str>,
    /// Days since the epoch, UTC.
    pub day: i32,
    /// Of equal points, the file with the higher number wins.
    pub order: u64,
    /// The node that wrote it; nothing if that was another program.
    pub node: Option<u64>,
    /// Its size.
    pub bytes: u64,
    /// The number of its rows, if it is known.
    pub rows: Option<u64>,
    /// A time that no point in it is older than, in nanoseconds since the epoch.
    pub min_ns: i64,
    /// A time that no point in it is newer than.
    pub max_ns: i64,
    /// Its first and last row, if its writer recorded them.
    pub keys: Option<KeyRange>,
}

impl DataFile {
    pub(in crate::lake) fn of_add(add: &Add) -> Result<Self, String> {
        let path = &add.path;
        let day = add.partition_values.get("day").cloned().flatten();
        let day = day.as_deref().and_then(parse_day);
        let day = day.ok_or_else(|| format!("file {path} is in no day"))?;
        let stats = add.stats.as_deref();
        let stats: Value = stats
            .and_then(|stats| serde_json::from_str(stats).ok())
            .unwrap_or_default();
        let bound = |which: &str| stats.get(which)?.get("time_ns")?.as_i64();
        let tag = |key: &str| add.tags.as_ref()?.get(key)?.as_deref();
        let keys = tag(FIRST_ROW).zip(tag(LAST_ROW));
        let written = written(path);
        Ok(Self {
            path: path.as_str().into(),
            day,
            order: written.map_or(0, |(order, _)| order),
            node: written.map(|(_, node)| node),
            bytes: narrow::not_negative(add.size),
            rows: stats.get("numRecords").and_then(Value::as_u64),
            min_ns: bound("minValues").unwrap_or(i64::MIN),
            max_ns: bound("maxValues").unwrap_or(i64::MAX),
            keys: keys.and_then(|(first, last)| KeyRange::of_texts(first, last)),
        })
    }

    /// Its place in the order of writing: of equal points, those of later files win.
    pub(in crate::lake) fn place(&self) -> (u64, Option<u64>, &str) {
        (self.order, self.node, &self.path)
    }

    /// Returns whether it was written by tidegate, so that no two of its rows have equal series and
    /// time, and its times are known.
    pub fn is_plain(&self) -> bool {
        self.node.is_some() && self.min_ns != i64::MIN && self.max_ns != i64::MAX
    }

    /// Returns whether a point may be in both files, which are of one day.
    pub fn meets(&self, other: &Self) -> bool {
        match (&self.keys, &other.keys) {
            // Parts of one compaction.
            (Some(_), Some(_)) if self.order == other.order => false,
            (Some(keys), Some(others)) => self.meets_times(other) && keys.meets(others),
            _ => self.meets_times(other),
        }
    }

    /// Returns whether both look like parts of one compaction by an older tidegate.
    pub(in crate::lake) fn is_old_part_beside(&self, other: &Self) -> bool {
        let is_same = self.order == other.order && self.node == other.node;
        is_same && self.node.is_some() && self.keys.is_none() && other.keys.is_none()
    }

    fn meets_times(&self, other: &Self) -> bool {
        self.min_ns <= other.max_ns && other.min_ns <= self.max_ns
    }
}

/// Number and node in the name of a file; nothing if another program has written it.
fn written(path: &str) -> Option<(u64, u64)> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut parts = name.split('-');
    let order = parts.next().filter(|digits| digits.len() == 20)?;
    let node = parts.next().filter(|digits| digits.len() == 16)?;
    Some((order.parse().ok()?, u64::from_str_radix(node, 16).ok()?))
}

/// The day of a partition, in days since the epoch.
fn parse_day(text: &str) -> Option<i32> {
    let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    i32::try_from(
        date.signed_duration_since(chrono::NaiveDate::default())
            .num_days(),
    )
    .ok()
}

/// The name of a day's partition.
pub(in crate::lake) fn day_name(day: i32) -> String {
    let days = chrono::Days::new(u64::from(day.unsigned_abs()));
    let epoch = chrono::NaiveDate::default();
    let date = match day < 0 {
        true => epoch.checked_sub_days(days),
        false => epoch.checked_add_days(days),
    };
    let date = date.certain("days of 64-bit nanoseconds are within 300 years of 1970");
    date.format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use deltalake_core::kernel::Add;
    use serde_json::json;

    use super::{DataFile, day_name, parse_day};

    fn file(path: &str, day: Option<&str>, stats: Option<&str>) -> Result<DataFile, String> {
        let add = json!({
            "path": path, "partitionValues": {"day": day}, "size": 100, "stats": stats,
            "modificationTime": 0, "dataChange": true,
        });
        DataFile::of_add(&serde_json::from_value::<Add>(add).expect("an add"))
    }

    #[test]
    fn days_read_back() {
        for (day, name) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (20_780, "2026-11-23"),
        ] {
            assert_eq!(day_name(day), name);
            assert_eq!(parse_day(name), Some(day));
        }
        // The ends of 64 bits of nanoseconds.
        for day in [-106_752, 106_751] {
            assert_eq!(parse_day(&day_name(day)), Some(day));
        }
    }

    #[test]
    fn a_file_tells_its_order_and_its_times() {
        let path = "day=2026-11-23/00000000000000000042-000000000000000a-x.parquet";
        let stats = r#"{"numRecords":3,"minValues":{"time_ns":5},"maxValues":{"time_ns":9}}"#;
        let found = file(path, Some("2026-11-23"), Some(stats)).expect("ours");
        assert_eq!(
            (
                found.order,
                found.node,
                found.rows,
                found.min_ns,
                found.max_ns
            ),
            (42, Some(10), Some(3), 5, 9)
        );
        let foreign = file("part-0.parquet", Some("2026-11-23"), None).expect("read");
        assert_eq!(
            (foreign.order, foreign.node, foreign.min_ns, foreign.max_ns),
            (0, None, i64::MIN, i64::MAX)
        );
        assert!(foreign.meets(&found) && foreign.place() < found.place());
        assert!(file("x", None, None).is_err());
        let numbered = file("99-x.parquet", Some("2026-11-23"), None).expect("read");
        assert_eq!(numbered.order, 0);
    }
}
