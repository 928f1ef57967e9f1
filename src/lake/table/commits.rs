//! Reading a log that has commits alone, as that of a table that was seldom written to.
//!
//! The library turns even the shortest log into columns, and compiles expressions over them: milliseconds,
//! which are minutes for somebody who lists ten thousand tables after a start. Here the commits are applied
//! as those are that come later. Everything that is not as it should be is left to the library, whose
//! errors are known.

use deltalake_core::kernel::{Action, StructType};
use deltalake_core::logstore::get_actions;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde_json::Value;

use super::commit::metadata_of;
use super::loading::{LogFile, LogSource};
use crate::lake::error::LakeError;
use crate::lake::state::table_state::TableState;

/// The number of commits that are read side by side.
const SIDE_BY_SIDE: usize = 8;

impl LogSource<'_> {
    /// Reads the state of a table whose log, which has these files, begins with its first commit and has
    /// nothing but commits. None if that is not so, or one of them is not as it should be.
    pub(super) async fn of_commits(
        self,
        entries: &[LogFile],
    ) -> Result<Option<TableState>, LakeError> {
        let Some(commits) = in_order(entries) else {
            return Ok(None);
        };
        let mut read = stream::iter(commits)
            .map(move |(version, path)| self.commit(version, path))
            .buffered(SIDE_BY_SIDE)
            .boxed();
        let mut state: Option<TableState> = None;
        while let Some(actions) = read.try_next().await? {
            let Some((version, actions)) = actions else {
                return Ok(None);
            };
            let begun = match state.take() {
                Some(state) => Some(state),
                None => begun(&actions),
            };
            let Some(mut begun) = begun else {
                return Ok(None);
            };
            let is_whole = actions.iter().all(is_whole);
            if !is_whole || begun.apply(version, &actions).is_err() {
                return Ok(None);
            }
            state = Some(begun);
        }
        Ok(state)
    }

    /// The actions of a commit; none if it is gone, or makes no sense.
    async fn commit(
        self,
        version: u64,
        path: Path,
    ) -> Result<Option<(u64, Vec<Action>)>, LakeError> {
        let bytes = match self.store.get(&path).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let actions = get_actions(version, &bytes).ok();
        Ok(actions.map(|actions| (version, actions)))
    }
}

/// The commits from the first one on without a gap; none if there is something else.
fn in_order(entries: &[LogFile]) -> Option<Vec<(u64, Path)>> {
    let commits = entries
        .iter()
        .map(|entry| (entry.version, entry.path.clone()));
    let mut commits: Vec<(u64, Path)> = commits.collect();
    commits.sort_unstable();
    let mut numbered = (0..).zip(&commits);
    let has_all = numbered.all(|(number, (version, _))| number == *version);
    let has_others = entries.iter().any(|entry| !entry.is_commit);
    (has_all && !has_others).then_some(commits)
}

/// The state before anything of the first commit is applied; none if it does not begin a table.
fn begun(actions: &[Action]) -> Option<TableState> {
    let mut actions_of = actions.iter();
    let has_protocol = actions_of.any(|action| matches!(action, Action::Protocol(_)));
    let metadata = actions.iter().find_map(metadata_of);
    TableState::new(metadata.filter(|_| has_protocol)?).ok()
}

