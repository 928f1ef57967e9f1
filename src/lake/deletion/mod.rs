//! Deletions of buckets, visible to all nodes: `_tidegate/deleted/FOLDER/NUMBER.json` in the store of
//! the tables.
//!
//! ```text
//! …0001.json   {"step":"begun","id":"5f1c…","bucket":"home","node":"00000000000000a1"}
//! …0002.json   {"step":"taken","id":"5f1c…","bucket":"home","node":"00000000000000a2"}
//! …0003.json   {"step":"ended","id":"5f1c…","bucket":"home","node":"00000000000000a2"}
//! ```
//!
//! A mark is never overwritten: each has the next number, and if two nodes write the same number, the
//! store refuses one of them. So all agree on the order: there is one deletion at a time, and one node
//! that removes its files. A deletion has a unique id.
//!
//! The first mark is durable before the first file of the bucket is removed, and the last one records
//! that the last file is gone. A node that finds a table missing or changed looks here: an id that it
//! has not seen yet means that somebody deleted the bucket, and that what the node knew about the table
//! is void. Without a new id the table was lost. While files are being removed, nobody adds to the
//! bucket's folder: a table that is made there too early would be removed with the old ones.
//!
//! The marks are kept forever, as a node may be away for long. They belong to the bucket's name, which
//! is all that the nodes of a shared lake have in common. The removal of the files, also after the node
//! that began it has disappeared, is in [`crate::lake::removal`].

pub(super) mod idle;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _, PutMode, PutPayload};
use serde::{Deserialize, Serialize};

use crate::certain::Certain;
use crate::lake::error::LakeError;
use crate::lake::store::Store;
use idle::MetRemovals;

/// A kind of step of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Step {
    /// Files are removed from now on.
    Begun,
    /// Another node has taken it over.
    Taken,
    /// All files are gone.
    Ended,
}

/// One step of a deletion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) step: Step,
    /// The unique id of the deletion.
    pub(super) id: String,
    /// The bucket's name.
    pub(super) bucket: String,
    /// The node that removes the files.
    pub(super) node: String,
}

/// The last mark of a bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct LastMark {
    /// 0 if it was never deleted.
    pub(super) number: u64,
    mark: Option<Mark>,
}

/// The deletions that one node knows of.
#[derive(Debug)]
pub(super) struct Deletions {
    store: Store,
    node: String,
    /// The last known mark by the bucket's folder, after which to look for the next one.
    known: Mutex<HashMap<String, LastMark>>,
    /// Removals that were met in progress.
    pub(super) met: MetRemovals,
}

impl LastMark {
    /// The deletion that is in progress.
    pub(super) fn open(&self) -> Option<&Mark> {
        let mark = self.mark.as_ref();
        mark.filter(|mark| mark.step != Step::Ended)
    }
}

impl Mark {
    /// The reason why nobody may add to the bucket.
    pub(super) fn removing(&self) -> LakeError {
        LakeError::Removing {
            bucket: self.bucket.clone(),
            node: self.node.clone(),
        }
    }
}

impl Deletions {
    pub(super) fn new(store: Store, node_id: u64) -> Self {
        Self {
            store,
            node: format!("{node_id:016x}"),
            known: Mutex::default(),
            met: MetRemovals::default(),
        }
    }

    /// Returns whether it is this node that removes the files of a deletion.
    pub(super) fn is_ours(&self, mark: &Mark) -> bool {
        mark.node == self.node
    }

    /// The last mark of a bucket, by its folder.
    pub(super) async fn last(&self, folder: &str) -> Result<LastMark, LakeError> {
        let known = self.known().get(folder).cloned();
        let mut last = match known {
            Some(known) => known,
            None => self.find(folder).await?,
        };
        while let Some(mark) = self.read(folder, last.number + 1).await? {
            last = LastMark {
                number: last.number + 1,
                mark: Some(mark),
            };
        }
        let mut known = self.known();
        let noted = known.entry(folder.to_owned()).or_default();
        if noted.number <= last.number {
            noted.clone_from(&last);
        }
        Ok(last)
    }

    /// The id of the last deletion of a bucket. An error while a deletion is in progress.
    pub(super) async fn settled(&self, folder: &str) -> Result<Option<String>, LakeError> {
        let last = self.last(folder).await?;
        match last.open() {
            Some(mark) => {
                self.met.meet(folder);
                Err(mark.removing())
            }
            None => Ok(last.mark.map(|mark| mark.id)),
        }
    }

    /// Returns whether there is no later mark.
    pub(super) async fn is_last(&self, folder: &str, number: u64) -> Result<bool, LakeError> {
        Ok(self.read(folder, number + 1).await?.is_none())
    }

    /// Begins a deletion after the mark with this number. Returns false if there is a later mark.
    /// Durable when it returns.
    pub(super) async fn begin(
        &self,
        folder: &str,
        bucket: &str,
        number: u64,
    ) -> Result<bool, LakeError> {
        let mark = Mark {
            step: Step::Begun,
            id: uuid::Uuid::new_v4().to_string(),
            bucket: bucket.to_owned(),
            node: self.node.clone(),
        };
        self.write(folder, number + 1, &mark).await
    }

    /// Takes the next step of a deletion after its last mark. Returns false if there is a later mark.
    /// Durable when it returns.
    pub(super) async fn step(
        &self,
        folder: &str,
        last: &LastMark,
        step: Step,
    ) -> Result<bool, LakeError> {
        let mark = last.open().certain("only an open deletion takes a step");
        let mark = Mark {
            step,
            node: self.node.clone(),
            ..mark.clone()
        };
        self.write(folder, last.number + 1, &mark).await
    }

    async fn find(&self, folder: &str) -> Result<LastMark, LakeError> {
        let prefix = Path::from_iter(["_tidegate", "deleted", folder]);
        let listed: Vec<_> = self.store.list(Some(&prefix)).try_collect().await?;
        let numbers = listed.iter().filter_map(|meta| {
            let name = meta.location.filename()?.strip_suffix(".json")?;
            name.parse::<u64>().ok()
        });
        let Some(number) = numbers.max() else {
            return Ok(LastMark::default());
        };
        match self.read(folder, number).await? {
            Some(mark) => Ok(LastMark {
                number,
                mark: Some(mark),
            }),
            // Without it the bucket would count as never deleted.
            None => {
                let path = path(folder, number);
                let reason = format!(
                    "the mark of its bucket's deletion at {path} is gone, and marks must stay"
                );
                Err(LakeError::table(folder, reason))
            }
        }
    }

    async fn read(&self, folder: &str, number: u64) -> Result<Option<Mark>, LakeError> {
        let path = path(folder, number);
        let found = match self.store.get(&path).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let read = serde_json::from_slice(&found);
        read.map(Some).map_err(|error| {
            let reason = format!("the mark of its bucket's deletion at {path} is damaged: {error}");
            LakeError::table(folder, reason)
        })
    }

    async fn write(&self, folder: &str, number: u64, mark: &Mark) -> Result<bool, LakeError> {
        let bytes = serde_json::to_vec(mark).map_err(|error| LakeError::table(folder, error))?;
        let payload = PutPayload::from(bytes);
        let path = path(folder, number);
        match self
            .store
            .put_opts(&path, payload, PutMode::Create.into())
            .await
        {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, LastMark>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path(folder: &str, number: u64) -> Path {
    Path::from_iter([
        "_tidegate",
        "deleted",
        folder,
        &format!("{number:020}.json"),
    ])
}
