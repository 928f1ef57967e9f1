//! One column of one row group: its pages, compressed.
//!
//! The pages are made here rather than by parquet's own writer, which hashes every value of every
//! row. Here tags come as runs of equal values, one per series, and cost next to nothing; integers
//! that are close together are looked up in a table. The output is plain old Parquet: data pages of
//! version 1, and only encodings that every reader knows (PLAIN, RLE_DICTIONARY,
//! DELTA_BINARY_PACKED; Spark's fast reader refuses BYTE_STREAM_SPLIT).

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use zstd::bulk::Compressor;
use zstd::zstd_safe::CParameter;

use super::EncodeError;
use super::hybrid::{Hybrid, width_of};
use super::page_index::PageSpan;
use super::row_selection::RowSelection;
use super::statistics::Bounds;
use super::values::{EncodedValues, Plain};
use crate::certain::Certain;
use crate::narrow;

/// The largest number of rows in a page, which a reader of many files has unpacked at a time for each
/// column, and which a question for few rows unpacks for each of its columns. With 16,384 such questions
/// take 3 to 30 % longer, and files are 2 to 4 % smaller (100 hosts, 10 fields, a row in 10 s); writing
/// and compacting take the same.
const PAGE_ROWS: usize = 4 * 1024;

/// The same in a row group of few rows, as the files of flushes have: a question for some series reads a page
/// of each of many such files, and uses a small part of it.
const SMALL_PAGE_ROWS: usize = 2 * 1024;

/// The most rows of such a group: in larger ones, what the page index says of more pages is not worth it.
const FEW_ROWS: usize = 32 * 1024;

/// The fastest level: level 3 makes files of Telegraf's data 3 % smaller and those of TSBS no smaller
/// at all, as the encodings have already gained what there is to gain.
const ZSTD_LEVEL: i32 = 1;

/// The level for small dictionaries of numbers, which packs nothing but what repeats. A table of Huffman codes
/// makes them a quarter smaller, which is little beside their pages of indexes, and takes longer to build than
/// to read all that is asked for of a small file.
const ZSTD_LEVEL_PLAIN: i32 = -3;

/// The largest of these dictionaries, in bytes.
const PLAIN_BYTES_MAX: usize = 4 * 1024;

/// An encoded column of a row group.
#[derive(Debug)]
pub(super) struct Chunk {
    /// The pages, the dictionary's first.
    pub(super) bytes: Bytes,
    pub(super) uncompressed_bytes: usize,
    /// The start of the first data page, if a dictionary comes before it.
    pub(super) dictionary_bytes: Option<usize>,
    pub(super) pages: Vec<PageSpan>,
    /// The encoding of the data pages.
    pub(super) encoding: Encoding,
    pub(super) nulls: usize,
    pub(super) bounds: Bounds,
}

/// The reason why a count fits.
const FEW: &str = "a row group has few rows, and a page fewer";

/// A tag in the rows of a row group: runs of equal values.
#[derive(Debug, Default)]
pub(super) struct TagRuns<'a> {
    pub(super) distinct: Vec<&'a str>,
    /// Index among the distinct values, nothing where the tag is absent, and number of rows.
    pub(super) runs: Vec<(Option<u32>, usize)>,
}

impl<'a> TagRuns<'a> {
    fn value(&self, index: u32) -> &'a str {
        let value = self.distinct.get(narrow::to_usize(u64::from(index)));
        value.certain("an index is one of a distinct value")
    }
}

/// An encoder of chunks, with buffers that are worth keeping between them.
pub(super) struct ChunkEncoder {
    compressor: Compressor<'static>,
}

impl ChunkEncoder {
    pub(super) fn new() -> Result<Self, EncodeError> {
        let mut compressor = Compressor::new(ZSTD_LEVEL).map_err(EncodeError::Compress)?;
        // Few writers write Parquet's own checksums, and fewer readers check them; every reader checks
        // those of zstd.
        let checksum = compressor.set_parameter(CParameter::ChecksumFlag(true));
        checksum.map_err(EncodeError::Compress)?;
        Ok(Self { compressor })
    }

