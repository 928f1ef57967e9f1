//! Names in a folder that are visible but might not survive a power cut.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The largest number of folders that are remembered as durable.
const FOLDERS_MAX: usize = 20_000;

/// The reason why a name is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It was given, and then a sync failed.
    Named,
    /// It was taken away, and then a sync failed.
    Removed,
}

/// The doubts of one process.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    paths: Mutex<BTreeMap<String, Doubt>>,
    /// Folders whose names, and those of the folders above them, this process has synced.
    folders: Mutex<HashSet<String>>,
}

impl Doubts {
    /// The doubtful paths. The lock is held while one of them is repaired.
    pub(super) fn paths(&self) -> MutexGuard<'_, BTreeMap<String, Doubt>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns true if no path is in doubt; false while one is repaired. Does not wait.
    pub(super) fn are_none(&self) -> bool {
        self.paths.try_lock().is_ok_and(|paths| paths.is_empty())
    }

    pub(super) fn add(&self, path: &str, doubt: Doubt) {
        self.paths().insert(path.to_owned(), doubt);
    }

    pub(super) fn remove(&self, path: &str) {
        self.paths().remove(path);
    }

    /// Returns whether a folder is known to be durable.
    pub(super) fn has_folder(&self, folder: &str) -> bool {
        self.folders().contains(folder)
    }

    pub(super) fn add_folder(&self, folder: &str) {
        let mut folders = self.folders();
        if folders.len() >= FOLDERS_MAX {
            folders.clear();
        }
        folders.insert(folder.to_owned());
    }

    pub(super) fn remove_folder(&self, folder: &str) {
        self.folders().remove(folder);
    }

    fn folders(&self) -> MutexGuard<'_, HashSet<String>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
