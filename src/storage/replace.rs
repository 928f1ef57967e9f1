//! Replacing a small file atomically, on a full disk too.
//!
//! A reader after any crash sees the old bytes or the new ones, whole. So that small state (a
//! token that must be revoked, how far a table is flushed, up to where the log is not needed any
//! more) can be written when the disk is full, a reserve file keeps blocks allocated. They are not
//! freed for the new file, where the log or another program would grab them first: the reserve is
//! overwritten in place, cut, and renamed to be the new file.
//!
//! The reserve is twice as large as all files of the state together, with some for their growth; at
//! least [`RESERVE_BYTES`]. After use it is set aside anew at once, from what the cut and the old file
//! have left: so it shrinks by no more than the state has grown, and one file after the other can
//! be written on a full disk. Where space is short it takes what there is, and grows again with the
//! next replacement. It comes before the log: a log that met a full disk goes on only once the
//! reserve is whole ([`ensure_reserve`]).
//!
//! What this cannot promise: room for a file that grows by more than the reserve between two writes.
//! So who keeps such a file writes it before it has outgrown the last one by much.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::parts::state_bytes;
use super::{File, Storage, StorageError, folder_of, hold};
use crate::narrow;

/// The least that is set aside.
pub const RESERVE_BYTES: usize = 1 << 20;

/// What may be added to the state while the disk is full.
const GROWTH_BYTES: u64 = 512 << 10;

/// The reserve grows in steps of this many bytes, in ever smaller ones where space is short.
const STEP_BYTES: usize = 1 << 20;
/// A block of most file systems.
const STEP_BYTES_MIN: usize = 4096;

pub(super) const RESERVE_FILE: &str = "reserve";

/// Held by whoever touches the reserve: two that overwrite it at once would mix their bytes. One
/// for all data folders, for it is held briefly and seldom.
static RESERVE: Mutex<()> = Mutex::new(());

fn reserve() -> MutexGuard<'static, ()> {
    RESERVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Replaces the file at `path`, or creates it, and notes it as a part of the data folder. When this
/// returns the new bytes are durable; after an error, or a crash within, the file holds the old bytes
/// or the new ones.
pub fn replace(storage: &dyn Storage, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
    put(storage, path, bytes)?;
    match hold(storage, path) {
        // The reserve is spent on the file itself. What is not noted yet is noted by the next
        // replacement or start.
        Err(error) if error.is_full() => Ok(()),
        held => held,
    }
}

/// Replaces a file, and notes nothing.
pub(super) fn put(storage: &dyn Storage, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
    let new = format!("{path}.new");
    let written = write_new(storage, &new, bytes);
    let _reserve = reserve();
    match written {
        Ok(()) => commit(storage, &new, path)?,
        Err(error) if error.is_full() => {
            discard(storage, &new);
            match write_reserve(storage, bytes) {
                Ok(()) => commit(storage, RESERVE_FILE, path)?,
                // The first error tells more: the reserve may just not be there.
                Err(_) => return Err(error),
            }
        }
        Err(error) => {
            discard(storage, &new);
            return Err(error);
        }
    }
    // While space is short it stays smaller; the next replacement tries again.
    let _ = refill(storage);
    Ok(())
}

/// As [`put`], but fails on a full disk.
pub(super) fn put_in_free_space(
    storage: &dyn Storage,
    path: &str,
    bytes: &[u8],
) -> Result<(), StorageError> {
    let new = format!("{path}.new");
    write_new(storage, &new, bytes)
        .inspect_err(|_| discard(storage, &new))
        .and_then(|()| commit(storage, &new, path))
}

/// Sets the reserve aside, or what is missing of it. Without it everything works but [`replace()`]
/// on a full disk.
///
/// # Errors
///
/// When it is not whole. If space is short, it is as large as can be.
pub fn ensure_reserve(storage: &dyn Storage) -> Result<(), StorageError> {
    let _reserve = reserve();
    refill(storage)
}