    /// Encodes a column of values. The file's schema says if rows may lack one.
    pub(super) fn values(
        &mut self,
        plain: Plain<'_>,
        slice: &RowSelection<'_>,
        is_optional: bool,
    ) -> Result<Chunk, EncodeError> {
        let (dictionary, body) = EncodedValues::choose(plain);
        let mut pages = Pages::new(&mut self.compressor, body.encoding());
        if let Some((dictionary, count)) = dictionary {
            let is_text = matches!(plain, Plain::String(_));
            match !is_text && dictionary.len() <= PLAIN_BYTES_MAX {
                true => pages.plain_dictionary(dictionary, count)?,
                false => pages.dictionary(dictionary, count)?,
            }
        }
        let page_rows = page_rows(slice.rows());
        let mut first = 0;
        while first < slice.rows() {
            let values = slice.values_before(first);
            let rows = body.rows_within(slice, first, values, page_rows);
            let range = values..slice.values_before(first + rows);
            let mut page = Vec::new();
            if is_optional {
                push_levels(&mut page, slice.levels(first..first + rows));
            }
            let bounds = plain.part(range.clone()).bounds();
            let nulls = rows - range.len();
            body.encode(range, &mut page);
            pages.data(page, rows, nulls, bounds)?;
            first += rows;
        }
        pages.finish()
    }

    /// Encodes a tag. Its values are sorted within those of the tags before it, so runs may be short or
    /// long.
    pub(super) fn tag(&mut self, tag: &TagRuns<'_>) -> Result<Chunk, EncodeError> {
        let count = narrow::to_u32(tag.distinct.len(), FEW);
        let width = width_of(count.saturating_sub(1));
        let mut pages = Pages::new(&mut self.compressor, Encoding::RLE_DICTIONARY);
        let mut distinct = Vec::new();
        Plain::String(&tag.distinct).encode(&mut distinct);
        pages.dictionary(distinct, tag.distinct.len())?;
        let page_rows = page_rows(tag.runs.iter().map(|(_, length)| length).sum());
        let mut page = TagPage::new(width);
        for (index, length) in &tag.runs {
            let value = index.map(|index| tag.value(index));
            let mut rest = *length;
            while rest > 0 {
                let taken = rest.min(page_rows - page.rows);
                page.push(*index, value, taken);
                rest -= taken;
                if page.rows == page_rows {
                    let full = std::mem::replace(&mut page, TagPage::new(width));
                    full.write(&mut pages, width)?;
                }
            }
        }
        if page.rows > 0 {
            page.write(&mut pages, width)?;
        }
        pages.finish()
    }

    /// Encodes a column without values, for a row group of a file that has the column elsewhere.
    pub(super) fn nulls(&mut self, rows: usize) -> Result<Chunk, EncodeError> {
        let mut pages = Pages::new(&mut self.compressor, Encoding::PLAIN);
        let mut levels = Hybrid::new(1);
        levels.push_run(0, rows);
        let mut page = Vec::new();
        push_levels(&mut page, levels);
        pages.data(page, rows, rows, Bounds::Empty)?;
        pages.finish()
    }
}

/// The largest number of rows in a page of a row group that has so many.
fn page_rows(rows: usize) -> usize {
    match rows <= FEW_ROWS {
        true => SMALL_PAGE_ROWS,
        false => PAGE_ROWS,
    }
}

struct TagPage<'a> {
    levels: Hybrid,
    indexes: Hybrid,
    rows: usize,
    nulls: usize,
    /// The least and the greatest value.
    ends: Option<(&'a str, &'a str)>,
}

impl<'a> TagPage<'a> {
    fn new(width: u32) -> Self {
        Self {
            levels: Hybrid::new(1),
            indexes: Hybrid::new(width),
            rows: 0,
            nulls: 0,
            ends: None,
        }
    }

    fn push(&mut self, index: Option<u32>, value: Option<&'a str>, length: usize) {
        self.rows += length;
        match value {
            Some(value) => {
                let (min, max) = self.ends.unwrap_or((value, value));
                self.ends = Some((min.min(value), max.max(value)));
            }
            None => self.nulls += length,
        }
        self.levels.push_run(u32::from(index.is_some()), length);
        if let Some(index) = index {
            self.indexes.push_run(index, length);
        }
    }

