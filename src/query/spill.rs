//! The disk for what of a question does not fit into memory: lent by the program, file by file.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::spill_file::{SpillFile, SpillWriter, TempFileFactory};
use futures_util::stream::{BoxStream, try_unfold};

use crate::error::QueryError;

/// The bytes that are read at once.
const CHUNK_BYTES: usize = 128 << 10;

/// The disk that questions share.
pub trait Disk: Debug + Send + Sync {
    /// Makes an empty file, which is there until it is dropped. May block.
    ///
    /// # Errors
    /// [`QueryError`] if it cannot be made.
    fn create(&self) -> Result<Arc<dyn DiskFile>, QueryError>;
}

/// A file of one question.
pub trait DiskFile: Debug + Send + Sync {
    /// Writes at the end. May block.
    ///
    /// # Errors
    /// [`QueryError::Exhausted`] if the disk must not take more; the text says why.
    fn append(&self, bytes: &[u8]) -> Result<(), QueryError>;

    /// Reads at an offset until `buffer` is full or the file ends. Returns the number of bytes. May
    /// block.
    ///
    /// # Errors
    /// [`QueryError`] if what was written cannot be read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, QueryError>;

    /// The bytes that were written.
    fn bytes(&self) -> u64;
}

/// No disk: what does not fit into memory ends its question.
#[derive(Clone, Copy, Debug)]
pub struct NoDisk;

impl Disk for NoDisk {
    fn create(&self) -> Result<Arc<dyn DiskFile>, QueryError> {
        let text = "there is no disk for what does not fit into memory";
        Err(QueryError::Exhausted(text.to_owned()))
    }
}

/// The disk as DataFusion asks for files.
pub(crate) struct Files(pub(crate) Arc<dyn Disk>);

impl TempFileFactory for Files {
    fn create_temp_file(&self, _description: &str) -> Result<Arc<dyn SpillFile>> {
        Ok(Arc::new(Spilled(self.0.create().map_err(external)?)))
    }
}

struct Spilled(Arc<dyn DiskFile>);

impl SpillFile for Spilled {
    fn size(&self) -> Option<u64> {
        Some(self.0.bytes())
    }

    fn read_stream(&self) -> Result<BoxStream<'static, Result<Bytes>>> {
        let begin = (Arc::clone(&self.0), 0);
        Ok(Box::pin(try_unfold(begin, |(file, offset)| async move {
            let read = tokio::task::spawn_blocking(move || {
                let mut chunk = vec![0; CHUNK_BYTES];
                let read = file.read_at(&mut chunk, offset)?;
                chunk.truncate(read);
                Ok((chunk, file))
            });
            let (chunk, file) = match read.await {
                Ok(read) => read.map_err(external)?,
                Err(cut) => return Err(external(QueryError::Internal(cut.to_string()))),
            };
            let next = u64::try_from(chunk.len()).ok().map(|read| offset + read);
            Ok(next
                .filter(|next| *next > offset)
                .map(|next| (chunk.into(), (file, next))))
        })))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer(Arc::clone(&self.0))))
    }
}

struct Writer(Arc<dyn DiskFile>);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
