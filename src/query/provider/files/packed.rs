//! The pages of a row group that were read, unpacked for Parquet's decoder.
//!
//! Parquet's own source of pages makes a decompressor and a compressor for each column of each row group.
//! One of zstd asks the processor what it can do (`cpuid`), which a virtual machine answers in microseconds,
//! some in tens of them: more than it takes to unpack a page. Here pages come as they are in the file, as if
//! nothing was compressed, and each thread keeps one decompressor.

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::buf::{Buf, Reader as BytesReader};
use bytes::{Bytes, BytesMut};
use datafusion::parquet::arrow::arrow_reader::{RowGroups, RowSelection};
use datafusion::parquet::basic::Compression;
use datafusion::parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use datafusion::parquet::file::page_index::offset_index::PageLocation;
use datafusion::parquet::file::reader::{ChunkReader, Length};
use datafusion::parquet::file::serialized_reader::SerializedPageReader;
use zstd::bulk::Decompressor;
use zstd::zstd_safe::get_frame_content_size;

/// Where fewer rows than this come between two places at which a selection begins or ends, on average,
/// Parquet's decoder may unpack those that are not selected, so their pages are read, too.
const SPARSE_ROWS_MIN: usize = 64;

thread_local! {
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Where in a file the pages of columns of a row group are.
pub(super) struct Places {
    /// The parts of the file to read, in bytes.
    pub(super) ranges: Vec<Range<u64>>,
    /// The columns, each with the number of its parts.
    counts: Vec<(usize, usize)>,
}

impl Places {
    /// Of the pages of these columns that have rows of a selection.
    ///
    /// # Errors
    /// The file has no such group or column.
    pub(super) fn of(
        footer: &ParquetMetaData,
        group: usize,
        leaves: &[usize],
        selection: &RowSelection,
    ) -> Result<Self> {
        let said = of_group(footer, group)?;
        let rows = usize::try_from(said.num_rows())?;
        let is_sparse = selection.iter().count().saturating_mul(SPARSE_ROWS_MIN) <= rows;
        let (mut ranges, mut counts) = (Vec::new(), Vec::with_capacity(leaves.len()));
        for leaf in leaves {
            let chunk = of_column(said, *leaf)?;
            let before = ranges.len();
            match locations(footer, group, *leaf).filter(|_| is_sparse) {
                Some(pages) => extend(&mut ranges, of_pages(chunk, pages, selection)),
                None => ranges.push(whole(chunk)),
            }
            counts.push((*leaf, ranges.len() - before));
        }
        Ok(Self { ranges, counts })
    }
}

/// Columns of a row group.
pub(super) struct PackedGroup {
    footer: Arc<ParquetMetaData>,
    group: usize,
    rows: usize,
    /// By the place of their column.
    chunks: HashMap<usize, Arc<Chunk>>,
}

impl PackedGroup {
    /// The columns whose parts were read, in the order of their places.
    ///
    /// # Errors
    /// The file has no such group.
    pub(super) fn new(
        footer: Arc<ParquetMetaData>,
        group: usize,
        places: Places,
        read: Vec<Bytes>,
    ) -> Result<Self> {
        let rows = usize::try_from(of_group(&footer, group)?.num_rows())?;
        let starts = places.ranges.into_iter().map(|range| range.start);
        let mut read = starts.zip(read);
        let chunks = places.counts.into_iter().map(|(leaf, count)| {
            let parts = read.by_ref().take(count).collect();
            (leaf, Arc::new(Chunk { parts }))
        });
        let chunks = chunks.collect();
        Ok(Self {
            footer,
            group,
            rows,
            chunks,
        })
    }
}

fn of_group(footer: &ParquetMetaData, group: usize) -> Result<&RowGroupMetaData> {
    let none = || ParquetError::General(format!("it has no row group {group}"));
    footer.row_groups().get(group).ok_or_else(none)
}

fn of_column(group: &RowGroupMetaData, leaf: usize) -> Result<&ColumnChunkMetaData> {
    let none = || ParquetError::General(format!("a row group has no column {leaf}"));
    group.columns().get(leaf).ok_or_else(none)
}

/// The places of the data pages of a column; none if the file does not tell them.
fn locations(footer: &ParquetMetaData, group: usize, leaf: usize) -> Option<&Vec<PageLocation>> {
    let pages = footer.offset_index()?.get(group)?.get(leaf)?;
    Some(pages.page_locations()).filter(|pages| !pages.is_empty())
}

/// Adds ranges, as one where the first ones begin at the end of each other: each takes a call of the system.
fn extend(ranges: &mut Vec<Range<u64>>, of_column: impl Iterator<Item = Range<u64>>) {
    let before = ranges.len();
    for range in of_column {
        match ranges.get_mut(before..).and_then(<[_]>::last_mut) {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push(range),
        }
    }
}

fn whole(chunk: &ColumnChunkMetaData) -> Range<u64> {
    let (start, length) = chunk.byte_range();
    start..start + length
}

/// The dictionary, if there is one, and the pages with rows that are selected.
fn of_pages(
    chunk: &ColumnChunkMetaData,
    pages: &[PageLocation],
    selection: &RowSelection,
) -> impl Iterator<Item = Range<u64>> {
    let (start, _) = chunk.byte_range();
    let first = pages
        .first()
        .and_then(|page| u64::try_from(page.offset).ok());
    let dictionary = first.filter(|first| *first > start);
    let dictionary = dictionary.map(|first| start..first);
    dictionary.into_iter().chain(selection.scan_ranges(pages))
}

impl RowGroups for PackedGroup {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, leaf: usize) -> Result<Box<dyn PageIterator>> {
        let none = || ParquetError::General(format!("column {leaf} was not read"));
        let chunk = self.chunks.get(&leaf).ok_or_else(none)?;
        let said = of_column(of_group(&self.footer, self.group)?, leaf)?;
        let pages = locations(&self.footer, self.group, leaf).cloned();
        let pages = Pages::new(Arc::clone(chunk), said, self.rows, pages)?;
        Ok(Box::new(OneChunk(Some(pages))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.footer.row_groups().get(self.group).into_iter())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.footer
    }
}

/// What was read of a column of a row group: parts of the file, each with its start, in order.
struct Chunk {
    parts: Vec<(u64, Bytes)>,
}

impl Chunk {
    /// The rest of a part from a place in the file.
    fn from(&self, start: u64) -> Result<Bytes> {
        let none = || ParquetError::EOF(format!("nothing was read at byte {start}"));
        let after = self.parts.partition_point(|(first, _)| *first <= start);
        let part = after.checked_sub(1).and_then(|part| self.parts.get(part));
        let (first, bytes) = part.ok_or_else(none)?;
        let before = usize::try_from(start - first)?;
        if before > bytes.len() {
            return Err(none());
        }
        Ok(bytes.slice(before..))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        let last = self.parts.last();
        last.map_or(0, |(start, bytes)| *start + bytes.len() as u64)
    }
}

impl ChunkReader for Chunk {
    type T = BytesReader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = self.from(start)?;
        if length > bytes.len() {
            let text = format!("{length} bytes at byte {start} were not read");
            return Err(ParquetError::EOF(text));
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// The pages of the only chunk of a column.
struct OneChunk(Option<Pages>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let pages = self.0.take()?;
        Some(Ok(Box::new(pages)))
    }
}

impl PageIterator for OneChunk {}

/// The pages of a chunk, unpacked.
struct Pages {
    stored: SerializedPageReader<Chunk>,
    /// The most bytes that a page has unpacked; none if it comes unpacked.
    unpacked_max: Option<usize>,
}

impl Pages {
    fn new(
        chunk: Arc<Chunk>,
        said: &ColumnChunkMetaData,
        rows: usize,
        pages: Option<Vec<PageLocation>>,
    ) -> Result<Self> {
        if !matches!(said.compression(), Compression::ZSTD(_)) {
            let stored = SerializedPageReader::new(chunk, said, rows, pages)?;
            return Ok(Self {
                stored,
                unpacked_max: None,
            });
        }
        let as_stored = ColumnChunkMetaData::builder(said.column_descr_ptr())
            .set_compression(Compression::UNCOMPRESSED)
            .set_data_page_offset(said.data_page_offset())
            .set_dictionary_page_offset(said.dictionary_page_offset())
            .set_total_compressed_size(said.compressed_size())
            .build()?;
        Ok(Self {
            stored: SerializedPageReader::new(chunk, &as_stored, rows, pages)?,
            unpacked_max: Some(usize::try_from(said.uncompressed_size())?),
        })
    }

    fn unpacked(&self, mut page: Page) -> Result<Page> {
        let Some(max) = self.unpacked_max else {
            return Ok(page);
        };
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
                *buf = unpacked(buf, 0, max)?;
            }
            Page::DataPageV2 {
                buf,
                is_compressed: true,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                *buf = unpacked(buf, usize::try_from(levels)?, max)?;
            }
            Page::DataPageV2 { .. } => {}
        }
        Ok(page)
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.stored.get_next_page()?;
        page.map(|page| self.unpacked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.stored.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.stored.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.stored.at_record_boundary()
    }
}

/// A page whose bytes are packed after the first so many.
fn unpacked(page: &Bytes, plain: usize, max: usize) -> Result<Bytes> {
    let cut = || ParquetError::EOF("a page is shorter than its levels".to_owned());
    let (plain, packed) = page.split_at_checked(plain).ok_or_else(cut)?;
    if packed.is_empty() {
        return Ok(page.clone());
    }
    let said = get_frame_content_size(packed).ok().flatten();
    let said = said.and_then(|said| usize::try_from(said).ok());
    if said.is_some_and(|said| said > max) {
        let text = "a page has more bytes unpacked than all of its column".to_owned();
        return Err(ParquetError::General(text));
    }
    // Other writers may not say it, or pack a page in several frames.
    let values = match said.map(|said| decompressed(packed, said)) {
        Some(Ok(values)) => Ok(values),
        Some(Err(_)) | None => decompressed(packed, max),
    };
    let values = values.map_err(|error| ParquetError::General(error.to_string()))?;
    if plain.is_empty() {
        return Ok(values.into());
    }
    let mut whole = BytesMut::with_capacity(plain.len() + values.len());
    whole.extend_from_slice(plain);
    whole.extend_from_slice(&values);
    Ok(whole.freeze())
}

fn decompressed(packed: &[u8], bytes_max: usize) -> io::Result<Vec<u8>> {
    DECOMPRESSOR.with_borrow_mut(|kept| {
        let decompressor = match kept {
            Some(decompressor) => decompressor,
            None => kept.insert(Decompressor::new()?),
        };
        decompressor.decompress(packed, bytes_max)
    })
}
