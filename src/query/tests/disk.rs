//! A disk in memory.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::{Disk, DiskFile, QueryError};

/// A disk that takes this many bytes.
#[derive(Clone, Debug)]
pub struct Small {
    pub bytes_max: u64,
    pub taken: Arc<AtomicU64>,
}

impl Small {
    pub fn new(bytes_max: u64) -> Self {
        Self {
            bytes_max,
            taken: Arc::default(),
        }
    }
}

#[derive(Debug)]
struct SmallFile {
    disk: Small,
    bytes: Mutex<Vec<u8>>,
}

impl Disk for Small {
    fn create(&self) -> Result<Arc<dyn DiskFile>, QueryError> {
        Ok(Arc::new(SmallFile {
            disk: self.clone(),
            bytes: Mutex::default(),
        }))
    }
}

impl DiskFile for SmallFile {
    fn append(&self, bytes: &[u8]) -> Result<(), QueryError> {
        let length = u64::try_from(bytes.len()).expect("it fits");
        let before = self.disk.taken.fetch_add(length, Ordering::Relaxed);
        if before + length > self.disk.bytes_max {
            return Err(QueryError::Exhausted("the disk is small".to_owned()));
        }
        self.bytes
            .lock()
            .expect("no panic")
            .extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, QueryError> {
        let bytes = self.bytes.lock().expect("no panic");
        let offset = usize::try_from(offset).expect("it fits");
        let rest = bytes.get(offset..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn bytes(&self) -> u64 {
        u64::try_from(self.bytes.lock().expect("no panic").len()).expect("it fits")
    }
}
