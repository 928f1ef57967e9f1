//! What a table is at a version of its log: small enough to be kept for every table, and moved on
//! commit by commit.
//!
//! # Which file is newer
//!
//! A file's name begins with a number and its node:
//! `day=2026-11-23/00000000000000000042-000000000000000a-….parquet`. Of equal points in several
//! files of a day, the one in the file with the higher number wins, field by field. The number is
//! checked when the file is committed: a flush is committed only under a number that is above
//! those of all files of its day, so that the order of numbers is the order of commits, whoever
//! wrote the files. A compaction writes its files under the highest number of those that it joins.
//!
//! So files of a day with equal numbers are parts of one compaction, and have no point in common.
//! Not so in tables that were written before numbers were checked (their files lack
//! [`DataFile::keys`]): there, of equal numbers, the node decides, then the name. A file whose
//! name has no number was rewritten by another program: it counts as older than all of ours.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use deltalake_core::kernel::{Action, Add, Remove};
use serde_json::Value;

use super::actions::{FIRST_ROW, LAST_ROW};
use super::columns::Columns;
use super::packed::Packed;
use super::parquet::KeyRange;
use crate::narrow;

/// What a file takes with its path, which has about a hundred letters, and its place in the map.
const FILE_BYTES: usize = 320;

/// What the transaction of an application takes.
const TRANSACTION_BYTES: usize = 96;

/// The setting of a table that says which rules its writers keep to. Without it they are the
/// first ones.
pub(super) const FORMAT_KEY: &str = "tidegate.format";

/// The rules of this tidegate. In 2, the number of a file is checked when it is committed.
pub(super) const FORMAT: u64 = 2;

/// A table at one version.
#[derive(Clone, Debug)]
pub(super) struct TableState {
    pub(super) version: u64,
    /// The `metaData` action as it stands in the log: parsed, it is a hundred times as large as it
    /// is packed, and it is needed only when a column is added.
    metadata: Packed,
    pub(super) columns: Arc<Columns>,
    /// By path, relative to the table.
    pub(super) files: BTreeMap<Arc<str>, DataFile>,
    /// The last transaction of every application that was seen.
    pub(super) transactions: HashMap<String, u64>,
}

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
    /// Its rows, if that is known.
    pub rows: Option<u64>,
    /// No point in it is older, in nanoseconds since the epoch.
    pub min_ns: i64,
    /// No point in it is newer.
    pub max_ns: i64,
    /// Its first and last row, if its writer has noted them.
    pub keys: Option<KeyRange>,
}

impl TableState {
    /// A table whose log begins with these actions.
    pub(super) fn new(metadata: Value) -> Result<Self, String> {
        let mut state = Self {
            version: 0,
            metadata: Packed::default(),
            columns: Arc::default(),
            files: BTreeMap::new(),
            transactions: HashMap::new(),
        };
        state.set_metadata(metadata)?;
        Ok(state)
    }

    /// Moves on by the actions of the commit with the next version.
    pub(super) fn apply(&mut self, version: u64, actions: &[Action]) -> Result<(), String> {
        for action in actions {
            match action {
                Action::Add(add) => {
                    let file = DataFile::of_add(add)?;
                    self.files.insert(Arc::clone(&file.path), file);
                }
                Action::Remove(Remove { path, .. }) => {
                    self.files.remove(path.as_str());
                }
                Action::Metadata(_) => {
                    let value = serde_json::to_value(action).map_err(|error| error.to_string())?;
                    let metadata = value.get("metaData").cloned().unwrap_or_default();
                    self.set_metadata(metadata)?;
                }
                Action::Txn(transaction) => {
                    let version = narrow::not_negative(transaction.version);
                    self.transactions
                        .insert(transaction.app_id.clone(), version);
                }
                Action::Protocol(protocol) => {
                    let (reader, writer) =
                        (protocol.min_reader_version(), protocol.min_writer_version());
                    if reader > 1 || writer > 2 {
                        return Err(format!(
                            "its protocol was raised to reader {reader}, writer {writer} by \
                             another program; tidegate writes reader 1, writer 2 only"
                        ));
                    }
                }
                _ => {}
            }
        }
        self.version = version;
        Ok(())
    }

    /// The files by day, each day's in the order of [`DataFile::place`].
    pub(super) fn by_day(&self) -> BTreeMap<i32, Vec<&DataFile>> {
        let mut days: BTreeMap<i32, Vec<&DataFile>> = BTreeMap::new();
        for file in self.files.values() {
            days.entry(file.day).or_default().push(file);
        }
        for files in days.values_mut() {
            files.sort_by(|a, b| a.place().cmp(&b.place()));
        }
        days
    }

