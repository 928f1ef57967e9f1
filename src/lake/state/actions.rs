//! The actions that are written to a table's log, in the words of the Delta protocol.

use std::time::Duration;

use deltalake_core::kernel::Action;
use serde_json::{Value, json};

use super::columns::TableColumns;
use super::data_file::{DataFile, FIRST_ROW, LAST_ROW, day_name};
use super::table_state::{FORMAT, FORMAT_KEY, TableState, schema_of};
use crate::certain::Certain;
use crate::lake::error::LakeError;
use crate::lake::parquet::KeyRange;

/// The time for which the log and removed files are kept for readers of older versions.
pub(in crate::lake) const KEEP: Duration = Duration::from_secs(24 * 3600);

/// The oldest protocol: no features, so that every engine reads and writes the table.
const READER_VERSION: u32 = 1;
const WRITER_VERSION: u32 = 2;

/// The metadata of a new table.
pub(in crate::lake) struct NewTable<'a> {
    pub(in crate::lake) bucket: &'a str,
    pub(in crate::lake) measurement: &'a str,
    pub(in crate::lake) columns: &'a TableColumns,
    pub(in crate::lake) now_ms: i64,
}

/// A file that was written for a table.
#[derive(Clone, Debug)]
pub(in crate::lake) struct NewFile {
    /// Relative to the table.
    pub(in crate::lake) path: String,
    pub(in crate::lake) day: i32,
    /// The number at the start of its name.
    pub(in crate::lake) order: u64,
    pub(in crate::lake) bytes: u64,
    pub(in crate::lake) stats: String,
    pub(in crate::lake) keys: KeyRange,
    pub(in crate::lake) now_ms: i64,
}

impl NewTable<'_> {
    pub(in crate::lake) fn actions(&self) -> Vec<Value> {
        let schema = self.columns.grown_schema(TableColumns::empty_schema(), 0);
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

/// Returns the metadata of a table, extended by the columns from number `first` on.
pub(in crate::lake) fn grown(
    state: &TableState,
    columns: &TableColumns,
    first: usize,
) -> Result<Value, String> {
    let mut metadata = state.metadata()?;
    let schema = schema_of(&metadata)?;
    let schema = columns.grown_schema(schema, first).to_string();
    let members = metadata.as_object_mut();
    let members = members.certain("its schema is a member of it");
    members.insert("schemaString".to_owned(), Value::String(schema));
    Ok(json!({ "metaData": metadata }))
}

/// The description of a commit, its first action.
pub(in crate::lake) fn commit_info(operation: &str, parameters: &Value, now_ms: i64) -> Value {
    json!({"commitInfo": {
        "timestamp": now_ms,
        "operation": operation,
        "operationParameters": parameters,
        "engineInfo": concat!("tidegate/", env!("CARGO_PKG_VERSION")),
    }})
}

/// The last transaction of an application.
pub(in crate::lake) fn transaction(app: &str, version: u64, now_ms: i64) -> Value {
    json!({"txn": {"appId": app, "version": version, "lastUpdated": now_ms}})
}

/// Adds a file to the table. `data_change` is false if its points were in the table before.
pub(in crate::lake) fn add(file: &NewFile, data_change: bool) -> Value {
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

/// Removes a file from the table.
pub(in crate::lake) fn remove(file: &DataFile, data_change: bool, now_ms: i64) -> Value {
    json!({"remove": {
        "path": &*file.path,
        "deletionTimestamp": now_ms,
        "dataChange": data_change,
        "extendedFileMetadata": true,
        "partitionValues": {"day": day_name(file.day)},
        "size": file.bytes,
    }})
}

/// The first actions of a commit that removes files, with points that were in them.
pub(in crate::lake) fn removal(
    operation: &str,
    parameters: &Value,
    files: &[DataFile],
    now_ms: i64,
) -> Vec<Value> {
    let info = commit_info(operation, parameters, now_ms);
    let removed = files.iter().map(|file| remove(file, true, now_ms));
    std::iter::once(info).chain(removed).collect()
}

/// Converts these actions to the library's form.
pub(in crate::lake) fn parse(
    table: &str,
    actions: impl IntoIterator<Item = Value>,
) -> Result<Vec<Action>, LakeError> {
    let parsed = actions.into_iter().map(serde_json::from_value::<Action>);
    let parsed: Result<Vec<Action>, _> = parsed.collect();
    parsed.map_err(|error| LakeError::table(table, format!("a commit cannot be made: {error}")))
}

/// Returns actions as lines of the log.
pub(in crate::lake) fn lines(actions: &[Action]) -> Result<Vec<u8>, serde_json::Error> {
    let mut lines = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut lines, action)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
