//! The bytes of a row group, for the reader of the format.
//!
//! They are read all at once, in one request, or in blocks of each column, so that only the part of
//! the row group that the reader is at is in memory. An error of the source is kept here, as it would
//! lose its kind on its way through the reader.

use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length};

use super::error::DecodeError;
use super::read::{ReadRange, read};

/// The bytes of a column that are read at a time.
pub(super) const BLOCK_BYTES: u64 = 256 << 10;

/// A row group of a file. Clones share what was read.
#[derive(Clone)]
pub(super) struct Window {
    shared: Arc<Shared>,
}

struct Shared {
    file: Arc<dyn ReadRange>,
    path: Arc<str>,
    /// The ranges that are read separately, ascending.
    parts: Vec<Range<u64>>,
    /// The bytes of each part that were read and not used up.
    blocks: Mutex<Vec<Block>>,
    /// True if everything is in one block, which is kept.
    is_whole: bool,
    failure: Mutex<Option<DecodeError>>,
}

#[derive(Clone, Default)]
struct Block {
    start: u64,
    bytes: Bytes,
}

/// The file and its name in errors.
pub(super) struct Source<'a> {
    pub(super) file: &'a Arc<dyn ReadRange>,
    pub(super) path: &'a Arc<str>,
}

impl Window {
    /// Reads a row group.
    pub(super) fn whole(
        source: &Source<'_>,
        group: &RowGroupMetaData,
    ) -> Result<Self, DecodeError> {
        let ranges = group.columns().iter().map(range_of);
        let range = ranges.reduce(|all, one| {
            let (all, one) = (all?, one?);
            Some(all.start.min(one.start)..all.end.max(one.end))
        });
        let range = within(source, range.flatten())?;
        let bytes = read(&**source.file, source.path, range.clone())?;
        let start = range.start;
        Ok(Self::new(source, vec![range], Some(Block { start, bytes })))
    }

    /// Opens some columns of a row group, which are read block by block on demand.
    pub(super) fn blocks(
        source: &Source<'_>,
        group: &RowGroupMetaData,
        columns: impl Iterator<Item = usize>,
    ) -> Result<Self, DecodeError> {
        let ranges =
            columns.map(|column| within(source, group.columns().get(column).and_then(range_of)));
        let mut parts = ranges.collect::<Result<Vec<_>, _>>()?;
        parts.sort_unstable_by_key(|part| part.start);
        Ok(Self::new(source, parts, None))
    }

    fn new(source: &Source<'_>, parts: Vec<Range<u64>>, whole: Option<Block>) -> Self {
        let is_whole = whole.is_some();
        let blocks = match whole {
            Some(block) => vec![block],
            None => vec![Block::default(); parts.len()],
        };
        Self {
            shared: Arc::new(Shared {
                file: Arc::clone(source.file),
                path: Arc::clone(source.path),
                parts,
                blocks: Mutex::new(blocks),
                is_whole,
                failure: Mutex::default(),
            }),
        }
    }

    /// The error of the source, if reading failed: the reader of the format only knows that it did.
    pub(super) fn failure(&self) -> Option<DecodeError> {
        lock(&self.shared.failure).take()
    }

    /// Returns the bytes from `start` on that are in memory, at least `length`.
    fn from(&self, start: u64, length: u64) -> ParquetResult<Bytes> {
        let shared = &*self.shared;
        let outside = || ParquetError::EOF(format!("byte {start} is outside of the row group"));
        let after = shared.parts.partition_point(|part| part.start <= start);
        let index = after.checked_sub(1).ok_or_else(outside)?;
        let part = shared.parts.get(index).ok_or_else(outside)?;
        let end = start.checked_add(length).filter(|end| *end <= part.end);
        let end = end.ok_or_else(outside)?;
        let mut blocks = lock(&shared.blocks);
        let block = blocks.get_mut(index).ok_or_else(outside)?;
        if !block.has(start, end) {
            // Drop the block that was read before.
            *block = Block::default();
            let end = end.max(start.saturating_add(BLOCK_BYTES)).min(part.end);
            let bytes = read(&*shared.file, &shared.path, start..end);
            let bytes = bytes.map_err(|error| {
                let told = ParquetError::General(error.to_string());
                *lock(&shared.failure) = Some(error);
                told
            })?;
            *block = Block { start, bytes };
        }
        let found = block.bytes.slice(usize::try_from(start - block.start)?..);
        if !shared.is_whole && found.len() as u64 == length {
            // The reader is past this block, and has the only copy.
            *block = Block::default();
        }
        Ok(found)
    }
}

