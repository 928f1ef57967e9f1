//! Whole files from row groups: the schema, the footer, and the statistics for a Delta table's log.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{
    Compression, Encoding, LogicalType, PageType, Repetition, TimeUnit, Type as PhysicalType,
    ZstdLevel,
};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageEncodingStats, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnDescPtr, Type, TypePtr};

use super::EncodeError;
use super::chunk::{Chunk, ChunkEncoder};
use super::keys::KeyRange;
use super::layout::{Layout, TIME, TIME_NS};
use super::page_index;
use super::row_group::RowGroup;
use super::summary::Summary;
use crate::certain::Certain;
use crate::columnar::{ColumnKind, FieldType};
use crate::merge::at_once::TooManyRows;
use crate::narrow;

/// The start of the footer's name for the writing program, in our files.
pub const WRITER: &str = "tidegate version ";

/// A file, with its statistics for the log of its table.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The number of rows.
    pub rows: u64,
    /// The first time, in nanoseconds since the epoch.
    pub time_ns_min: i64,
    /// The last time.
    pub time_ns_max: i64,
    /// The first and the last row.
    pub keys: KeyRange,
    /// `numRecords`, `minValues`, `maxValues` and `nullCount` as a Delta `add` carries them.
    pub stats: String,
}

/// Makes a file of at least one row group.
///
/// A column without a value in the whole file is left out of it: readers of a Delta table read a
/// column that a file lacks as null, as they must with every file that is older than a column.
pub(super) fn assemble(
    layout: &Layout,
    groups: Vec<RowGroup>,
    keys: KeyRange,
    encoder: &mut ChunkEncoder,
) -> Result<Encoded, EncodeError> {
    let places = 0..layout.columns().len();
    let has_values = |place: &usize| groups.iter().any(|group| group.column(*place).is_some());
    let used: Vec<usize> = places.filter(has_values).collect();
    let summary = Summary::of(layout, &groups);
    let schema = schema(layout, &used)?;
    let properties = Arc::new(properties(layout, &used)?);
    let chunks = groups.iter().flat_map(RowGroup::chunks);
    let is_indexed = chunks.into_iter().any(|chunk| chunk.pages.len() > 1);
    // All parts of a file but its columns are small: the buffer is not copied while it grows.
    let bytes: u64 = groups.iter().map(RowGroup::bytes).sum();
    let file = Vec::with_capacity(narrow::to_usize(bytes + bytes / 64 + 4096));
    let mut file = SerializedFileWriter::new(file, schema, properties)?;
    for mut group in groups {
        let columns = file.schema_descr().columns().to_vec();
        let mut columns = columns.into_iter();
        let mut writer = file.next_row_group()?;
        for chunk in [&group.time, &group.time_ns] {
            append(&mut writer, columns.next(), chunk, is_indexed)?;
        }
        // A chunk is dropped as soon as it is in the file.
        for place in &used {
            match group.columns.remove(place) {
                Some(chunk) => append(&mut writer, columns.next(), &chunk, is_indexed)?,
                None => {
                    let nulls = encoder.nulls(group.rows)?;
                    append(&mut writer, columns.next(), &nulls, is_indexed)?;
                }
            }
        }
        writer.close()?;
    }
    Ok(Encoded {
        bytes: file.into_inner()?,
        rows: summary.rows,
        time_ns_min: summary.time_ns.0,
        time_ns_max: summary.time_ns.1,
        keys,
        stats: summary.json,
    })
}

fn properties(layout: &Layout, used: &[usize]) -> Result<WriterProperties, EncodeError> {
    let tags = layout.tags_by_name();
    let position = |place: &usize| used.iter().position(|used| used == place);
    // The two times stand before all other columns; rows are sorted by the exact one.
    let tags = tags
        .iter()
        .filter_map(position)
        .map(|position| position + 2);
    let sorting = tags.chain([1]).map(|column| {
        Ok(SortingColumn {
            column_idx: i32::try_from(column).map_err(|_| EncodeError::TooManyColumns)?,
            descending: false,
            nulls_first: true,
        })
    });
    let sorting = sorting.collect::<Result<Vec<_>, EncodeError>>()?;
    Ok(WriterProperties::builder()
        .set_created_by(format!("{WRITER}{}", env!("CARGO_PKG_VERSION")))
        .set_sorting_columns(Some(sorting))
        .set_statistics_enabled(EnabledStatistics::Page)
        .build())
}

