//! The page index of a file: where the pages of each column lie, how many rows each has, and the range
//! of its values. With it a reader takes the pages that a question needs, and leaves the rest of a
//! file unread.
//!
//! A file has it if one of its columns has several pages. A page index of single pages would repeat
//! what the footer says.

use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{ColumnIndexBuilder, OffsetIndexBuilder};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::page_index::offset_index::OffsetIndexMetaData;

use super::EncodeError;
use super::statistics::Bounds;
use crate::certain::Certain;

/// The reason why numbers fit: a row group is far below 2 GiB.
const SMALL: &str = "a row group has few rows and bytes";

/// A data page, as the index describes it.
#[derive(Debug)]
pub(super) struct PageSpan {
    /// Its start, in bytes from that of its chunk.
    pub(super) start: usize,
    /// Its size in the file, with its header.
    pub(super) bytes: usize,
    pub(super) rows: usize,
    pub(super) nulls: usize,
    pub(super) bounds: Bounds,
}

/// Where the pages lie, from the start of their chunk.
pub(super) fn offsets(pages: &[PageSpan]) -> OffsetIndexMetaData {
    let mut index = OffsetIndexBuilder::new();
    for page in pages {
        index.append_row_count(i64::try_from(page.rows).ok().certain(SMALL));
        let start = i64::try_from(page.start).ok().certain(SMALL);
        index.append_offset_and_size(start, i32::try_from(page.bytes).ok().certain(SMALL));
    }
    index.build()
}

/// The range of each page; nothing if the values of one have no known range.
pub(super) fn ranges(
    column: PhysicalType,
    pages: &[PageSpan],
) -> Result<Option<ColumnIndexMetaData>, EncodeError> {
    let mut index = ColumnIndexBuilder::new(column);
    for page in pages {
        let is_null = page.bounds == Bounds::Empty;
        let (min, max) = match page.bounds.ends() {
            Some(ends) => ends,
            None if is_null => (Vec::new(), Vec::new()),
            None => return Ok(None),
        };
        let nulls = i64::try_from(page.nulls).ok().certain(SMALL);
        index.append(is_null, min, max, nulls);
    }
    Ok(Some(index.build()?))
}
