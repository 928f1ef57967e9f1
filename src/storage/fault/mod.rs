//! A data folder in memory with every fault of a disk, for tests.
//!
//! Every file has what the running program sees and what would survive a power cut, and between the
//! two the writes that were not synced yet. [`FaultStorage::crash`] cuts the power: synced bytes
//! survive; of the others each 512-byte piece survives, is lost or is garbled, in any order; names
//! survive if their folder was synced, else perhaps. [`FaultStorage::fail`] counts down to an
//! error. After a failed sync, what was not synced is *never* made durable by a later one, though
//! the program continues to see it, as on Linux; the names in a folder whose sync failed likewise.
//!
//! A write garbles only bytes that it covers: like SQLite and others we rely on disks that keep
//! the rest of a sector when they rewrite it.
//!
//! Killing the process without cutting the power is just opening the same storage again. All
//! that is random follows from the seed.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::error::{Operation, StorageError};
use super::traits::{Entry, File, Storage};

mod image;
mod random;
#[cfg(test)]
mod tests;
mod trap;

use image::{Disk, FileId};
pub use random::SplitMix;
pub use trap::Fault;
use trap::Trap;

/// A data folder in memory whose disk fails on demand. Clones share the disk.
#[derive(Clone, Debug)]
pub struct FaultStorage {
    disk: Arc<Mutex<Disk>>,
    notes: Arc<Mutex<bool>>,
}

impl FaultStorage {
    /// An empty disk without faults; all chance in it follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            disk: Arc::new(Mutex::new(Disk::new(seed))),
            notes: Arc::default(),
        }
    }

    /// Lets the operation of this kind fail that comes after `after` more good ones, once.
    pub fn fail(&self, operation: Operation, after: u64, fault: Fault) {
        self.lock().faults.push(Trap {
            operation,
            after,
            fault,
            forever: false,
        });
    }

    /// Lets every operation of this kind fail until [`FaultStorage::heal`].
    pub fn fail_always(&self, operation: Operation, fault: Fault) {
        self.lock().faults.push(Trap {
            operation,
            after: 0,
            fault,
            forever: true,
        });
    }

    /// Removes all faults that were set up and have not occurred yet.
    pub fn heal(&self) {
        self.lock().faults.clear();
    }

    /// Returns true if a fault that was set up has not occurred yet.
    pub fn has_faults(&self) -> bool {
        !self.lock().faults.is_empty()
    }

    /// Bytes that fit on the disk, in blocks of 4 KiB; a write past it does what fits.
    pub fn set_capacity(&self, capacity_bytes: Option<u64>) {
        self.lock().capacity_bytes = capacity_bytes;
    }

    /// Treats names that differ only in case as the same from now on; they are kept in lower case.
    pub fn fold_case(&self) {
        self.lock().folds_case = true;
    }

    /// Bytes in use now, in whole blocks.
    pub fn used_bytes(&self) -> u64 {
        self.lock().used_bytes()
    }

    /// Cuts the power after this many more operations that change something: all later ones fail
    /// and leave no trace. [`FaultStorage::crash`] then shows what survived.
    pub fn cut_power_after(&self, operations: u64) {
        self.lock().power = Some(operations);
    }

    /// Returns the disk as found after a power cut now, without faults and with the same capacity.
    /// This one stays as it is.
    pub fn crash(&self) -> Self {
        Self {
            disk: Arc::new(Mutex::new(self.lock().crash())),
            notes: Arc::default(),
        }
    }

    /// Changes the bits of `mask` in the byte at `offset`, durably and unnoticed. Returns false if
    /// there is no such byte.
    pub fn flip(&self, path: &str, offset: usize, mask: u8) -> bool {
        self.lock().flip(path, offset, mask)
    }

    /// Puts a file there, durably and unnoticed.
    pub fn put(&self, path: &str, bytes: &[u8]) {
        self.lock().put(path, bytes);
    }

    /// Removes a file, durably and unnoticed.
    pub fn take(&self, path: &str) {
        self.lock().take(path);
    }

    /// The bytes of a file as the program sees them.
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        self.lock().contents(path)
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs one operation unless a fault or the power is due.
    fn run<T>(
        &self,
        operation: Operation,
        path: &str,
        act: impl FnOnce(&mut Disk) -> io::Result<T>,
    ) -> Result<T, StorageError> {
        let mut disk = self.lock();
        disk.check(operation)
            .and_then(|()| act(&mut disk))
            .map_err(|source| StorageError::io(operation, path, source))
    }

    fn handle(&self, path: &str, id: FileId) -> Box<dyn File> {
        Box::new(FaultFile {
            storage: self.clone(),
            id,
            path: path.to_owned(),
        })
    }
}

impl Storage for FaultStorage {
    fn create_new(&self, path: &str) -> Result<Box<dyn File>, StorageError> {
        let id = self.run(Operation::Create, path, |disk| disk.create(path))?;
        Ok(self.handle(path, id))
    }

