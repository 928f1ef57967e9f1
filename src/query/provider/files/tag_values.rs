//! The values that a tag has in a file, from the dictionaries of its row groups: no row is read.
//!
//! That is done only for files of a writer that is known, whose dictionaries have the values of rows and
//! no others.

use std::any::Any;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, StringArray};
use bytes::Buf as _;
use bytes::Bytes;
use datafusion::common::HashMap as Told;
use datafusion::execution::cache::cache_manager::FileMetadata;
use datafusion::parquet::basic::Encoding;
use datafusion::parquet::column::page::{Page, PageReader};
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use datafusion::parquet::file::reader::{ChunkReader, Length};
use datafusion::parquet::file::serialized_reader::SerializedPageReader;

/// Where the values of a tag are in a file.
pub(super) struct Dictionaries {
    /// The places of row groups, and the bytes of the dictionary in each.
    pub(super) pages: Vec<(usize, Range<u64>)>,
    /// Whether rows lack the tag.
    pub(super) has_none: bool,
}

/// The dictionaries of a tag; none if they do not have all of its values.
pub(super) fn dictionaries(footer: &ParquetMetaData, leaf: usize) -> Option<Dictionaries> {
    let mut pages = Vec::new();
    let mut has_none = false;
    for (place, group) in footer.row_groups().iter().enumerate() {
        let column = group.columns().get(leaf)?;
        let nulls = column.statistics()?.null_count_opt()?;
        has_none |= nulls > 0;
        if u64::try_from(group.num_rows()).ok()? == nulls {
            continue;
        }
        let is_dictionary = column.page_encoding_stats_mask().is_some_and(|mask| {
            mask.is_only(Encoding::RLE_DICTIONARY) || mask.is_only(Encoding::PLAIN_DICTIONARY)
        });
        let start = u64::try_from(column.dictionary_page_offset()?).ok()?;
        let end = u64::try_from(column.data_page_offset()).ok()?;
        if !is_dictionary || end <= start {
            return None;
        }
        pages.push((place, start..end));
    }
    Some(Dictionaries { pages, has_none })
}

/// Adds the values of a dictionary, whose bytes begin at `start` of the file.
///
/// # Errors
/// They make no sense.
pub(super) fn add(
    column: &ColumnChunkMetaData,
    start: u64,
    bytes: Bytes,
    values: &mut BTreeSet<String>,
) -> Result<()> {
    let damaged = || ParquetError::General("a dictionary of a tag makes no sense".to_owned());
    let part = Arc::new(Part { start, bytes });
    let mut pages = SerializedPageReader::new(part, column, 0, None)?;
    let Some(Page::DictionaryPage {
        mut buf,
        num_values,
        ..
    }) = pages.get_next_page()?
    else {
        return Err(damaged());
    };
    for _ in 0..num_values {
        let length = buf.try_get_u32_le().map_err(|_| damaged())?;
        let length = usize::try_from(length).map_err(|_| damaged())?;
        if buf.len() < length {
            return Err(damaged());
        }
        let text = buf.split_to(length);
        let text = std::str::from_utf8(&text).map_err(|_| damaged())?;
        if !values.contains(text) {
            values.insert(text.to_owned());
        }
    }
    Ok(())
}

/// A part of a file that was read.
struct Part {
    start: u64,
    bytes: Bytes,
}

impl Part {
    fn from(&self, start: u64) -> Result<Bytes> {
        let place = start.checked_sub(self.start);
        let place = place.and_then(|place| usize::try_from(place).ok());
        let place = place.filter(|place| *place <= self.bytes.len());
        let place =
            place.ok_or_else(|| ParquetError::EOF(format!("nothing was read at {start}")))?;
        Ok(self.bytes.slice(place..))
    }
}

impl Length for Part {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Part {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let rest = self.from(start)?;
        match rest.len() >= length {
            true => Ok(rest.slice(..length)),
            false => Err(ParquetError::EOF(format!("nothing was read after {start}"))),
        }
    }
}

/// The values of a tag in the cache of footers; absent where dictionaries do not say.
#[derive(Clone, Debug)]
pub(super) struct KnownValues(pub(super) Option<Arc<TagValues>>);

/// The values that a tag has in a file.
#[derive(Debug)]
pub(super) struct TagValues {
    /// The values, in order.
    pub(super) texts: StringArray,
    /// Whether rows lack the tag.
    pub(super) has_none: bool,
}

impl FileMetadata for KnownValues {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn memory_size(&self) -> usize {
        let values = self.0.as_ref();
        let values = values.map_or(0, |values| values.texts.get_array_memory_size());
        size_of::<Self>() + values
    }

    fn extra_info(&self) -> Told<String, String> {
        Told::default()
    }
}
