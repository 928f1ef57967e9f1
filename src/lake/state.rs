//! What a table is at a version of its log: small enough to be kept for every table, and moved on
//! commit by commit.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use deltalake_core::kernel::{Action, Add, Remove};
use serde_json::Value;

use super::columns::Columns;
use super::packed::Packed;

/// What a file takes with its path, which has about a hundred letters, and its place in the map.
const FILE_BYTES: usize = 320;

/// What the transaction of an application takes.
const TRANSACTION_BYTES: usize = 96;

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
    /// Its size.
    pub bytes: u64,
    /// Its rows, if that is known.
    pub rows: Option<u64>,
    /// No point in it is older, in nanoseconds since the epoch.
    pub min_ns: i64,
    /// No point in it is newer.
    pub max_ns: i64,
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
                    let version = u64::try_from(transaction.version).unwrap_or(0);
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

    /// The `metaData` action as it stands in the log.
    pub(super) fn metadata(&self) -> Result<Value, String> {
        self.metadata.unpack()
    }

    /// About the bytes on the heap.
    pub(super) fn heap_bytes(&self) -> u64 {
        let files = self.files.len() * FILE_BYTES;
        let transactions = self.transactions.len() * TRANSACTION_BYTES;
        let own = size_of::<Self>() + files + transactions;
        own as u64 + self.metadata.heap_bytes() + self.columns.heap_bytes()
    }

    fn set_metadata(&mut self, metadata: Value) -> Result<(), String> {
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
        let day = add.partition_values.get("day").cloned().flatten();
        Self::new(&add.path, day.as_deref(), add.size, add.stats.as_deref())
    }

    pub(super) fn new(
        path: &str,
        day: Option<&str>,
        size: i64,
        stats: Option<&str>,
    ) -> Result<Self, String> {
        let day = day.and_then(parse_day);
        let day = day.ok_or_else(|| format!("file {path} is in no day"))?;
        let stats: Value = stats
            .and_then(|stats| serde_json::from_str(stats).ok())
            .unwrap_or_default();
        let bound = |which: &str| stats.get(which)?.get("time_ns")?.as_i64();
        Ok(Self {
            path: path.into(),
            day,
            order: order_of(path),
            bytes: u64::try_from(size).unwrap_or(0),
            rows: stats.get("numRecords").and_then(Value::as_u64),
            min_ns: bound("minValues").unwrap_or(i64::MIN),
            max_ns: bound("maxValues").unwrap_or(i64::MAX),
        })
    }
}

/// A file that another program has rewritten has no number of ours: it counts as the oldest.
fn order_of(path: &str) -> u64 {
    let name = path.rsplit('/').next().unwrap_or(path);
    let digits = name.split('-').next().filter(|digits| digits.len() == 20);
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
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
    use super::{DataFile, day_name, order_of, parse_day};

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
        let file = DataFile::new(path, Some("2026-11-23"), 100, Some(stats)).expect("ours");
        assert_eq!(
            (file.order, file.rows, file.min_ns, file.max_ns),
            (42, Some(3), 5, 9)
        );
        let foreign = DataFile::new("part-0.parquet", Some("2026-11-23"), 1, None).expect("read");
        assert_eq!(
            (foreign.order, foreign.min_ns, foreign.max_ns),
            (0, i64::MIN, i64::MAX)
        );
        assert!(DataFile::new("x", None, 1, None).is_err());
        assert_eq!(order_of("99-x.parquet"), 0);
    }
}