fn schema(layout: &Layout, used: &[usize]) -> Result<TypePtr, ParquetError> {
    let timestamp = LogicalType::timestamp(true, TimeUnit::MICROS);
    let time = Type::primitive_type_builder(TIME, PhysicalType::INT64)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(timestamp))
        .build()?;
    let time_ns = Type::primitive_type_builder(TIME_NS, PhysicalType::INT64)
        .with_repetition(Repetition::REQUIRED)
        .build()?;
    let mut fields = vec![Arc::new(time), Arc::new(time_ns)];
    for column in used.iter().map(|place| {
        layout
            .columns()
            .get(*place)
            .certain("it is a place of the layout")
    }) {
        fields.push(Arc::new(column_type(&column.storage, column.kind)?));
    }
    let schema = Type::group_type_builder("schema").with_fields(fields);
    schema.build().map(Arc::new)
}

/// The physical type of a column of this kind.
pub(super) fn physical_type(kind: ColumnKind) -> PhysicalType {
    match kind {
        ColumnKind::Tag | ColumnKind::Field(FieldType::String) => PhysicalType::BYTE_ARRAY,
        ColumnKind::Field(FieldType::Float) => PhysicalType::DOUBLE,
        ColumnKind::Field(FieldType::Integer) => PhysicalType::INT64,
        ColumnKind::Field(FieldType::Boolean) => PhysicalType::BOOLEAN,
        ColumnKind::Field(FieldType::Unsigned) => PhysicalType::FIXED_LEN_BYTE_ARRAY,
    }
}

fn column_type(name: &str, kind: ColumnKind) -> Result<Type, ParquetError> {
    let physical = physical_type(kind);
    let column = Type::primitive_type_builder(name, physical).with_repetition(Repetition::OPTIONAL);
    match kind {
        ColumnKind::Tag | ColumnKind::Field(FieldType::String) => {
            column.with_logical_type(Some(LogicalType::String)).build()
        }
        ColumnKind::Field(FieldType::Unsigned) => column
            .with_length(9)
            .with_precision(20)
            .with_scale(0)
            .with_logical_type(Some(LogicalType::decimal(0, 20)))
            .build(),
        ColumnKind::Field(_) => column.build(),
    }
}

fn append(
    writer: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: Option<ColumnDescPtr>,
    chunk: &Chunk,
    is_indexed: bool,
) -> Result<(), EncodeError> {
    let column = column.ok_or(EncodeError::TooManyColumns)?;
    let rows = chunk.pages.iter().map(|page| page.rows).sum();
    let column_index = match is_indexed {
        true => page_index::ranges(column.physical_type(), &chunk.pages)?,
        false => None,
    };
    let bytes: Bytes = chunk.bytes.clone();
    writer.append_column(
        &bytes,
        ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata: metadata(column, chunk, rows)?,
            bloom_filter: None,
            column_index,
            offset_index: is_indexed.then(|| page_index::offsets(&chunk.pages)),
        },
    )?;
    Ok(())
}

fn metadata(
    column: ColumnDescPtr,
    chunk: &Chunk,
    rows: usize,
) -> Result<ColumnChunkMetaData, EncodeError> {
    let number = |count: usize| i64::try_from(count).map_err(|_| TooManyRows { rows });
    let mut encodings = vec![Encoding::RLE, chunk.encoding];
    let mut pages = vec![PageEncodingStats {
        page_type: PageType::DATA_PAGE,
        encoding: chunk.encoding,
        count: narrow::id(chunk.pages.len()).cast_signed(),
    }];
    if chunk.dictionary_bytes.is_some() {
        encodings.push(Encoding::PLAIN);
        pages.push(PageEncodingStats {
            page_type: PageType::DICTIONARY_PAGE,
            encoding: Encoding::PLAIN,
            count: 1,
        });
    }
    let metadata = ColumnChunkMetaData::builder(column)
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_encodings(encodings)
        .set_page_encoding_stats(pages)
        .set_num_values(number(rows)?)
        .set_total_compressed_size(number(chunk.bytes.len())?)
        .set_total_uncompressed_size(number(chunk.uncompressed_bytes)?)
        .set_dictionary_page_offset(chunk.dictionary_bytes.map(|_| 0))
        .set_data_page_offset(number(chunk.dictionary_bytes.unwrap_or(0))?);
    let metadata = match chunk.bounds.statistics(chunk.nulls as u64) {
        Some(statistics) => metadata.set_statistics(statistics),
        None => metadata,
    };
    Ok(metadata.build()?)
}
