//! The parts that a data folder must hold, so that the start notices a lost one (by a partial
//! restore, a copy with excludes, a slip of the hand) and does not take it for "nothing there yet".
//!
//! Each part is noted in the file `format` once it is durable and before anything relies on it:
//! small files by [`replace()`](super::replace()), the tables' folder by the keeper of the tables,
//! the newest segment of the log by the log ([`hold_last`]). The note is never ahead of the disk,
//! so a crash at any moment loses no part: a folder is complete from its first notes on, and a
//! first start that was cut short before is continued.
//!
//! A folder of version 1 has no notes. It is trusted once: the parts that exist are noted, unless
//! one is missing that must have existed before them. On a full disk it stays of version 1 until
//! there is space.
//!
//! This module does not know what is in the parts, and does not notice that a part was replaced by
//! an older one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::error::StorageError;
use super::format::{FORMAT_VERSION, Record};
use super::names::{
    CATALOG_FILE, FLUSHES_FILE, FORMAT_FILE, LOG_FOLDER, MissingPart, PARTS, RELEASED_FILE,
    SCHEMAS_FILE, SEGMENT_END, STATE_FILES, TABLES_FOLDER,
};
use super::swap::put_in_free_space;
use super::traits::{Storage, folder_of};

/// Makes a new folder a data folder, brings an older one to this version, and refuses one that is
/// not whole. The tables' folder is not checked here: only the keeper of the tables knows if it is
/// used ([`ensure_held`]). The names at the top of the folder must be durable.
pub fn open_folder(storage: &dyn Storage) -> Result<(), StorageError> {
    let Some(record) = Record::read(storage)? else {
        return Record::make(storage).map(|_| ());
    };
    // Only durable parts may be noted.
    if storage.entry(LOG_FOLDER)?.is_some() {
        storage.sync_dir(LOG_FOLDER)?;
    }
    if record.format.version < FORMAT_VERSION {
        let found = found(storage)?;
        refuse(storage, implied(storage, &found)?.into_iter())?;
        return match change(storage, |noted| noted.extend(found), Space::Any) {
            // It stays of the older version: a full disk is no reason to refuse a start.
            Err(error) if error.is_full() => {
                warn_not_noted(&error);
                Ok(())
            }
            migrated => migrated,
        };
    }
    check_folder(storage)?;
    // A crash came between a part and its note. Of segments the log knows more.
    let found = found_parts(storage)?;
    let noted = change(storage, |noted| noted.extend(found), Space::Any);
    if let Err(error) = noted {
        warn_not_noted(&error);
    }
    Ok(())
}

fn warn_not_noted(error: &StorageError) {
    tracing::warn!(
        error = error.chain(),
        "parts of the data folder could not be noted; the next start tries again"
    );
}

/// Refuses a data folder that lacks a part other than the folder of the tables.
pub fn check_folder(storage: &dyn Storage) -> Result<(), StorageError> {
    let held = held(storage)?;
    let held = held.iter().filter(|path| *path != TABLES_FOLDER);
    let mut missing = Vec::new();
    for path in held {
        if storage.entry(path)?.is_none() {
            missing.push(path.clone());
        }
    }
    refuse(storage, missing.into_iter())
}

/// Refuses a data folder that lacks this part and once had it.
pub fn ensure_held(storage: &dyn Storage, path: &str) -> Result<(), StorageError> {
    match held(storage)?.contains(path) && storage.entry(path)?.is_none() {
        true => refuse(storage, [path.to_owned()].into_iter()),
        false => Ok(()),
    }
}

/// Returns the paths of the parts that must be there; none for a folder of an older version, or for
/// one that is not a data folder yet.
pub fn held(storage: &dyn Storage) -> Result<BTreeSet<String>, StorageError> {
    Ok(Record::read(storage)?.map_or_else(BTreeSet::new, |record| record.holds))
}

/// Notes a part of the data folder, which is durable. The note is durable when this returns. A
/// folder that is not a data folder yet has no notes.
pub fn hold(storage: &dyn Storage, path: &str) -> Result<(), StorageError> {
    let add = |noted: &mut BTreeSet<String>| {
        noted.insert(path.to_owned());
    };
    change(storage, add, Space::Any)
}

/// Notes the newest file of a series, in place of those of the same folder and ending. Else like
/// [`hold`].
pub fn hold_last(storage: &dyn Storage, path: &str, space: Space) -> Result<(), StorageError> {
    let ending = |path: &str| Path::new(path).extension().map(ToOwned::to_owned);
    let follow = |noted: &mut BTreeSet<String>| {
        noted.retain(|old| folder_of(old) != folder_of(path) || ending(old) != ending(path));
        noted.insert(path.to_owned());
    };
    change(storage, follow, space)
}

/// Makes a folder that was filled from another one a data folder, as the last step. It must hold
/// its present parts, the tables if the other folder has them (they are copied by hand), and a
/// catalog: without one, nobody would know whose the points are.
pub fn finish_copy(from: &dyn Storage, to: &dyn Storage, node_id: u64) -> Result<(), StorageError> {
    let mut holds = found(to)?;
    holds.extend(found(from)?.take(TABLES_FOLDER));
    holds.insert(CATALOG_FILE.to_owned());
    Record::new(node_id, holds).write(to)
}

