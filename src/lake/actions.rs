//! What is written to a table's log, in the words of the Delta protocol.

use std::time::Duration;

use deltalake_core::kernel::Action;
use serde_json::{Value, json};

use super::LakeError;
use super::columns::Columns;
use super::parquet::KeyRange;
use super::state::{DataFile, FORMAT, FORMAT_KEY, TableState, day_name, schema_of};

/// How long the log and removed files are kept for readers of older versions.
pub(super) const KEEP: Duration = Duration::from_secs(24 * 3600);

/// The oldest protocol: no features, so that every engine reads and writes the table.
const READER_VERSION: u32 = 1;
const WRITER_VERSION: u32 = 2;

/// Where an `add` action keeps the first and the last row of its file: in its `tags`, which
/// checkpoints keep.
pub(super) const FIRST_ROW: &str = "tidegate.first";
pub(super) const LAST_ROW: &str = "tidegate.last";

/// What a new table says about itself.
pub(super) struct NewTable<'a> {
    pub(super) bucket: &'a str,
    pub(super) measurement: &'a str,
    pub(super) columns: &'a Columns,
    pub(super) now_ms: i64,
}

/// A file that was written for a table.
#[derive(Clone, Debug)]
pub(super) struct NewFile {
    /// Relative to the table.
    pub(super) path: String,
    pub(super) day: i32,
    /// The number in its name.
    pub(super) order: u64,
    pub(super) bytes: u64,
    pub(super) stats: String,
    pub(super) keys: KeyRange,
    pub(super) now_ms: i64,
}

impl NewTable<'_> {
    pub(super) fn actions(&self) -> Vec<Value> {
        let schema = self.columns.grown_schema(Columns::empty_schema(), 0);
        let keep = format!("interval {} hours", KEEP.as_secs() / 3600);
        let protocol = json!({"protocol": {
            "minReaderVersion": READER_VERSION,
            "minWriterVersion": WRITER_VERSION,
        }});
        let metadata = json!({"metaData": {
            "id": uuid::Uuid::new_v4().to_string(),
            "name": self.measurement,
            "description": null,
            "format": {"provider": "parquet", "options": {}},
            "schemaString": schema.to_string(),
            "partitionColumns": ["day"],
            "createdTime": self.now_ms,
            "configuration": {
                "delta.logRetentionDuration": keep,
                "delta.deletedFileRetentionDuration": keep,
                "tidegate.bucket": self.bucket,
                "tidegate.measurement": self.measurement,
                FORMAT_KEY: FORMAT.to_string(),
            },
        }});
        vec![protocol, metadata]
    }
}

/// The metadata of a table with the columns from number `first` on added.
pub(super) fn grown(state: &TableState, columns: &Columns, first: usize) -> Result<Value, String> {
    let mut metadata = state.metadata()?;
    let schema = schema_of(&metadata)?;
    let schema = columns.grown_schema(schema, first).to_string();
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.insert("schemaString".to_owned(), Value::String(schema));
    }
    Ok(json!({ "metaData": metadata }))
}

/// What a commit is about; it comes first.
pub(super) fn commit_info(operation: &str, parameters: &Value, now_ms: i64) -> Value {
    json!({"commitInfo": {
        "timestamp": now_ms,
        "operation": operation,
        "operationParameters": parameters,
        "engineInfo": concat!("tidegate/", env!("CARGO_PKG_VERSION")),
    }})
}

/// How far an application has come.
pub(super) fn transaction(app: &str, version: u64, now_ms: i64) -> Value {
    json!({"txn": {"appId": app, "version": version, "lastUpdated": now_ms}})
}

/// A file that belongs to the table from now on. `data_change` is false if its points were in the
/// table before.
pub(super) fn add(file: &NewFile, data_change: bool) -> Value {
    let (first, last) = file.keys.texts();
    json!({"add": {
        "path": file.path,
        "partitionValues": {"day": day_name(file.day)},
        "size": file.bytes,
        "modificationTime": file.now_ms,
        "dataChange": data_change,
        "stats": file.stats,
        "tags": {FIRST_ROW: first, LAST_ROW: last},
    }})
}

/// A file that no longer belongs to the table.
pub(super) fn remove(file: &DataFile, data_change: bool, now_ms: i64) -> Value {
    json!({"remove": {
        "path": &*file.path,
        "deletionTimestamp": now_ms,
        "dataChange": data_change,
        "extendedFileMetadata": true,
        "partitionValues": {"day": day_name(file.day)},
        "size": file.bytes,
    }})
}

/// The library's form of these actions.
pub(super) fn parse(
    table: &str,
    actions: impl IntoIterator<Item = Value>,
) -> Result<Vec<Action>, LakeError> {
    let parsed = actions.into_iter().map(serde_json::from_value::<Action>);
    let parsed: Result<Vec<Action>, _> = parsed.collect();
    parsed.map_err(|error| LakeError::table(table, format!("a commit cannot be made: {error}")))
}

/// Actions as they stand in the log.
pub(super) fn lines(actions: &[Action]) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut lines, action)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
