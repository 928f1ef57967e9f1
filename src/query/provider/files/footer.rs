//! The footer of a file, with the types in which its columns are read.
//!
//! Parquet's reader takes them from the place where other writers put them: the schema of Arrow among
//! the footer's own texts. So a time is read, pruned and compared as exact nanoseconds from the start,
//! and tags keep the dictionaries that they have in the file.

use std::collections::HashSet;
use std::iter::once;
use std::ops::{Range, RangeInclusive};

use arrow_schema::Schema;
use datafusion::parquet::arrow::{
    ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema,
};
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::{
    FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataBuilder,
};
use datafusion::parquet::file::page_index::column_index::ColumnIndexMetaData;

use super::adapter::Adapt;
use crate::database::ParquetFile;

/// Checks the names of the columns.
///
/// # Errors
/// There is one that the file's writer did not make.
pub(super) fn check(footer: &ParquetMetaData, file: &dyn ParquetFile) -> Result<()> {
    let said = footer.file_metadata();
    let mut columns = said.schema_descr().columns().iter();
    let mut seen = HashSet::new();
    let other = columns.find(|column| {
        !file.may_have(said.created_by(), column.name()) || !seen.insert(column.name())
    });
    match other {
        None => Ok(()),
        Some(column) => Err(ParquetError::General(format!(
            "its footer has a column {:?} that its writer did not make",
            column.name()
        ))),
    }
}

/// The footer of a file of the table that `adapt` is for.
pub(super) fn with_types(footer: ParquetMetaData, adapt: &Adapt) -> Result<ParquetMetaData> {
    let said = footer.file_metadata();
    let schema = parquet_to_arrow_schema(said.schema_descr(), None)?;
    let fields = schema.fields().iter().map(|field| {
        let field = field.as_ref().clone();
        match adapt.read_as(field.name()) {
            Some(data_type) => field.with_data_type(data_type.clone()),
            None => field,
        }
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    let types = KeyValue::new(
        ARROW_SCHEMA_META_KEY.to_owned(),
        Some(encode_arrow_schema(&schema)),
    );
    let said = FileMetaData::new(
        said.version(),
        said.num_rows(),
        said.created_by().map(str::to_owned),
        Some(vec![types]),
        said.schema_descr_ptr(),
        said.column_orders().cloned(),
    );
    let groups: Vec<_> = footer.row_groups().to_vec();
    let (columns, offsets) = (
        footer.column_index().cloned(),
        footer.offset_index().cloned(),
    );
    let footer = ParquetMetaDataBuilder::new(said)
        .set_row_groups(groups)
        .set_column_index(columns)
        .set_offset_index(offsets);
    Ok(footer.build())
}

/// Returns true if the file's writer is known: of others it cannot be said which columns they make, and
/// no column has an empty name.
pub(super) fn is_of_known_writer(footer: &ParquetMetaData, file: &dyn ParquetFile) -> bool {
    !file.may_have(footer.file_metadata().created_by(), "")
}

/// Returns true if a file says of each row group that it is sorted, by the column at this place last.
/// So each series of a group is one run of rows, whose times ascend.
pub(super) fn is_sorted_by(footer: &ParquetMetaData, leaf: usize) -> bool {
    footer.row_groups().iter().all(|group| {
        let last = group.sorting_columns().and_then(|columns| columns.last());
        let place = last.filter(|last| !last.descending);
        place.and_then(|place| usize::try_from(place.column_idx).ok()) == Some(leaf)
    })
}

/// Returns true if every row of a file is known to have a value in the column at this place.
pub(super) fn is_everywhere(footer: &ParquetMetaData, leaf: usize) -> bool {
    footer.row_groups().iter().all(|group| {
        let column = group.columns().get(leaf);
        let statistics = column.and_then(|column| column.statistics());
        statistics.and_then(|statistics| statistics.null_count_opt()) == Some(0)
    })
}

/// The rows of pages that may have a time of these (nanoseconds, both ends included), in order: all rows
/// where the file has no index of its pages.
pub(super) fn rows_within(
    footer: &ParquetMetaData,
    leaf: usize,
    times: &RangeInclusive<i64>,
) -> Vec<Range<usize>> {
    let mut rows: Vec<Range<usize>> = Vec::new();
    for (group, end) in group_ends(footer).into_iter().enumerate() {
        let start = rows_before(footer, group, end);
        for page in
            pages(footer, group, leaf, times).unwrap_or_else(|| once(0..end - start).collect())
        {
            let page = start + page.start..start + page.end;
            match rows.last_mut() {
                Some(last) if last.end == page.start => last.end = page.end,
                _ => rows.push(page),
            }
        }
    }
    rows
}

/// The rows before a group that ends with this row.
fn rows_before(footer: &ParquetMetaData, group: usize, end: usize) -> usize {
    let rows = footer.row_groups().get(group).map(|group| group.num_rows());
    let rows = rows.and_then(|rows| usize::try_from(rows).ok());
    end - rows.unwrap_or(end).min(end)
}

/// The rows of a group's pages that may have one of the times, from the start of the group; none if it
/// has no index of them.
fn pages(
    footer: &ParquetMetaData,
    group: usize,
    leaf: usize,
    times: &RangeInclusive<i64>,
) -> Option<Vec<Range<usize>>> {
    let ColumnIndexMetaData::INT64(index) = footer.column_index()?.get(group)?.get(leaf)? else {
        return None;
    };
    let places = footer.offset_index()?.get(group)?.get(leaf)?;
    let starts = places
        .page_locations()
        .iter()
        .map(|page| page.first_row_index);
    let all = footer.row_groups().get(group)?.num_rows();
    let bounds = starts.chain([all]).map(|row| usize::try_from(row).ok());
    let bounds: Vec<usize> = bounds.collect::<Option<_>>()?;
    let ends = bounds.iter().skip(1);
    let mut rows = Vec::new();
    for (place, (start, end)) in bounds.iter().zip(ends).enumerate() {
        let (least, largest) = (
            index.min_values().get(place)?,
            index.max_values().get(place)?,
        );
        let is_met = index.is_null_page(place) || least <= times.end() && largest >= times.start();
        if is_met {
            rows.push(*start..*end);
        }
    }
    Some(rows)
}

/// Rows of a row group.
pub(super) struct OfGroup {
    /// The place of the group.
    pub(super) group: usize,
    /// The number of its rows.
    pub(super) all: usize,
    /// Those that are meant, from the start of the group, ascending.
    pub(super) rows: Vec<Range<usize>>,
}

/// These rows of a file, which ascend, by the row groups that have them.
pub(super) fn by_group(footer: &ParquetMetaData, rows: &[Range<usize>]) -> Vec<OfGroup> {
    let ends = group_ends(footer);
    let starts = once(0).chain(ends.iter().copied());
    let groups = starts.zip(&ends).enumerate().map(|(group, (start, end))| {
        let first = rows.partition_point(|range| range.end <= start);
        let met = rows
            .iter()
            .skip(first)
            .take_while(|range| range.start < *end);
        let rows = met.map(|range| range.start.max(start) - start..range.end.min(*end) - start);
        OfGroup {
            group,
            all: end - start,
            rows: rows.collect(),
        }
    });
    groups.filter(|group| !group.rows.is_empty()).collect()
}

/// The ends of the row groups of a file: the number of rows up to each.
pub(super) fn group_ends(footer: &ParquetMetaData) -> Vec<usize> {
    let groups = footer.row_groups().iter().scan(0, |rows, group| {
        *rows += usize::try_from(group.num_rows()).ok()?;
        Some(*rows)
    });
    groups.collect()
}