    fn write(self, pages: &mut Pages<'_>, width: u32) -> Result<(), EncodeError> {
        let mut page = Vec::new();
        push_levels(&mut page, self.levels);
        page.push(width.to_le_bytes()[0]);
        page.extend(self.indexes.finish());
        let bounds = self
            .ends
            .map_or(Bounds::Empty, |(min, max)| Bounds::texts(min, max));
        pages.data(page, self.rows, self.nulls, bounds)
    }
}

/// Writes levels as data pages of version 1 have them: after their length.
fn push_levels(page: &mut Vec<u8>, levels: Hybrid) {
    let levels = levels.finish();
    page.extend(narrow::to_u32(levels.len(), FEW).to_le_bytes());
    page.extend(levels);
}

/// The pages of a chunk so far.
struct Pages<'e> {
    compressor: &'e mut Compressor<'static>,
    sink: TrackedWrite<Vec<u8>>,
    uncompressed_bytes: usize,
    dictionary_bytes: Option<usize>,
    spans: Vec<PageSpan>,
    encoding: Encoding,
}

impl<'e> Pages<'e> {
    fn new(compressor: &'e mut Compressor<'static>, encoding: Encoding) -> Self {
        Self {
            compressor,
            sink: TrackedWrite::new(Vec::new()),
            uncompressed_bytes: 0,
            dictionary_bytes: None,
            spans: Vec::new(),
            encoding,
        }
    }

    fn dictionary(&mut self, page: Vec<u8>, count: usize) -> Result<(), EncodeError> {
        let num_values = narrow::to_u32(count, FEW);
        let bytes = self.write(&page, |buf| Page::DictionaryPage {
            buf,
            num_values,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        })?;
        self.dictionary_bytes = Some(bytes);
        Ok(())
    }

    /// A dictionary that is fast to unpack.
    fn plain_dictionary(&mut self, page: Vec<u8>, count: usize) -> Result<(), EncodeError> {
        self.level(ZSTD_LEVEL_PLAIN)?;
        let written = self.dictionary(page, count);
        self.level(ZSTD_LEVEL)?;
        written
    }

    fn level(&mut self, level: i32) -> Result<(), EncodeError> {
        let level = CParameter::CompressionLevel(level);
        let set = self.compressor.set_parameter(level);
        set.map_err(EncodeError::Compress)
    }

    fn data(
        &mut self,
        page: Vec<u8>,
        rows: usize,
        nulls: usize,
        bounds: Bounds,
    ) -> Result<(), EncodeError> {
        let encoding = self.encoding;
        let num_values = narrow::to_u32(rows, FEW);
        let start = self.sink.bytes_written();
        let bytes = self.write(&page, |buf| Page::DataPage {
            buf,
            num_values,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        })?;
        self.spans.push(PageSpan {
            start,
            bytes,
            rows,
            nulls,
            bounds,
        });
        Ok(())
    }

    /// Compresses and writes a page. Returns its size in the file, in bytes.
    fn write(
        &mut self,
        page: &[u8],
        make: impl FnOnce(Bytes) -> Page,
    ) -> Result<usize, EncodeError> {
        let compressed = self
            .compressor
            .compress(page)
            .map_err(EncodeError::Compress)?;
        let page = CompressedPage::new(make(compressed.into()), page.len());
        let written = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.uncompressed_bytes += written.uncompressed_size;
        Ok(written.compressed_size)
    }

    fn finish(self) -> Result<Chunk, EncodeError> {
        let bounds = self.spans.iter().map(|page| &page.bounds);
        let bounds = bounds.fold(Bounds::Empty, Bounds::join);
        let nulls = self.spans.iter().map(|page| page.nulls).sum();
        Ok(Chunk {
            bytes: self.sink.into_inner()?.into(),
            uncompressed_bytes: self.uncompressed_bytes,
            dictionary_bytes: self.dictionary_bytes,
            pages: self.spans,
            encoding: self.encoding,
            nulls,
            bounds,
        })
    }
}
