//! The search for the damaged file of a table's log, with the damage in words: the library that reads
//! the log does not name the file.

use bytes::Bytes;
use deltalake_core::kernel::Action;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::{Map, Value};

use crate::lake::error::Faulty;
use crate::lake::parquet::readable;
use crate::lake::store::Store;

/// The fault of a commit or a checkpoint that has no bytes.
pub(in crate::lake) fn empty(path: &Path) -> Faulty {
    Faulty {
        file: path.to_string(),
        reason: "it is empty".to_owned(),
    }
}

/// Returns the first of these files of a log that is damaged; nothing if all can be read.
pub(in crate::lake) async fn find(table: &Store, paths: &[Path]) -> Option<Faulty> {
    for path in paths {
        let Ok(found) = table.get(path).await else {
            continue;
        };
        let Ok(bytes) = found.bytes().await else {
            continue;
        };
        let file = path.to_string();
        let is_checkpoint = file.ends_with(".parquet");
        let read = tokio::task::spawn_blocking(move || fault(&bytes, is_checkpoint));
        if let Ok(Some(reason)) = read.await {
            return Some(Faulty { file, reason });
        }
    }
    None
}

/// Returns the hint that names the last checkpoint, if it leads to none of these files.
pub(in crate::lake) async fn of_hint(table: &Store, paths: &[Path]) -> Option<Faulty> {
    let path = Path::from_iter(["_delta_log", "_last_checkpoint"]);
    let hint = table.get(&path).await.ok()?.bytes().await.ok()?;
    let hint: Value = serde_json::from_slice(&hint).ok()?;
    let version = hint.get("version")?.as_u64()?;
    let start = format!("{version:020}.checkpoint");
    let is_it = |path: &Path| path.filename().is_some_and(|name| name.starts_with(&start));
    let is_there = paths.iter().any(is_it);
    (!is_there).then(|| Faulty {
        file: path.to_string(),
        reason: format!(
            "it names a checkpoint of version {version}, which is not there; as it is only a hint, \
             you may also remove it"
        ),
    })
}

fn fault(bytes: &Bytes, is_checkpoint: bool) -> Option<String> {
    if bytes.is_empty() {
        return Some("it is empty".to_owned());
    }
    if is_checkpoint {
        let fault = readable(bytes.clone()).err();
        return fault.map(|fault| format!("it is not a readable Parquet file: {fault}"));
    }
    let lines = bytes.split(|byte| *byte == b'\n');
    let faults = lines.enumerate().filter(|(_, line)| !line.is_empty());
    let mut faults = faults.filter_map(|(number, line)| {
        let fault = match serde_json::from_slice::<Map<String, Value>>(line) {
            Ok(action) => invalid(action)?,
            Err(error) => format!("not a JSON object: {error}"),
        };
        Some(format!("line {} is {fault}", number + 1))
    });
    faults.next()
}

/// The actions that a table's state is made of. Others may be in a log, and are ignored.
const ACTIONS: [&str; 5] = ["protocol", "metaData", "txn", "add", "remove"];

/// Returns the fault of an action that lacks something, as after a flipped bit.
fn invalid(action: Map<String, Value>) -> Option<String> {
    let name = action.keys().find(|name| ACTIONS.contains(&name.as_str()));
    let name = name?.to_owned();
    let read = serde_json::from_value::<Action>(Value::Object(action));
    let error = read.err()?;
    Some(format!("not a valid {name:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::fault;

    #[test]
    fn what_is_wrong_with_a_file_of_a_log_is_told_in_words() {
        let fault = |bytes: &'static [u8], is_checkpoint| {
            fault(&Bytes::from_static(bytes), is_checkpoint).unwrap_or_default()
        };
        let txn = b"{\"txn\":{\"appId\":\"a\",\"version\":1}}\n{\"other\":{}}\n";
        assert_eq!(fault(txn, false), "");
        assert_eq!(
            fault(b"{\"txn\":{\"apqId\":\"a\",\"version\":1}}\n", false),
            "line 1 is not a valid \"txn\": missing field `appId`"
        );
        assert_eq!(fault(b"", false), "it is empty");
        assert_eq!(fault(b"", true), "it is empty");
        let cut = fault(b"{\"other\":{}}\n{\"tx", false);
        assert!(cut.starts_with("line 2 is not a JSON object: EOF"), "{cut}");
        let other = fault(b"\x00\xff\n", false);
        assert!(other.starts_with("line 1 is not a JSON object"), "{other}");
        let checkpoint = fault(b"PAR1 and no more", true);
        assert!(
            checkpoint.starts_with("it is not a readable"),
            "{checkpoint}"
        );
    }
}