    /// The files of one day in the same order.
    pub(super) fn of_day(&self, day: i32) -> Vec<&DataFile> {
        let files = self.files.values();
        let mut files: Vec<_> = files.filter(|file| file.day == day).collect();
        files.sort_by(|a, b| a.place().cmp(&b.place()));
        files
    }

    /// The number for the next file: above all others, and above the version, so that names tell
    /// about when they came.
    pub(super) fn next_order(&self) -> u64 {
        let highest = self.files.values().map(|file| file.order).max();
        highest.unwrap_or(0).max(self.version).saturating_add(1)
    }

    /// The highest number of each day.
    pub(super) fn highest_orders(&self) -> HashMap<i32, u64> {
        let mut highest: HashMap<i32, u64> = HashMap::new();
        for file in self.files.values() {
            let order = highest.entry(file.day).or_default();
            *order = file.order.max(*order);
        }
        highest
    }

    /// The `metaData` action as it stands in the log.
    pub(super) fn metadata(&self) -> Result<Value, String> {
        self.metadata.unpack()
    }

    /// About the bytes on the heap.
    pub(super) fn heap_bytes(&self) -> u64 {
        let keys = self.files.values().filter_map(|file| file.keys.as_ref());
        let keys: usize = keys.map(KeyRange::heap_bytes).sum();
        let files = self.files.len() * FILE_BYTES + keys;
        let transactions = self.transactions.len() * TRANSACTION_BYTES;
        let own = size_of::<Self>() + files + transactions;
        own as u64 + self.metadata.heap_bytes() + self.columns.heap_bytes()
    }

    fn set_metadata(&mut self, metadata: Value) -> Result<(), String> {
        check_format(&metadata)?;
        self.columns = Arc::new(Columns::of_schema(&schema_of(&metadata)?)?);
        self.metadata = Packed::new(&metadata)?;
        Ok(())
    }
}

/// The schema in a `metaData` action.
pub(super) fn schema_of(metadata: &Value) -> Result<Value, String> {
    let text = metadata.get("schemaString").and_then(Value::as_str);
    let text = text.ok_or_else(|| "its metadata has no schema".to_owned())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

impl DataFile {
    pub(super) fn of_add(add: &Add) -> Result<Self, String> {
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
    pub(super) fn place(&self) -> (u64, Option<u64>, &str) {
        (self.order, self.node, &self.path)
    }

    /// Whether a point may be in both files, which are of one day.
    pub(super) fn meets(&self, other: &Self) -> bool {
        match (&self.keys, &other.keys) {
            // Parts of one compaction.
            (Some(_), Some(_)) if self.order == other.order => false,
            (Some(keys), Some(others)) => self.meets_times(other) && keys.meets(others),
            _ => self.meets_times(other),
        }
    }

    /// Whether both look like parts of one compaction by an older tidegate.
    pub(super) fn is_old_part_beside(&self, other: &Self) -> bool {
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

/// A table whose writers keep to rules that this tidegate does not know is not touched.
fn check_format(metadata: &Value) -> Result<(), String> {
    let configuration = metadata.get("configuration");
    let format = configuration.and_then(|all| all.get(FORMAT_KEY)?.as_str());
    let number = format.map_or(Ok(1), str::parse::<u64>);
    match number {
        Ok(number) if number <= FORMAT => Ok(()),
        _ => Err(format!(
            "its format ({FORMAT_KEY}) is {}, and this tidegate writes formats up to {FORMAT}: a \
             newer tidegate writes to it. Upgrade this node, and all others that share the table",
            format.unwrap_or_default()
        )),
    }
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

/// A day as partitions are named.
pub(super) fn day_name(day: i32) -> String {
    let days = chrono::Days::new(u64::from(day.unsigned_abs()));
    let epoch = chrono::NaiveDate::default();
    let date = match day < 0 {
        true => epoch.checked_sub_days(days),
        false => epoch.checked_add_days(days),
    };
    date.unwrap_or_default().format("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use deltalake_core::kernel::Add;
    use serde_json::json;

    use super::{DataFile, FORMAT, TableState, day_name, parse_day};

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

    #[test]
    fn a_table_of_a_newer_writer_is_refused_by_name() {
        let metadata = |format: Option<&str>| {
            json!({
                "schemaString": r#"{"type": "struct", "fields": []}"#,
                "configuration": match format {
                    Some(format) => json!({"tidegate.format": format}),
                    None => json!({}),
                },
            })
        };
        for known in [None, Some("1"), Some("2")] {
            assert!(TableState::new(metadata(known)).is_ok(), "{known:?}");
        }
        let newer = (FORMAT + 1).to_string();
        for unknown in [newer.as_str(), "x"] {
            let refused = TableState::new(metadata(Some(unknown))).expect_err("unknown");
            let expected = format!("its format (tidegate.format) is {unknown}, and");
            assert!(refused.starts_with(&expected), "{refused}");
        }
    }
}
