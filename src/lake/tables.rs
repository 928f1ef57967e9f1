//! The tables of a lake, and the handles to them.
//!
//! This is a registry, not a cache: all users of a table must share one handle, whose locks order
//! their work, so a handle that somebody holds is never dropped. A cache of a library may evict any
//! entry, and two handles to one table would then be in use.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::ObjectStore as _;
use object_store::path::Path;

use super::deletion::Deletions;
use super::error::LakeError;
use super::listed::Listed;
use super::names;
use super::store::{self, Store};
use super::table::kept::Kept;
use super::table::{Known, Table};
use crate::memory::Budget;

/// The tables of a lake. All users of a table share one handle.
#[derive(Debug)]
pub(super) struct Tables {
    store: Store,
    deletions: Arc<Deletions>,
    is_shared: bool,
    handles: Mutex<Handles>,
    kept: Arc<Kept<Known>>,
    /// The measurements that shortened folder names stand for, once they were read.
    cut_names: Mutex<HashMap<String, String>>,
    listed: Listed,
}

/// Handles by folder, and how many there may be before the idle ones go.
#[derive(Debug, Default)]
struct Handles {
    by_folder: HashMap<String, Arc<Table>>,
    many: usize,
}

/// The number of handles that are kept even if all are idle.
const HANDLES_MIN: usize = 1024;

impl Handles {
    /// Makes room: a handle that nobody holds and that knows no state is worth no more than a new one.
    fn forget_idle(&mut self) {
        if self.by_folder.len() < self.many.max(HANDLES_MIN) {
            return;
        }
        let is_needed =
            |table: &Arc<Table>| Arc::strong_count(table) > 1 || table.known().is_some();
        self.by_folder.retain(|_, table| is_needed(table));
        self.by_folder.shrink_to_fit();
        self.many = self.by_folder.len().saturating_mul(2);
    }
}

impl Tables {
    /// The tables in a store, for a node. `is_shared` is true if other nodes write to them.
    pub(super) fn new(store: Store, node_id: u64, is_shared: bool, budget: &Budget) -> Self {
        Self {
            deletions: Arc::new(Deletions::new(Arc::clone(&store), node_id)),
            store,
            is_shared,
            handles: Mutex::default(),
            kept: Arc::new(Kept::new(budget)),
            cut_names: Mutex::default(),
            listed: Listed::default(),
        }
    }

    /// Returns true if other nodes write to the tables, too.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// The store that holds them.
    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// Deletions of buckets.
    pub(super) fn deletions(&self) -> &Deletions {
        &self.deletions
    }

    /// Their location.
    pub(super) fn location(&self) -> String {
        self.store.to_string()
    }

    /// Returns whether the store answers at all.
    pub(super) async fn has_store(&self) -> bool {
        self.store.list_with_delimiter(None).await.is_ok()
    }

    /// Lists, writes and deletes in the store. An error if it does not answer, or refuses.
    pub(super) async fn try_store(&self) -> Result<(), LakeError> {
        self.store.list_with_delimiter(None).await?;
        // Of one node it does not matter whether creating is exclusive.
        store::has_conditional_put(self.store.as_ref()).await?;
        Ok(())
    }

    /// The handle to the table of a measurement, which may not exist.
    pub(super) fn get(&self, bucket: &str, measurement: &str) -> Result<Arc<Table>, LakeError> {
        let folder = format!("{}/{}", names::folder(bucket), names::folder(measurement));
        self.at(folder)
    }

    /// Forgets a table that turned out not to exist, unless somebody else is using it: anyone who may
    /// read can ask for any name. One whose absence is noted stays until there are
    /// [many](HANDLES_MIN).
    pub(super) fn forget(&self, table: &Arc<Table>) {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        // This handle and the caller's.
        let is_of_use = table.known().is_some() || table.is_absence_noted();
        if !is_of_use && Arc::strong_count(table) <= 2 {
            handles.by_folder.remove(&table.folder);
        }
    }