impl Block {
    fn has(&self, start: u64, end: u64) -> bool {
        self.start <= start && start < end && end <= self.start + self.bytes.len() as u64
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.shared.file.len()
    }
}

impl ChunkReader for Window {
    type T = WindowReader;

    fn get_read(&self, start: u64) -> ParquetResult<WindowReader> {
        Ok(WindowReader {
            window: self.clone(),
            at: start,
            part: Bytes::new(),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if length == 0 {
            return Ok(Bytes::new());
        }
        let bytes = self.from(start, length as u64)?;
        Ok(bytes.slice(..length))
    }
}

/// A window's bytes as a stream, for the headers of pages.
pub(super) struct WindowReader {
    window: Window,
    at: u64,
    part: Bytes,
}

impl Read for WindowReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.part.is_empty() {
            let part = self.window.from(self.at, 1);
            self.part = part.map_err(std::io::Error::other)?;
        }
        let taken = self.part.split_to(buffer.len().min(self.part.len()));
        for (slot, byte) in buffer.iter_mut().zip(&taken) {
            *slot = *byte;
        }
        self.at += taken.len() as u64;
        Ok(taken.len())
    }
}

/// The range of a column of a row group.
fn range_of(column: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let pages = column.data_page_offset();
    let start = column.dictionary_page_offset().unwrap_or(pages).min(pages);
    let start = u64::try_from(start).ok()?;
    let end = start.checked_add(u64::try_from(column.compressed_size()).ok()?)?;
    Some(start..end)
}

fn within(source: &Source<'_>, range: Option<Range<u64>>) -> Result<Range<u64>, DecodeError> {
    let range = range.filter(|range| range.end <= source.file.len());
    range.ok_or_else(|| DecodeError::Damaged {
        path: Arc::clone(source.path),
        source: ParquetError::General("a row group does not lie within the file".to_owned()),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counted(Bytes, Mutex<Vec<Range<u64>>>);

    impl ReadRange for Counted {
        fn read(&self, range: Range<u64>) -> Result<Bytes, super::super::error::BoxError> {
            self.1.lock().unwrap().push(range.clone());
            self.0.read(range)
        }

        fn len(&self) -> u64 {
            ReadRange::len(&self.0)
        }
    }

    #[test]
    fn blocks_are_read_when_they_are_asked_for_and_given_back_when_they_are_used_up() {
        let at = |byte: u64| usize::try_from(byte).unwrap();
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * at(BLOCK_BYTES)).collect();
        let counted = Arc::new(Counted(Bytes::from(bytes.clone()), Mutex::default()));
        let file: Arc<dyn ReadRange> = Arc::clone(&counted) as _;
        let source = Source {
            file: &file,
            path: &"x".into(),
        };
        let parts = vec![10..20, 100..3 * BLOCK_BYTES];
        let window = Window::new(&source, parts, None);
        let part = |range: Range<usize>| Bytes::from(bytes[range].to_vec());
        assert_eq!(window.get_bytes(12, 8).unwrap(), part(12..20));
        assert_eq!(window.get_bytes(100, 50).unwrap(), part(100..150));
        assert_eq!(window.get_bytes(150, 60).unwrap(), part(150..210));
        // A header over the end of a block.
        let end = 100 + BLOCK_BYTES;
        let mut header = [0; 8];
        window
            .get_read(end - 3)
            .unwrap()
            .read_exact(&mut header)
            .unwrap();
        assert_eq!(header[..], bytes[at(end) - 3..at(end) + 5]);
        let reads = counted.1.lock().unwrap().clone();
        assert_eq!(reads, [12..20, 100..end, end..end + BLOCK_BYTES]);
        assert!(
            window.get_bytes(15, 10).is_err(),
            "past the end of its part"
        );
        assert!(window.get_bytes(5, 1).is_err());
        let held = lock(&window.shared.blocks);
        assert!(held[0].bytes.is_empty(), "used up");
    }
}
