//! A table at one version of its log: its columns, its files, and how far each node's rows are in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use deltalake_core::kernel::{Action, Remove};
use serde_json::Value;

use super::columns::TableColumns;
use super::data_file::DataFile;
use super::packed::Packed;
use crate::lake::parquet::KeyRange;
use crate::narrow;

/// Bytes per file, with its path of about a hundred letters and its entry in the map.
const FILE_BYTES: usize = 320;

/// Bytes per transaction of an application.
const TRANSACTION_BYTES: usize = 96;

/// The setting of a table that names the rules its writers follow. Without it, format 1.
pub(in crate::lake) const FORMAT_KEY: &str = "tidegate.format";

/// The rules of this tidegate. Since format 2, the number of a file is checked at its commit.
pub(in crate::lake) const FORMAT: u64 = 2;

/// A table at one version.
#[derive(Clone, Debug)]
pub(in crate::lake) struct TableState {
    pub(in crate::lake) version: u64,
    /// The `metaData` action as it stands in the log. It is needed only when a column is added, and
    /// takes a hundred times as much memory when parsed as it does packed.
    metadata: Packed,
    pub(in crate::lake) columns: Arc<TableColumns>,
    /// By path, relative to the table.
    pub(in crate::lake) files: BTreeMap<Arc<str>, DataFile>,
    /// The last transaction of every application that was seen.
    pub(in crate::lake) transactions: HashMap<String, u64>,
}

impl TableState {
    /// A table whose log begins with these actions.
    pub(in crate::lake) fn new(metadata: Value) -> Result<Self, String> {
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

    /// Applies the actions of the commit with the next version.
    pub(in crate::lake) fn apply(
        &mut self,
        version: u64,
        actions: &[Action],
    ) -> Result<(), String> {
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
    pub(in crate::lake) fn by_day(&self) -> BTreeMap<i32, Vec<&DataFile>> {
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
    pub(in crate::lake) fn of_day(&self, day: i32) -> Vec<&DataFile> {
        let files = self.files.values();
        let mut files: Vec<_> = files.filter(|file| file.day == day).collect();
        files.sort_by(|a, b| a.place().cmp(&b.place()));
        files
    }

    /// The number for the next file: above all others, and above the version, so that names show roughly
    /// when files were added.
    pub(in crate::lake) fn next_order(&self) -> u64 {
        let highest = self.files.values().map(|file| file.order).max();
        highest.unwrap_or(0).max(self.version).saturating_add(1)
    }

    /// The highest number of each day.
    pub(in crate::lake) fn highest_orders(&self) -> HashMap<i32, u64> {
        let mut highest: HashMap<i32, u64> = HashMap::new();
        for file in self.files.values() {
            let order = highest.entry(file.day).or_default();
            *order = file.order.max(*order);
        }
        highest
    }

    /// The `metaData` action as it stands in the log.
    pub(in crate::lake) fn metadata(&self) -> Result<Value, String> {
        self.metadata.unpack()
    }

    /// Estimates the bytes on the heap.
    pub(in crate::lake) fn heap_bytes(&self) -> u64 {
        let keys = self.files.values().filter_map(|file| file.keys.as_ref());
        let keys: usize = keys.map(KeyRange::heap_bytes).sum();
        let files = self.files.len() * FILE_BYTES + keys;
        let transactions = self.transactions.len() * TRANSACTION_BYTES;
        let own = size_of::<Self>() + files + transactions;
        own as u64 + self.metadata.heap_bytes() + self.columns.heap_bytes()
    }

    fn set_metadata(&mut self, metadata: Value) -> Result<(), String> {
        check_format(&metadata)?;
        self.columns = Arc::new(TableColumns::of_schema(&schema_of(&metadata)?)?);
        self.metadata = Packed::new(&metadata)?;
        Ok(())
    }
}

/// The schema in a `metaData` action.
pub(in crate::lake) fn schema_of(metadata: &Value) -> Result<Value, String> {
    let text = metadata.get("schemaString").and_then(Value::as_str);
    let text = text.ok_or_else(|| "its metadata has no schema".to_owned())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Refuses a table whose writers follow rules that this tidegate does not know.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FORMAT, TableState};

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