    /// The number of handles.
    #[cfg(test)]
    pub(super) fn handles(&self) -> usize {
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.by_folder.len()
    }

    fn at(&self, folder: String) -> Result<Arc<Table>, LakeError> {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = handles.by_folder.get(&folder) {
            return Ok(Arc::clone(table));
        }
        handles.forget_idle();
        let table = Table::new(
            &self.store,
            folder.clone(),
            self.is_shared,
            &self.deletions,
            &self.kept,
        );
        let table = Arc::new(table?);
        handles.by_folder.insert(folder, Arc::clone(&table));
        Ok(table)
    }

    /// The measurements of a bucket that have a folder, each with its folder, ordered bytewise.
    pub(super) async fn of_bucket(
        &self,
        bucket: &str,
    ) -> Result<BTreeMap<String, String>, LakeError> {
        let mut measurements = BTreeMap::new();
        for folder in self.folders(&names::folder(bucket)).await? {
            let name = folder.rsplit('/').next().unwrap_or(&folder);
            let measurement = match names::of_folder(name) {
                Some(measurement) => Some(measurement),
                None => self.cut_name(&folder).await?,
            };
            if let Some(measurement) = measurement {
                measurements.insert(measurement, folder);
            }
        }
        Ok(measurements)
    }

    /// As [`Tables::of_bucket`], but asks for nothing if that was done within this time: then tables
    /// that were made since may be missing, those of this node too.
    pub(super) async fn of_bucket_within(
        &self,
        age: Duration,
        bucket: &str,
    ) -> Result<BTreeMap<String, String>, LakeError> {
        if !self.is_shared || age.is_zero() {
            return self.of_bucket(bucket).await;
        }
        let folder = names::folder(bucket);
        if let Some(listed) = self.listed.within(age, &folder) {
            return Ok(listed);
        }
        let listing = self.listed.begin();
        let measurements = self.of_bucket(bucket).await?;
        self.listed.keep(age, &folder, listing, &measurements);
        Ok(measurements)
    }

    /// The folders in a folder.
    async fn folders(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        let prefix = Path::parse(folder).map_err(object_store::Error::from)?;
        let found = self.store.list_with_delimiter(Some(&prefix)).await?;
        let folders = found.common_prefixes.into_iter();
        Ok(folders.map(|path| path.as_ref().to_owned()).collect())
    }

    /// The measurement of a table whose folder name was shortened, from the table's own metadata.
    async fn cut_name(&self, folder: &str) -> Result<Option<String>, LakeError> {
        let known = |names: &HashMap<String, String>| names.get(folder).cloned();
        if let Some(name) = known(
            &self
                .cut_names
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        ) {
            return Ok(Some(name));
        }
        let table = self.at(folder.to_owned())?;
        let Some(state) = table.refresh("").await? else {
            return Ok(None);
        };
        let wrong = |reason| LakeError::table(folder, reason);
        let metadata = state.metadata().map_err(wrong)?;
        let name = metadata.get("configuration");
        let name = name.and_then(|name| name.get("tidegate.measurement")?.as_str());
        let mut names = self
            .cut_names
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(name.map(|name| {
            names.insert(folder.to_owned(), name.to_owned());
            name.to_owned()
        }))
    }

    /// The tables in the folder of a bucket that have a handle.
    pub(super) fn inside(&self, folder: &str) -> Vec<Arc<Table>> {
        let inside = format!("{folder}/");
        let handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = handles.by_folder.iter();
        let tables = tables.filter(|(path, _)| path.starts_with(&inside));
        tables.map(|(_, table)| Arc::clone(table)).collect()
    }

    /// Forgets the tables in the folder of a bucket: they are gone.
    pub(super) fn forget_inside(&self, folder: &str) {
        self.listed.forget(folder);
        let inside = format!("{folder}/");
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        handles.by_folder.retain(|path, table| {
            let stays = !path.starts_with(&inside);
            if !stays {
                table.forget();
            }
            stays
        });
    }
}