/// The same, for who holds the lock.
fn refill(storage: &dyn Storage) -> Result<(), StorageError> {
    let wanted = narrow::to_u64(RESERVE_BYTES).max(
        state_bytes(storage)?
            .saturating_mul(2)
            .saturating_add(GROWTH_BYTES),
    );
    let found = storage.len(RESERVE_FILE)?;
    if found.is_some_and(|bytes| bytes >= wanted) {
        return Ok(());
    }
    // Left over by an older version.
    discard(storage, &format!("{RESERVE_FILE}.new"));
    let file = match found {
        Some(_) => storage.open(RESERVE_FILE)?,
        None => storage.create_new(RESERVE_FILE)?,
    };
    let grown = grow(file.as_ref(), wanted);
    let is_lost = match &grown {
        Ok(()) => false,
        Err(error) if error.is_full() => file.is_empty()?,
        // What a failing disk has kept of it is not known.
        Err(_) => true,
    };
    match (is_lost, found) {
        (true, _) => discard(storage, RESERVE_FILE),
        (false, None) => storage.sync_dir("")?,
        (false, Some(_)) => {}
    }
    grown
}

/// Adds blocks to the reserve.
fn grow(file: &dyn File, wanted: u64) -> Result<(), StorageError> {
    let mut at = file.len()?;
    let mut step = STEP_BYTES;
    while at < wanted {
        let left = usize::try_from(wanted - at).unwrap_or(STEP_BYTES);
        let more = step.min(left);
        match fill(file, at, more) {
            Ok(()) => at += narrow::to_u64(more),
            Err(error) if error.is_full() => {
                file.set_len(at)?;
                // In whole blocks.
                step /= 2;
                if step < STEP_BYTES_MIN {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Not zeros: file systems may keep those without a block. Known only after a sync, since some
/// allocate late.
fn fill(file: &dyn File, at: u64, bytes: usize) -> Result<(), StorageError> {
    file.write_all_at(&vec![0xa5; bytes], at)?;
    file.sync_all()
}

fn write_new(storage: &dyn Storage, new: &str, bytes: &[u8]) -> Result<(), StorageError> {
    // Left over from a crash.
    if storage.len(new)?.is_some() {
        storage.remove(new)?;
    }
    let file = storage.create_new(new)?;
    file.write_all_at(bytes, 0)?;
    file.sync_all()
}

/// Makes the reserve hold these bytes. If they are more, what is free may have room for the rest.
fn write_reserve(storage: &dyn Storage, bytes: &[u8]) -> Result<(), StorageError> {
    let file = storage.open(RESERVE_FILE)?;
    let kept = file.len()?;
    if let Err(error) = file.write_all_at(bytes, 0) {
        // It stays as large as it was.
        file.set_len(kept)?;
        return Err(error);
    }
    file.set_len(narrow::to_u64(bytes.len()))?;
    file.sync_all()
}

fn commit(storage: &dyn Storage, from: &str, to: &str) -> Result<(), StorageError> {
    storage.rename(from, to)?;
    storage.sync_dir(folder_of(to))?;
    match folder_of(from) == folder_of(to) {
        true => Ok(()),
        false => storage.sync_dir(folder_of(from)),
    }
}

/// Takes a half-written file away; it would be replaced later anyway.
fn discard(storage: &dyn Storage, new: &str) {
    if matches!(storage.len(new), Ok(Some(_))) {
        let _ = storage.remove(new);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault::Fault;
    use super::super::{FaultStorage, Operation, Storage, read};
    use super::{RESERVE_BYTES, RESERVE_FILE, ensure_reserve, replace};

    #[test]
    fn a_crash_at_any_operation_leaves_the_old_bytes_or_the_new_ones() {
        for seed in 0..400 {
            let storage = FaultStorage::new(seed);
            replace(&storage, "state", b"old state").expect("written");
            storage.cut_power_after(seed % 13);
            let replaced = replace(&storage, "state", b"the new state");
            let found = read(&storage.crash(), "state")
                .expect("readable")
                .expect("there");
            match replaced {
                Ok(()) => assert_eq!(found, b"the new state"),
                Err(_) => assert!(found == b"old state" || found == b"the new state"),
            }
        }
    }

    #[test]
    fn a_failed_write_sync_or_rename_is_told_and_leaves_whole_bytes() {
        for operation in [
            Operation::Write,
            Operation::Sync,
            Operation::Rename,
            Operation::SyncDir,
        ] {
            let storage = FaultStorage::new(3);
            replace(&storage, "state", b"old").expect("written");
            storage.fail(operation, 0, Fault::ShortIo);
            replace(&storage, "state", b"new").expect_err("told");
            let found = read(&storage.crash(), "state")
                .expect("readable")
                .expect("there");
            assert!(found == b"old" || found == b"new", "{operation}");
            replace(&storage, "state", b"newer").expect("works again");
        }
    }

    #[test]
    fn small_state_can_be_written_on_a_full_disk_once_and_the_reserve_comes_back() {
        let storage = FaultStorage::new(1);
        replace(&storage, "catalog/state", b"old").expect("written");
        storage.set_capacity(Some(0));
        let state = vec![7; 100_000];
        replace(&storage, "catalog/state", &state).expect("from the reserve");
        assert_eq!(
            read(&storage.crash(), "catalog/state").expect("readable"),
            Some(state)
        );
        assert!(
            replace(&storage, "catalog/state", b"x")
                .expect_err("used up")
                .is_full()
        );
        storage.set_capacity(None);
        replace(&storage, "catalog/state", b"x").expect("there is space");
        let reserve = storage.len(RESERVE_FILE).expect("readable");
        assert_eq!(reserve, Some(RESERVE_BYTES as u64));
    }

    #[test]
    fn what_is_larger_than_the_reserve_does_not_spoil_it() {
        let storage = FaultStorage::new(1);
        ensure_reserve(&storage).expect("set aside");
        storage.set_capacity(Some(0));
        let error = replace(&storage, "state", &vec![1; RESERVE_BYTES + 1]).expect_err("full");
        assert!(error.is_full(), "{error}");
        replace(&storage, "state", &vec![1; RESERVE_BYTES]).expect("fits exactly");
    }

    /// From issue 8, C9: the first file that had grown by a block took the whole reserve.
    #[test]
    fn one_file_after_the_other_can_be_written_on_a_full_disk_while_they_grow() {
        let storage = FaultStorage::new(1);
        replace(&storage, "flushes.json", &[7; 400_000]).expect("written");
        let fill_up = || storage.set_capacity(Some(storage.used_bytes()));
        fill_up();
        for round in 1..10 {
            for path in ["flushes.json", "schemas.json", "wal/released"] {
                let bytes = vec![7; 400_000 + round * 10_000];
                let written = replace(&storage, path, &bytes[..bytes.len() / 3]);
                written.unwrap_or_else(|error| panic!("{path}, round {round}: {error}"));
                // Somebody else takes what is left.
                fill_up();
            }
        }
    }

    #[test]
    fn the_reserve_has_room_for_all_of_the_state_and_takes_what_there_is() {
        let storage = FaultStorage::new(1);
        replace(&storage, "schemas.json", &vec![7; 3_000_000]).expect("written");
        let reserve = || storage.len(RESERVE_FILE).expect("readable").unwrap_or(0);
        assert!(reserve() >= 3_000_000, "{}", reserve());
        storage.remove(RESERVE_FILE).expect("removed");
        storage.set_capacity(Some(storage.used_bytes() + 700_000));
        assert!(ensure_reserve(&storage).expect_err("short").is_full());
        assert!(reserve() > 690_000, "{}", reserve());
        storage.set_capacity(None);
        ensure_reserve(&storage).expect("whole again");
        assert!(reserve() >= 3_000_000, "{}", reserve());
    }
}
