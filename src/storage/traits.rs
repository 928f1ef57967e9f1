//! The two traits on which all other files of this module stand: a data folder and a file in it.

use std::fmt::Debug;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;

use super::error::StorageError;
use crate::narrow;

/// A data folder.
pub trait Storage: Send + Sync + Debug {
    /// Creates a file for reading and writing; fails if it exists.
    fn create_new(&self, path: &str) -> Result<Box<dyn File>, StorageError>;

    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> Result<Box<dyn File>, StorageError>;

    /// Opens an existing file for reading.
    fn open_read(&self, path: &str) -> Result<Box<dyn File>, StorageError>;

    /// Reads ranges of a file without waiting for a disk; nothing unless all of their bytes are in memory
    /// and this is known.
    fn read_cached(&self, path: &str, ranges: &[Range<u64>]) -> Option<Vec<Vec<u8>>> {
        let _ = (path, ranges);
        None
    }

    /// As [`Storage::entry`], without waiting for a disk; nothing unless the answer is in memory and this
    /// is known.
    fn entry_cached(&self, path: &str) -> Option<Option<Entry>> {
        let _ = path;
        None
    }

    /// Returns the length of a file in bytes, or nothing if there is no such file.
    fn len(&self, path: &str) -> Result<Option<u64>, StorageError>;

    /// Returns the names of the files and folders in a folder, sorted bytewise. The folder must
    /// exist; `""` is the data folder itself.
    fn list(&self, folder: &str) -> Result<Vec<String>, StorageError>;

    /// Renames a file, replacing what bears the new name. Durable after [`Storage::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> Result<(), StorageError>;

    /// Renames a file unless something bears the new name: then it returns false, and nothing has
    /// changed. Durable after [`Storage::sync_dir`].
    fn rename_new(&self, from: &str, to: &str) -> Result<bool, StorageError>;

    /// Returns the entries of a folder, sorted bytewise by name; none if there is no such folder.
    fn entries(&self, folder: &str) -> Result<Vec<Entry>, StorageError>;

    /// Returns the file or folder at this path, if there is one.
    fn entry(&self, path: &str) -> Result<Option<Entry>, StorageError>;

    /// Removes a folder if it is there and empty.
    fn remove_dir(&self, folder: &str) -> Result<(), StorageError>;

    /// Removes a file. Durable after [`Storage::sync_dir`].
    fn remove(&self, path: &str) -> Result<(), StorageError>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, folder: &str) -> Result<(), StorageError>;

    /// Creates a folder and those above it, durably. An existing one is fine, though nothing is known
    /// of whether its entry is durable. Returns how many of the innermost folders were made and are durable.
    fn create_dir_all(&self, folder: &str) -> Result<usize, StorageError>;

    /// Returns the lock for changes to the notes of what the folder holds; each open folder has
    /// one. Its value is true after a failed change: what the file then says may not be durable.
    fn notes(&self) -> &Mutex<bool>;

    /// Returns the bytes that are free where the folder is, as far as its owner may take them.
    fn free_bytes(&self) -> Result<u64, StorageError>;

    /// Returns the full path, for messages to people.
    fn locate(&self, path: &str) -> PathBuf;
}

/// A file or a folder in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name in its folder.
    pub name: String,
    /// True for a folder.
    pub is_folder: bool,
    /// The length of a file; 0 of a folder.
    pub bytes: u64,
    /// The time of the last write to a file in milliseconds since the epoch; 0 if it is not known, and of
    /// a folder.
    pub modified_ms: i64,
}

/// An open file. Closed when dropped, without a sync.
pub trait File: Send + Sync + Debug {
    /// Writes all of `bytes` at `offset`, extending the file where needed. After an error any
    /// part of them may have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> Result<(), StorageError>;

    /// Reads at `offset` until `buffer` is full or the file ends; returns the number of bytes read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, StorageError>;

    /// Makes the bytes durable, and the length as far as it is needed to read them (fdatasync).
    fn sync_data(&self) -> Result<(), StorageError>;

    /// Makes bytes and all metadata durable (fsync).
    fn sync_all(&self) -> Result<(), StorageError>;

    /// Cuts the file or extends it with zeros.
    fn set_len(&self, len: u64) -> Result<(), StorageError>;

    /// Returns the length in bytes.
    fn len(&self) -> Result<u64, StorageError>;

    /// Returns true if there is not a single byte.
    fn is_empty(&self) -> Result<bool, StorageError> {
        self.len().map(|len| len == 0)
    }
}

/// Reads a whole small file, or nothing if there is no such file.
pub fn read(storage: &dyn Storage, path: &str) -> Result<Option<Vec<u8>>, StorageError> {
    if storage.len(path)?.is_none() {
        return Ok(None);
    }
    let file = storage.open_read(path)?;
    let len = narrow::to_usize(file.len()?);
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// Returns the folder part of a path, `""` for a file in the data folder itself.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}
