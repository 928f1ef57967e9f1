//! The plan for reading a file, made from its footer: the columns and their kinds, the row groups, the
//! order of their rows, and the memory that reading them takes.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use super::decode_arrays;
use super::error::DecodeError;
use super::file::{WRITER, physical_type};
use super::layout::{Layout, TIME, TIME_NS};
use super::read::{ReadRange, footer};
use super::window::BLOCK_BYTES;
use crate::certain::Certain;
use crate::columnar::{ColumnKind, FieldType};
use crate::merge::{Tags, TimeRange};
use crate::narrow;

/// The largest number of rows in one of our pages.
const PAGE_ROWS: u64 = 16 << 10;

/// The bytes that the reader of a column takes beside its pages: mostly the state of zstd.
const READER_BYTES: u64 = 96 << 10;

/// The role in which a column of the file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Time,
    /// The column at a place of the layout.
    Column(usize),
}

/// An open file.
pub(super) struct ReadPlan {
    pub(super) metadata: ArrowReaderMetadata,
    pub(super) footer_bytes: usize,
    /// The columns that are read, in the file's order.
    pub(super) roles: Vec<(usize, Role)>,
    pub(super) is_sorted: bool,
}

/// The most memory that reading takes, in bytes, estimated from the footer. Each value includes the
/// footer and two chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// With a row group in memory, packed, and one unpacked page of each column.
    pub whole: u64,
    /// With a block and an unpacked page of each column.
    pub blocks: u64,
    /// For the time of one chunk, with the pages of a few columns.
    pub narrow: u64,
    /// To sort the whole file in memory, if another program wrote it in no order.
    pub sort: u64,
}

impl ReadPlan {
    /// Reads the footer.
    pub(super) fn open(
        file: &dyn ReadRange,
        path: &Arc<str>,
        layout: &Layout,
    ) -> Result<Self, DecodeError> {
        let (metadata, footer_bytes) = footer(file, path)?;
        let is_sorted = says_sorted(&metadata);
        let (metadata, roles) = roles(metadata, layout, path)?;
        Ok(Self {
            metadata,
            footer_bytes,
            roles,
            is_sorted,
        })
    }

    /// The row groups that may have rows in a time range.
    pub(super) fn groups(&self, times: TimeRange) -> impl Iterator<Item = usize> {
        let groups = self.metadata.metadata().row_groups().iter().enumerate();
        let wanted = groups.filter(move |(_, group)| may_have(group, times));
        wanted.map(|(index, _)| index)
    }

    /// The row group with an index that exists.
    pub(super) fn group(
        &self,
        index: usize,
        path: &Arc<str>,
    ) -> Result<&RowGroupMetaData, DecodeError> {
        let group = self.metadata.metadata().row_groups().get(index);
        group.ok_or_else(|| damaged(path, ParquetError::General(format!("no row group {index}"))))
    }

    /// The number of rows that make a chunk of about this many bytes: by the unpacked bytes of each row,
    /// which may be few if values repeat, or by the memory that its values take.
    pub(super) fn rows_of(&self, group: &RowGroupMetaData, layout: &Layout, bytes: u64) -> usize {
        let fixed: u64 = self.roles.iter().map(|(_, role)| role.bytes(layout)).sum();
        let chunks = self.columns_of(group);
        let unpacked: u64 = chunks.map(|chunk| chunk.unpacked).sum();
        let of_row = fixed.max(unpacked / rows_in(group)).max(1);
        narrow::to_usize(bytes / of_row).max(1)
    }

    /// The most that reading one of these row groups takes.
    pub(super) fn needs(&self, groups: impl Iterator<Item = usize>, chunk_bytes: u64) -> Needs {
        let footer = 4 * self.footer_bytes as u64 + 2 * chunk_bytes;
        let mut needs = Needs::default();
        for group in groups {
            let group = self.metadata.metadata().row_groups().get(group);
            let group = group.certain("it is a row group of this file");
            let rows = rows_in(group);
            let (mut packed, mut pages, mut blocks, mut largest) = (0, 0, 0, 0);
            for chunk in self.columns_of(group) {
                // A dictionary is kept for the whole row group, and unpacked.
                let page = (chunk.unpacked / rows + 1) * rows.min(PAGE_ROWS);
                let page = match chunk.has_dictionary {
                    true => 2 * chunk.unpacked,
                    false => page.min(chunk.unpacked),
                };
                let page = page + READER_BYTES;
                pages += page;
                packed += chunk.packed;
                let block = chunk.packed.min(BLOCK_BYTES.max(page));
                blocks += block;
                largest = page.saturating_add(block).max(largest);
                needs.sort += 2 * chunk.unpacked + 24 * rows;
            }
            needs.whole = needs.whole.max(footer + packed + pages);
            needs.blocks = needs.blocks.max(footer + blocks + pages);
            let narrow = (blocks + pages).min(SET_BYTES.max(largest));
            needs.narrow = needs.narrow.max(footer + narrow + chunk_bytes);
        }
        needs
    }