/// Returns the parts that a data folder lacks, by its notes.
pub fn missing_parts(storage: &dyn Storage) -> Result<Vec<MissingPart>, StorageError> {
    let mut missing = Vec::new();
    for path in held(storage)? {
        if storage.entry(&path)?.is_none() {
            missing.push(MissingPart::new(path));
        }
    }
    Ok(missing)
}

/// Returns true if one of the names in a folder is one that only a data folder has.
pub(super) fn is_ours(names: &[String]) -> bool {
    let mut known = STATE_FILES.into_iter();
    known.any(|part| names.iter().any(|name| name == part))
}

/// Returns the error for a folder that lacks these parts; `Ok` if there are none.
pub(super) fn refuse(
    storage: &dyn Storage,
    missing: impl Iterator<Item = String>,
) -> Result<(), StorageError> {
    let parts: Vec<_> = missing.map(MissingPart::new).collect();
    match parts.is_empty() {
        true => Ok(()),
        false => Err(StorageError::Missing {
            path: folder_itself(storage),
            parts,
        }),
    }
}

fn folder_itself(storage: &dyn Storage) -> PathBuf {
    let file = storage.locate(FORMAT_FILE);
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The space that a change of the notes may use on a full disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The reserve too: for changes that lead to free space.
    Any,
    /// None: for changes that lead to more use of space.
    Free,
}

fn change(
    storage: &dyn Storage,
    edit: impl FnOnce(&mut BTreeSet<String>),
    space: Space,
) -> Result<(), StorageError> {
    let notes = storage.notes().lock();
    let mut is_unsure = notes.unwrap_or_else(PoisonError::into_inner);
    let Some(record) = Record::read(storage)? else {
        return Ok(());
    };
    let mut noted = match record.format.version {
        FORMAT_VERSION => record.holds.clone(),
        // Only what its caller adds is known to be durable.
        _ => found_parts(storage)?,
    };
    edit(&mut noted);
    let changed = Record::new(record.format.node_id, noted);
    if changed == record && !*is_unsure {
        return Ok(());
    }
    *is_unsure = true;
    match space {
        Space::Any => changed.write(storage)?,
        Space::Free => {
            put_in_free_space(storage, FORMAT_FILE, changed.encode().as_bytes())?;
        }
    }
    *is_unsure = false;
    Ok(())
}

/// Returns the existing parts, with the newest segment of the log.
fn found(storage: &dyn Storage) -> Result<BTreeSet<String>, StorageError> {
    let mut found = found_parts(storage)?;
    let log = storage.entries(LOG_FOLDER)?.into_iter();
    let mut segments = log.filter(|entry| entry.name.ends_with(SEGMENT_END));
    if let Some(last) = segments.next_back() {
        found.insert(format!("{LOG_FOLDER}/{}", last.name));
    }
    Ok(found)
}

fn found_parts(storage: &dyn Storage) -> Result<BTreeSet<String>, StorageError> {
    let mut found = BTreeSet::new();
    for part in PARTS {
        let is_there = match part {
            TABLES_FOLDER => has_tables(storage)?,
            part => storage.entry(part)?.is_some(),
        };
        if is_there {
            found.insert(part.to_owned());
        }
    }
    Ok(found)
}

/// Returns true if any table was ever kept there: a folder that is empty except for unfinished
/// files gets lost in copies that leave out empty folders.
fn has_tables(storage: &dyn Storage) -> Result<bool, StorageError> {
    let entries = storage.entries(TABLES_FOLDER)?;
    Ok(entries.iter().any(|entry| !entry.name.starts_with('_')))
}

/// Returns true if a table has a log: a flush is noted before its commit.
fn has_commits(storage: &dyn Storage) -> Result<bool, StorageError> {
    for bucket in storage.entries(TABLES_FOLDER)? {
        let bucket = format!("{TABLES_FOLDER}/{}", bucket.name);
        for table in storage.entries(&bucket)? {
            let log = format!("{bucket}/{}/_delta_log", table.name);
            if !storage.entries(&log)?.is_empty() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Returns the parts that are certainly missing from a folder without notes: they are written
/// before parts that exist.
fn implied(storage: &dyn Storage, found: &BTreeSet<String>) -> Result<Vec<String>, StorageError> {
    let is_lost = |part: &str, since: bool| since && !found.contains(part);
    let has_more = !found.is_empty() || storage.entry(LOG_FOLDER)?.is_some();
    let lost = [
        (CATALOG_FILE, has_more),
        (FLUSHES_FILE, has_commits(storage)?),
        (SCHEMAS_FILE, found.contains(RELEASED_FILE)),
    ];
    let lost = lost
        .into_iter()
        .filter(|(part, since)| is_lost(part, *since));
    Ok(lost.map(|(part, _)| part.to_owned()).collect())
}

#[cfg(test)]
mod tests;
