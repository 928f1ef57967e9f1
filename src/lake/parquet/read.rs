//! Bytes of a file: the footer at its end, and row groups one at a time.

use std::ops::Range;
use std::sync::Arc;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::FOOTER_SIZE;
use parquet::file::metadata::{
    FooterTail, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};

use super::error::{BoxError, DecodeError};

/// The first read: footers of files with some hundred columns fit.
const FOOTER_BYTES: u64 = 64 << 10;

/// A file of which ranges can be read.
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

/// Reads what the end of a file says of it; also says how many bytes that took.
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
        return Err(error(
            format!("{found} bytes came where {length} were asked for").into(),
        ));
    }
    Ok(bytes)
}

/// Where the columns of a row group lie; nothing if that is not within the file.
pub(super) fn range_of(group: &RowGroupMetaData, length: u64) -> Option<Range<u64>> {
    let mut range: Option<Range<u64>> = None;
    for column in group.columns() {
        let pages = column.data_page_offset();
        let start = column.dictionary_page_offset().unwrap_or(pages).min(pages);
        let start = u64::try_from(start).ok()?;
        let end = start.checked_add(u64::try_from(column.compressed_size()).ok()?)?;
        let all = range.unwrap_or(start..end);
        range = Some(all.start.min(start)..all.end.max(end));
    }
    range.filter(|range| range.end <= length)
}

/// The bytes of one row group, at their place in the file.
pub(super) struct Window {
    pub(super) start: u64,
    pub(super) bytes: Bytes,
}

impl Window {
    fn part(&self, start: u64, length: Option<usize>) -> ParquetResult<Bytes> {
        let outside = || ParquetError::EOF(format!("byte {start} is outside of the row group"));
        let start = start.checked_sub(self.start).ok_or_else(outside)?;
        let start = usize::try_from(start)?;
        let end = match length {
            Some(length) => start.checked_add(length).ok_or_else(outside)?,
            None => self.bytes.len().max(start),
        };
        if end > self.bytes.len() {
            return Err(outside());
        }
        Ok(self.bytes.slice(start..end))
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Window {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(self.part(start, None)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.part(start, Some(length))
    }
}