/// Returns false for a schema that the library would refuse. Ours is read from some words of it.
fn is_whole(action: &Action) -> bool {
    let Some(metadata) = metadata_of(action) else {
        return true;
    };
    let schema = metadata.get("schemaString").and_then(Value::as_str);
    schema.is_some_and(|schema| serde_json::from_str::<StructType>(schema).is_ok())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deltalake_core::kernel::Action;
    use deltalake_core::logstore::{StorageConfig, default_logstore};
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::prefix::PrefixStore;
    use object_store::{ObjectStoreExt as _, PutPayload};
    use serde_json::{Value, json};
    use url::Url;

    use crate::columnar::{ColumnKind, FieldType};
    use crate::lake::state::actions::{self, NewTable};
    use crate::lake::state::columns::TableColumns;
    use crate::lake::state::table_state::TableState;
    use crate::lake::store::Store;
    use crate::lake::table::loading::LogSource;

    /// The two ways of reading a log: by its commits, if that is possible, and by the library.
    async fn read(commits: &[(&str, String)]) -> (Option<TableState>, Option<TableState>) {
        let lake: Store = Arc::new(InMemory::new());
        let store: Store = Arc::new(PrefixStore::new(Arc::clone(&lake), "b/m"));
        for (name, text) in commits {
            let path = Path::from(format!("_delta_log/{name}"));
            let payload = PutPayload::from(text.clone().into_bytes());
            store.put(&path, payload).await.expect("written");
        }
        let location = Url::parse("memory:///b/m/").expect("a URL");
        let config = StorageConfig::default();
        let log = default_logstore(Arc::clone(&store), lake, &location, &config);
        let source = LogSource {
            folder: "b/m",
            store: &store,
            log: &log,
        };
        let entries = source.entries().await.expect("listed");
        let of_commits = source.of_commits(&entries).await.expect("read");
        (of_commits, source.state("us").await.ok())
    }

    fn lines(actions: Vec<Value>) -> String {
        let actions = actions::parse("b/m", actions).expect("actions");
        String::from_utf8(actions::lines(&actions).expect("JSON")).expect("text")
    }

    fn add(number: u64, day: &str) -> Value {
        json!({"add": {
            "path": format!("day={day}/{number:020}-000000000000000a-x.parquet"),
            "partitionValues": {"day": day},
            "size": 100 + number,
            "modificationTime": 5,
            "dataChange": true,
            "stats": r#"{"numRecords":3,"minValues":{"time_ns":5},"maxValues":{"time_ns":9}}"#,
        }})
    }

    /// A table that gets a column, and loses a file.
    fn commits() -> Vec<(&'static str, String)> {
        let mut columns = TableColumns::default();
        columns.extend([("host", ColumnKind::Tag)]);
        let mut first = NewTable {
            bucket: "b",
            measurement: "m",
            columns: &columns,
            now_ms: 1,
        }
        .actions();
        let mut state: Option<TableState> = None;
        for action in actions::parse("b/m", first.clone()).expect("actions") {
            if let Some(metadata) = super::metadata_of(&action) {
                state = Some(TableState::new(metadata).expect("a table"));
            }
        }
        let state = state.expect("metadata");
        columns.extend([("V v", ColumnKind::Field(FieldType::Unsigned))]);
        let grown = actions::grown(&state, &columns, 1).expect("metadata");
        first.extend([add(1, "2026-11-23"), actions::transaction("us", 7, 1)]);
        let second = vec![
            grown,
            add(2, "2026-11-24"),
            actions::transaction("us", 9, 2),
        ];
        let removed = json!({"remove": {
            "path": add(1, "2026-11-23")["add"]["path"],
            "deletionTimestamp": 3,
            "dataChange": true,
        }});
        let third = vec![
            removed,
            add(3, "2026-11-23"),
            actions::transaction("other", 1, 3),
        ];
        vec![
            ("00000000000000000000.json", lines(first)),
            ("00000000000000000001.json", lines(second)),
            ("00000000000000000002.json", lines(third)),
        ]
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn commits_alone_are_read_as_the_library_reads_them() {
        let commits = commits();
        for count in 1..=commits.len() {
            let (mine, librarys) = read(&commits[..count]).await;
            let (mine, librarys) = (mine.expect("readable"), librarys.expect("readable"));
            assert_eq!(mine.version, librarys.version);
            assert_eq!(mine.metadata(), librarys.metadata());
            assert_eq!(mine.columns, librarys.columns);
            assert_eq!(mine.columns.len(), count.min(2));
            assert_eq!(mine.files, librarys.files);
            assert_eq!(mine.files.len(), count.min(2));
            assert_eq!(mine.transactions.get("us"), librarys.transactions.get("us"));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_odd_about_a_log_is_left_to_the_library() {
        type Change = fn(&mut Vec<(&'static str, String)>);
        let changes: [(&str, Change); 7] = [
            ("a gap", |commits| drop(commits.remove(1))),
            ("no first commit", |commits| drop(commits.remove(0))),
            ("a checkpoint", |commits| {
                commits.push(("00000000000000000001.checkpoint.parquet", "x".to_owned()));
            }),
            ("a file of another kind", |commits| {
                commits.push(("00000000000000000001.crc", "x".to_owned()));
            }),
            ("a commit that is cut off", |commits| {
                let text = &mut commits[2].1;
                text.truncate(text.len() / 2);
            }),
            ("no protocol", |commits| {
                let text = &mut commits[0].1;
                *text = text.lines().skip(1).collect::<Vec<_>>().join("\n");
            }),
            ("a type that there is not", |commits| {
                let text = &mut commits[1].1;
                assert!(text.contains("decimal(20,0)"), "{text}");
                *text = text.replace("decimal(20,0)", "decimam(20,0)");
            }),
        ];
        for (what, change) in changes {
            let mut commits = commits();
            change(&mut commits);
            assert!(read(&commits).await.0.is_none(), "{what}");
        }
        let raised = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7,
            "readerFeatures": [], "writerFeatures": []}});
        let raised: Action = serde_json::from_value(raised).expect("an action");
        let mut commits = commits();
        let line = actions::lines(&[raised]).expect("JSON");
        commits[2]
            .1
            .push_str(&String::from_utf8(line).expect("text"));
        assert!(read(&commits).await.0.is_none());
    }
}