    /// The columns that are read, in sets that are small enough to be read together.
    pub(super) fn sets(&self, group: &RowGroupMetaData) -> Vec<Vec<usize>> {
        let mut sets: Vec<Vec<usize>> = Vec::new();
        let mut bytes = u64::MAX;
        for (chunk, (column, _)) in self.columns_of(group).zip(&self.roles) {
            let of_column = chunk.unpacked + READER_BYTES;
            bytes = bytes.saturating_add(of_column);
            match sets.last_mut() {
                Some(set) if bytes <= SET_BYTES => set.push(*column),
                _ => {
                    bytes = of_column;
                    sets.push(vec![*column]);
                }
            }
        }
        sets
    }

    /// Tags that no row of the row groups from `first` on comes before: the least value of each tag, which
    /// is left out if a row may lack the tag. Nothing if the file is not sorted.
    pub(super) fn lower_bound(&self, first: usize, layout: &Layout) -> Option<Tags> {
        let group = self.metadata.metadata().row_groups().get(first)?;
        let least = self.roles.iter().filter_map(|(index, role)| {
            let Role::Column(place) = role else {
                return None;
            };
            let column = layout.columns().get(*place)?;
            let least = least_tag(group, *index).filter(|_| column.kind == ColumnKind::Tag)?;
            Some((Box::from(&*column.name), Box::from(least)))
        });
        let mut tags: Vec<(Box<str>, Box<str>)> = least.collect();
        tags.sort_unstable();
        self.is_sorted.then(|| tags.into())
    }

    fn columns_of<'a>(&'a self, group: &'a RowGroupMetaData) -> impl Iterator<Item = ColumnBytes> {
        self.roles.iter().map(|(column, _)| {
            let chunk = group.columns().get(*column);
            let bytes = |bytes: Option<i64>| narrow::not_negative(bytes.unwrap_or(0));
            ColumnBytes {
                packed: bytes(chunk.map(|chunk| chunk.compressed_size())),
                unpacked: bytes(chunk.map(|chunk| chunk.uncompressed_size())),
                has_dictionary: chunk.is_some_and(|chunk| chunk.dictionary_page_offset().is_some()),
            }
        })
    }
}

/// The largest number of bytes of columns that are read together in a narrow step, unpacked, in the
/// whole row group, with their readers. A single column may have more.
const SET_BYTES: u64 = 4 << 20;

struct ColumnBytes {
    packed: u64,
    unpacked: u64,
    has_dictionary: bool,
}

impl Role {
    /// Estimates the bytes that a value takes in memory, without its text.
    fn bytes(self, layout: &Layout) -> u64 {
        let Self::Column(place) = self else { return 12 };
        match layout.columns().get(place).map(|column| column.kind) {
            Some(ColumnKind::Tag) => 4,
            Some(ColumnKind::Field(FieldType::Boolean)) => 1,
            Some(ColumnKind::Field(FieldType::String | FieldType::Unsigned)) => 16,
            _ => 8,
        }
    }
}

fn rows_in(group: &RowGroupMetaData) -> u64 {
    narrow::not_negative(group.num_rows()).max(1)
}

/// The least value of a tag in a row group, or a lower bound of it; nothing if a row may lack it.
fn least_tag(group: &RowGroupMetaData, column: usize) -> Option<&str> {
    let statistics = group.columns().get(column)?.statistics()?;
    let is_known = statistics.null_count_opt() == Some(0) && !statistics.is_min_max_deprecated();
    let least = statistics.min_bytes_opt().filter(|_| is_known)?;
    // A bound that is cut within a character is of no use.
    std::str::from_utf8(least).ok()
}

pub(super) fn damaged(path: &Arc<str>, source: ParquetError) -> DecodeError {
    DecodeError::Damaged {
        path: Arc::clone(path),
        source,
    }
}