    fn open(&self, path: &str) -> Result<Box<dyn File>, StorageError> {
        let id = self.run(Operation::Open, path, |disk| disk.find(path))?;
        Ok(self.handle(path, id))
    }

    fn open_read(&self, path: &str) -> Result<Box<dyn File>, StorageError> {
        self.open(path)
    }

    fn len(&self, path: &str) -> Result<Option<u64>, StorageError> {
        self.run(Operation::Len, path, |disk| match disk.find(path) {
            Ok(id) => disk.len(id).map(Some),
            Err(_) => Ok(None),
        })
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StorageError> {
        self.run(Operation::List, folder, |disk| Ok(disk.list(folder)))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError> {
        self.run(Operation::Rename, from, |disk| disk.rename(from, to))
    }

    fn rename_new(&self, from: &str, to: &str) -> Result<bool, StorageError> {
        self.run(Operation::Rename, from, |disk| {
            if disk.find(to).is_ok() {
                return Ok(false);
            }
            disk.rename(from, to).map(|()| true)
        })
    }

    fn entries(&self, folder: &str) -> Result<Vec<Entry>, StorageError> {
        self.run(Operation::List, folder, |disk| {
            let names = disk.list(folder).into_iter();
            Ok(names
                .map(|name| entry(disk, &inside(folder, &name), name))
                .collect())
        })
    }

    fn entry(&self, path: &str) -> Result<Option<Entry>, StorageError> {
        self.run(Operation::Len, path, |disk| {
            let is_there = disk.find(path).is_ok() || !disk.list(path).is_empty();
            let is_there = is_there || disk.has_folder(path);
            let name = path.rsplit('/').next().unwrap_or(path);
            Ok(is_there.then(|| entry(disk, path, name.to_owned())))
        })
    }

    fn remove_dir(&self, folder: &str) -> Result<(), StorageError> {
        // A folder is there as long as something is in it.
        self.run(Operation::Remove, folder, |_| Ok(()))
    }

    fn remove(&self, path: &str) -> Result<(), StorageError> {
        self.run(Operation::Remove, path, |disk| disk.remove(path))
    }

    fn sync_dir(&self, folder: &str) -> Result<(), StorageError> {
        let mut disk = self.lock();
        let synced = disk.check(Operation::SyncDir);
        disk.sync_dir(folder, synced.is_ok());
        synced.map_err(|source| StorageError::io(Operation::SyncDir, folder, source))
    }

    fn create_dir_all(&self, folder: &str) -> Result<usize, StorageError> {
        self.run(Operation::CreateDir, folder, |disk| {
            disk.create_folder(folder);
            // A folder is there as soon as something is in it: none is ever known to be new.
            Ok(0)
        })
    }

    fn notes(&self) -> &Mutex<bool> {
        &self.notes
    }

    fn free_bytes(&self) -> Result<u64, StorageError> {
        self.run(Operation::Len, "", |disk| {
            let capacity = disk.capacity_bytes.unwrap_or(u64::MAX);
            Ok(capacity.saturating_sub(disk.used_bytes()))
        })
    }

    fn locate(&self, path: &str) -> PathBuf {
        PathBuf::from(path)
    }
}

#[derive(Debug)]
struct FaultFile {
    storage: FaultStorage,
    id: FileId,
    path: String,
}

impl FaultFile {
    fn sync(&self) -> Result<(), StorageError> {
        let mut disk = self.storage.lock();
        let synced = disk.check(Operation::Sync);
        disk.sync(self.id, synced.is_ok());
        synced.map_err(|source| StorageError::io(Operation::Sync, self.path.as_str(), source))
    }
}

impl File for FaultFile {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError> {
        let mut disk = self.storage.lock();
        let written = match disk.check_write() {
            Ok(()) => disk.write(self.id, offset, bytes),
            Err((error, fault)) => {
                if fault.is_some_and(Fault::is_short) {
                    disk.write_part(self.id, offset, bytes);
                }
                Err(error)
            }
        };
        written.map_err(|source| StorageError::io(Operation::Write, self.path.as_str(), source))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError> {
        self.storage.run(Operation::Read, &self.path, |disk| {
            disk.read(self.id, buffer, offset)
        })
    }

    fn sync_data(&self) -> Result<(), StorageError> {
        self.sync()
    }

    fn sync_all(&self) -> Result<(), StorageError> {
        self.sync()
    }

    fn set_len(&self, len: u64) -> Result<(), StorageError> {
        self.storage.run(Operation::SetLen, &self.path, |disk| {
            disk.set_len(self.id, len)
        })
    }

    fn len(&self) -> Result<u64, StorageError> {
        self.storage
            .run(Operation::Len, &self.path, |disk| disk.len(self.id))
    }
}

/// The path of a name in a folder.
fn inside(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

fn entry(disk: &Disk, path: &str, name: String) -> Entry {
    let file = disk.find(path);
    let bytes = file.as_ref().ok().and_then(|id| disk.len(*id).ok());
    Entry {
        name,
        is_folder: file.is_err(),
        bytes: bytes.unwrap_or(0),
        modified_ms: 0,
    }
}
