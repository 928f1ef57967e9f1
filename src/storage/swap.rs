//! Swaps a small file for a new one atomically, even on a full disk.
//!
//! After any crash, a reader sees the old bytes or the new ones, whole. A reserve file keeps blocks
//! allocated so that small state (a revoked token, the progress of a table's flushes, the end of
//! the released log) can be written when the disk is full. The blocks are not freed for the new
//! file, because the log or another program could take them first: the reserve is overwritten in
//! place, cut, and renamed to be the new file.
//!
//! The reserve is twice as large as all state files together, plus some room for their growth, and
//! at least [`RESERVE_BYTES`]. After use it is refilled at once from the blocks that the cut and
//! the old file have freed: it shrinks by no more than the state has grown, and one file after
//! another can be written on a full disk. If space is short, it takes what there is, and grows
//! again with the next replacement. It has priority over the log: after a full disk, the log
//! continues only once the reserve is whole ([`ensure_reserve`]).
//!
//! There is no promise of room for a file that grows by more than the reserve between two writes.
//! So the owner of such a file writes it before it has grown by much.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::StorageError;
use super::names::{RESERVE_FILE, STATE_FILES};
use super::traits::{File, Storage, folder_of};
use crate::narrow;

/// The minimum size of the reserve in bytes.
pub const RESERVE_BYTES: usize = 1 << 20;

/// The number of bytes that the state may grow by while the disk is full.
const GROWTH_BYTES: u64 = 512 << 10;

/// The reserve grows in steps of this many bytes, in ever smaller ones where space is short.
const STEP_BYTES: usize = 1 << 20;
/// A block of most file systems.
const STEP_BYTES_MIN: usize = 4096;

/// The lock for any access to the reserve: two writers at once would mix their bytes. One lock
/// serves all data folders, because it is held briefly and seldom.
static RESERVE: Mutex<()> = Mutex::new(());

fn reserve() -> MutexGuard<'static, ()> {
    RESERVE.lock().unwrap_or_else(PoisonError::into_inner)
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
    // While space is short, it stays smaller; the next replacement tries again.
    let _ = refill(storage);
    Ok(())
}

/// Replaces a file like [`put`], but fails on a full disk.
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

/// Creates the reserve, or what is missing of it. Without it, everything works except `put` on a
/// full disk.
///
/// # Errors
///
/// The reserve is not whole. If space is short, it is as large as possible.
pub fn ensure_reserve(storage: &dyn Storage) -> Result<(), StorageError> {
    let _reserve = reserve();
    refill(storage)
}

/// Does the same for a caller that holds the lock.
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
        // It is not known what a failing disk has kept of it.
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
        let more = step.min(narrow::to_usize(wanted - at));
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

/// Writes bytes other than zeros: file systems may store zeros without a block. Only a sync shows
/// if there was space, since some file systems allocate late.
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

/// Makes the reserve hold these bytes. If they do not fit, free space may have room for the rest.
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

/// Removes a half-written file; it would be replaced later anyway.
fn discard(storage: &dyn Storage, new: &str) {
    if matches!(storage.len(new), Ok(Some(_))) {
        let _ = storage.remove(new);
    }
}

/// Returns the number of bytes in the files that grow with what is stored and are replaced as a
/// whole.
fn state_bytes(storage: &dyn Storage) -> Result<u64, StorageError> {
    let mut bytes = 0_u64;
    for path in STATE_FILES {
        bytes = bytes.saturating_add(storage.len(path)?.unwrap_or(0));
    }
    Ok(bytes)
}
