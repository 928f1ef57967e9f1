//! The bytes of a file, and the footer at its end.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataReader};

use super::caught::caught;
use super::error::{BoxError, DecodeError};

/// The size of the first read: footers of files with some hundred columns fit.
const FOOTER_BYTES: u64 = 64 << 10;

/// A file whose ranges can be read.
#[allow(
    clippy::len_without_is_empty,
    reason = "a file that is empty is an error like any other that is too short"
)]
pub trait ReadRange: Send + Sync {
    /// The bytes from `range.start` to before `range.end`, all of them.
    fn read(&self, range: Range<u64>) -> Result<Bytes, BoxError>;

    /// The number of bytes of the file.
    fn len(&self) -> u64;
}

/// A file that is in memory.
impl ReadRange for Bytes {
    fn read(&self, range: Range<u64>) -> Result<Bytes, BoxError> {
        let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
        if range.start > range.end || range.end > Bytes::len(self) {
            return Err(format!("bytes {range:?} of {}", Bytes::len(self)).into());
        }
        Ok(self.slice(range))
    }

    fn len(&self) -> u64 {
        Bytes::len(self) as u64
    }
}

/// Reads the footer at the end of a file. Also returns its size in bytes.
pub(super) fn footer(
    file: &dyn ReadRange,
    path: &Arc<str>,
) -> Result<(ParquetMetaData, usize), DecodeError> {
    let damaged = |source| DecodeError::Damaged {
        path: Arc::clone(path),
        source,
    };
    let too_short = || {
        damaged(ParquetError::General(
            "it is too short for its footer".to_owned(),
        ))
    };
    let length = file.len();
    let mut tail = read(file, path, length.saturating_sub(FOOTER_BYTES)..length)?;
    let (_, end) = tail
        .split_last_chunk::<FOOTER_SIZE>()
        .ok_or_else(too_short)?;
    let footer = FooterTail::try_new(end).map_err(damaged)?;
    let bytes = footer.metadata_length() + FOOTER_SIZE;
    if bytes > tail.len() {
        let start = length.checked_sub(bytes as u64).ok_or_else(too_short)?;
        tail = read(file, path, start..length)?;
    }
    let metadata = tail.slice(tail.len() - bytes..tail.len() - FOOTER_SIZE);
    let metadata = ParquetMetaDataReader::decode_metadata(&metadata).map_err(damaged)?;
    Ok((metadata, bytes))
}

/// Reads a whole file of any columns. An error if it is damaged.
pub(in crate::lake) fn readable(file: Bytes) -> Result<(), ParquetError> {
    let read = caught(|| {
        let mut batches = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
        batches.try_for_each(|batch| batch.map(drop).map_err(ParquetError::from))
    });
    read.unwrap_or_else(|| {
        Err(ParquetError::General(
            "a page cannot be unpacked".to_owned(),
        ))
    })
}

/// Reads the bytes of a range, all of them.
pub(super) fn read(
    file: &dyn ReadRange,
    path: &Arc<str>,
    range: Range<u64>,
) -> Result<Bytes, DecodeError> {
    let length = range.end - range.start;
    let error = |source| DecodeError::Read {
        path: Arc::clone(path),
        source,
    };
    let bytes = file.read(range).map_err(error)?;
    if bytes.len() as u64 != length {
        let found = bytes.len();
        return Err(DecodeError::Damaged {
            path: Arc::clone(path),
            source: ParquetError::General(format!(
                "{found} bytes came where {length} were asked for, so it is shorter than it was"
            )),
        });
    }
    Ok(bytes)
}