/// The role of each column, with the types to ask the reader for.
fn roles(
    metadata: ParquetMetaData,
    layout: &Layout,
    path: &Arc<str>,
) -> Result<(ArrowReaderMetadata, Vec<(usize, Role)>), DecodeError> {
    let metadata = Arc::new(metadata);
    // Ignore the Arrow types that a writer has stored in the file.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let load = |options| ArrowReaderMetadata::try_new(Arc::clone(&metadata), options);
    let found = load(options.clone()).map_err(|error| damaged(path, error))?;
    let names = found.schema().fields();
    let time = [TIME_NS, TIME]
        .iter()
        .find_map(|name| names.find(name).map(|(index, _)| index));
    let time = time.ok_or_else(|| DecodeError::NoTime {
        path: Arc::clone(path),
    })?;
    check_columns(&metadata, layout).map_err(|reason| damaged(path, reason))?;
    let mut roles = Vec::new();
    let mut fields: Vec<Field> = Vec::with_capacity(names.len());
    for (index, field) in names.iter().enumerate() {
        let mut field = Field::clone(field);
        if index == time {
            roles.push((index, Role::Time));
        } else if let Some(place) = layout.find_stored(field.name())
            && let Some(column) = layout.columns().get(place)
            && layout.is_read(place)
        {
            let wanted = decode_arrays::type_for(column.kind, field.data_type());
            let wanted = wanted.ok_or_else(|| DecodeError::Type {
                path: Arc::clone(path),
                column: field.name().clone(),
                found: field.data_type().to_string(),
                expected: column.kind.as_str(),
            })?;
            field.set_data_type(wanted);
            roles.push((index, Role::Column(place)));
        }
        fields.push(field);
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let metadata = load(options.with_schema(schema)).map_err(|error| damaged(path, error))?;
    Ok((metadata, roles))
}

/// Checks the columns of a file that tidegate wrote. A footer has no checksum, and a column whose name
/// was damaged would be read as if the file lacked it. So each column must be one of the table's, which
/// never loses one, must have the type that it is written in, and must be required if it is a time, and
/// only then.
fn check_columns(metadata: &ParquetMetaData, layout: &Layout) -> Result<(), ParquetError> {
    let file = metadata.file_metadata();
    let writer = file.created_by();
    if !writer.is_some_and(|writer| writer.starts_with(WRITER)) {
        return Ok(());
    }
    let mut seen = HashSet::new();
    for column in file.schema_descr().columns() {
        let name = column.name();
        let is_time = matches!(name, TIME | TIME_NS);
        let place = layout.find_stored(name);
        let known = place.and_then(|place| layout.columns().get(place));
        let expected = match known {
            None if is_time => Some(PhysicalType::INT64),
            known => known.map(|column| physical_type(column.kind)),
        };
        let is_required = column.max_def_level() == 0 && column.max_rep_level() == 0;
        let is_ours = expected == Some(column.physical_type()) && is_required == is_time;
        if !is_ours || !seen.insert(name) {
            return Err(ParquetError::General(format!(
                "its footer has a column {name:?} that its writer did not make"
            )));
        }
    }
    match seen.contains(TIME_NS) {
        true => Ok(()),
        false => Err(ParquetError::General(format!(
            "its footer has no column {TIME_NS:?}"
        ))),
    }
}

/// Returns whether a row group may have rows in the range.
fn may_have(group: &RowGroupMetaData, times: TimeRange) -> bool {
    let columns = group.columns().iter();
    let time_ns = columns.filter(|column| column.column_path().string() == TIME_NS);
    let statistics = time_ns.filter_map(|column| column.statistics()).next();
    match statistics {
        Some(Statistics::Int64(range)) => match (range.min_opt(), range.max_opt()) {
            (Some(min), Some(max)) => times.meets(*min, *max),
            _ => true,
        },
        _ => true,
    }
}

/// Returns whether the writer marked every row group as sorted, by `time_ns` last.
fn says_sorted(metadata: &ParquetMetaData) -> bool {
    let columns = metadata.file_metadata().schema_descr().columns();
    let time_ns = columns.iter().position(|column| column.name() == TIME_NS);
    metadata.row_groups().iter().all(|group| {
        let last = group.sorting_columns().and_then(|columns| columns.last());
        let place = last.and_then(|column| usize::try_from(column.column_idx).ok());
        place.is_some() && place == time_ns
    })
}
