//! The disk that questions may take for what does not fit into memory.
//!
//! Their files lie in a folder of their own, which is emptied at the start: what a crash left there
//! is of use to nobody. Where the folder is not part of a data folder, it is locked for one process:
//! another would empty it. Before each write the free space is looked at: the log must be able to begin
//! a segment, and small state must be able to change, whatever is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_query::{Disk, DiskFile, QueryError};

use crate::narrow;
use crate::storage::{File, Storage, StorageError};

/// The folder of their files.
pub(super) const FOLDER: &str = "queries";

/// The end of a file's name. Nothing else is removed at the start: the folder may be anywhere.
const END: &str = ".spill";

/// A folder for the files of questions.
#[derive(Clone, Debug)]
pub(super) struct SpillDisk {
    storage: Arc<dyn Storage>,
    /// The free bytes that they leave.
    kept_bytes: u64,
    files: Arc<AtomicU64>,
}

impl SpillDisk {
    /// Empties the folder, or makes it. Blocks.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub(super) fn open(storage: Arc<dyn Storage>, kept_bytes: u64) -> Result<Self, StorageError> {
        storage.create_dir_all(FOLDER)?;
        for name in storage.list(FOLDER)? {
            if name.ends_with(END) {
                storage.remove(&format!("{FOLDER}/{name}"))?;
            }
        }
        Ok(Self {
            storage,
            kept_bytes,
            files: Arc::default(),
        })
    }

    fn take(&self, bytes: u64) -> Result<(), QueryError> {
        let free_bytes = self.storage.free_bytes().map_err(|error| failed(&error))?;
        match free_bytes >= self.kept_bytes.saturating_add(bytes) {
            true => Ok(()),
            false => Err(QueryError::Exhausted(format!(
                "the query needs more disk than there is: {free_bytes} bytes are free, and queries \
                 leave {} to the log (query.spill_dir names another folder, and with more \
                 query.memory_bytes_max less goes to the disk)",
                self.kept_bytes
            ))),
        }
    }
}

impl Disk for SpillDisk {
    fn create(&self) -> Result<Arc<dyn DiskFile>, QueryError> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let path = format!("{FOLDER}/{number}{END}");
        let file = self.storage.create_new(&path);
        Ok(Arc::new(Spilled {
            file: file.map_err(|error| failed(&error))?,
            disk: self.clone(),
            path,
            bytes: AtomicU64::new(0),
        }))
    }
}

/// A file, which is removed when it is dropped.
#[derive(Debug)]
struct Spilled {
    disk: SpillDisk,
    path: String,
    file: Box<dyn File>,
    bytes: AtomicU64,
}

impl DiskFile for Spilled {
    fn append(&self, bytes: &[u8]) -> Result<(), QueryError> {
        let length = narrow::to_u64(bytes.len());
        self.disk.take(length)?;
        let at = self.bytes.load(Ordering::Relaxed);
        let written = self.file.write_all_at(bytes, at);
        written.map_err(|error| failed(&error))?;
        self.bytes.store(at + length, Ordering::Release);
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, QueryError> {
        let read = self.file.read_at(buffer, offset);
        read.map_err(|error| failed(&error))
    }

    fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }
}

impl Drop for Spilled {
    fn drop(&mut self) {
        if let Err(error) = self.disk.storage.remove(&self.path) {
            tracing::warn!(
                error = error.chain(),
                "a file of a query stays until the next start"
            );
        }
    }
}

/// A failure as the one who asked sees it: without the path.
fn failed(error: &StorageError) -> QueryError {
    if error.is_full() {
        let text = "the disk for what does not fit into memory is full (query.spill_dir)";
        return QueryError::Exhausted(text.to_owned());
    }
    tracing::error!(error = error.chain(), "a query was ended by its disk");
    QueryError::Internal("the disk for what does not fit into memory failed".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tidegate_query::{Disk, QueryError};

    use super::SpillDisk;
    use crate::storage::{FaultStorage, Storage};

    #[test]
    fn files_are_there_until_they_are_dropped_or_the_server_starts_again() {
        let storage = FaultStorage::new(1);
        let disk = SpillDisk::open(Arc::new(storage.clone()), 0).expect("made");
        let file = disk.create().expect("made");
        file.append(b"ab").expect("written");
        file.append(b"cd").expect("written");
        let mut read = [0; 8];
        assert_eq!(file.read_at(&mut read, 1).expect("read"), 3);
        assert_eq!((&read[..3], file.bytes()), (&b"bcd"[..], 4));
        drop(file);
        assert!(storage.list("queries").expect("listed").is_empty());
        let _left = disk.create().expect("made");
        let _of_others = storage.create_new("queries/other").expect("made");
        SpillDisk::open(Arc::new(storage.clone()), 0).expect("emptied");
        assert_eq!(storage.list("queries").expect("listed"), ["other"]);
    }

    #[test]
    fn a_question_ends_by_name_before_the_log_lacks_space() {
        let storage = FaultStorage::new(1);
        storage.set_capacity(Some(1 << 20));
        let disk = SpillDisk::open(Arc::new(storage.clone()), 512 << 10).expect("made");
        let file = disk.create().expect("made");
        let chunk = vec![1; 64 << 10];
        let refused = loop {
            if let Err(refused) = file.append(&chunk) {
                break refused;
            }
        };
        assert!(matches!(refused, QueryError::Exhausted(_)), "{refused}");
        assert!(refused.to_string().contains("query.spill_dir"), "{refused}");
        let free_bytes = storage.free_bytes().expect("known");
        assert!((512 << 10..640 << 10).contains(&free_bytes), "{free_bytes}");
    }
}
