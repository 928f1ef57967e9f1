//! Replacing a small file atomically, on a full disk too.
//!
//! A reader after any crash sees the old bytes or the new ones, whole. So that small state (a
//! token that must be revoked, a bucket that must be deleted) can be written when the disk is
//! full, a reserve file keeps blocks allocated. They are not freed for the new file, where the
//! log or another program would grab them first: the reserve is overwritten in place, cut, and
//! renamed to be the new file.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Operation, Storage, StorageError, folder_of, hold};

/// How large a small file may be to be sure of its place on a full disk.
pub const RESERVE_BYTES: usize = 1 << 20;

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
    match written {
        Ok(()) => commit(storage, &new, path)?,
        Err(error) if error.is_full() => {
            discard(storage, &new);
            let _reserve = reserve();
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
    // While the disk stays full this fails; the next replacement tries again.
    let _ = ensure_reserve(storage);
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

/// Sets the reserve aside unless it is there. Without it everything works but [`replace()`] on a
/// full disk.
pub fn ensure_reserve(storage: &dyn Storage) -> Result<(), StorageError> {
    let _reserve = reserve();
    let new = format!("{RESERVE_FILE}.new");
    let wanted = u64::try_from(RESERVE_BYTES).unwrap_or(u64::MAX);
    if storage.len(RESERVE_FILE)? == Some(wanted) {
        return Ok(());
    }
    // Not zeros: file systems may keep those without a block. Known only after a sync, since
    // some allocate late.
    let filled = write_new(storage, &new, &vec![0xa5; RESERVE_BYTES])
        .and_then(|()| commit(storage, &new, RESERVE_FILE));
    if filled.is_err() {
        discard(storage, &new);
    }
    filled
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

fn write_reserve(storage: &dyn Storage, bytes: &[u8]) -> Result<(), StorageError> {
    if bytes.len() > RESERVE_BYTES {
        let full = std::io::ErrorKind::StorageFull.into();
        return Err(StorageError::io(Operation::Write, RESERVE_FILE, full));
    }
    let file = storage.open(RESERVE_FILE)?;
    file.write_all_at(bytes, 0)?;
    file.set_len(u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
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
}
