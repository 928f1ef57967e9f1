use std::io;
use std::ops::Range;
use std::slice;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use datafusion::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowSelection};
use datafusion::parquet::arrow::{ArrowWriter, ProjectionMask, parquet_to_arrow_field_levels};
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::metadata::{
    PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader,
};
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};

use super::{PackedGroup, Places, unpacked};
use crate::provider::files::footer::by_group;

const ROWS: usize = 2500;
const GROUP_ROWS: usize = 1000;

/// A value of each row; every seventh row has none.
fn value(row: usize) -> Option<i64> {
    (!row.is_multiple_of(7)).then(|| i64::try_from(row * row).expect("few rows"))
}

fn text(row: usize) -> String {
    format!("text {}", row % 13)
}

/// Three row groups, in pages of 100 rows.
fn file(compression: Compression, version: WriterVersion, has_index: bool) -> Bytes {
    let values: ArrayRef = Arc::new((0..ROWS).map(value).collect::<Int64Array>());
    let texts = Arc::new(StringArray::from_iter_values((0..ROWS).map(text)));
    let columns = [("value", values), ("text", texts as ArrayRef)];
    let batch = RecordBatch::try_from_iter(columns).expect("equal lengths");
    // Statistics of pages would bring their places with them.
    let properties = WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_dictionary_enabled("value".into(), false)
        .set_compression(compression)
        .set_writer_version(version)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(100)
        .set_offset_index_disabled(!has_index)
        .build();
    let mut file = Vec::new();
    let writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties));
    let mut writer = writer.expect("begun");
    writer.write(&batch).expect("written");
    writer.close().expect("ended");
    file.into()
}

fn footer(file: &Bytes) -> Arc<ParquetMetaData> {
    let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional);
    Arc::new(reader.parse_and_finish(file).expect("a footer"))
}

/// What is read of these rows, and the number of bytes that it takes.
fn read(file: &Bytes, rows: &[Range<usize>]) -> (Vec<(Option<i64>, String)>, u64) {
    let footer = footer(file);
    let schema = footer.file_metadata().schema_descr();
    let levels = parquet_to_arrow_field_levels(schema, ProjectionMask::all(), None);
    let levels = levels.expect("columns");
    let (mut found, mut bytes) = (Vec::new(), 0);
    for group in by_group(&footer, rows) {
        let selection = RowSelection::from_consecutive_ranges(group.rows.into_iter(), group.all);
        let places = Places::of(&footer, group.group, &[0, 1], &selection).expect("there");
        let parts = places.ranges.iter().map(|range| {
            bytes += range.end - range.start;
            let at = |place: u64| usize::try_from(place).expect("a small file");
            file.slice(at(range.start)..at(range.end))
        });
        let parts = parts.collect();
        let packed = PackedGroup::new(Arc::clone(&footer), group.group, places, parts);
        let packed = packed.expect("there");
        let batches = ParquetRecordBatchReader::try_new_with_row_groups(
            &levels,
            &packed,
            64,
            Some(selection),
        );
        for batch in batches.expect("begun") {
            let batch = batch.expect("read");
            let values = batch.column(0).as_primitive::<Int64Type>().iter();
            let texts = batch.column(1).as_string::<i32>().iter();
            found.extend(values.zip(texts.map(|text| text.expect("a text").to_owned())));
        }
    }
    (found, bytes)
}

#[test]
fn chosen_rows_have_their_values_however_the_file_was_written() {
    let alternate = |range: Range<usize>| range.step_by(2).map(|row| row..row + 1);
    // The last one has so many parts that rows between them may be unpacked.
    let choices: [(Vec<Range<usize>>, bool); 4] = [
        (vec![5..17, 990..1010, 2499..2500], true),
        (vec![1250..1251, 1399..1402], true),
        (std::iter::once(0..ROWS).collect(), false),
        (alternate(0..50).chain(alternate(900..950)).collect(), false),
    ];
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for compression in [zstd, Compression::UNCOMPRESSED] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for has_index in [true, false] {
                let file = file(compression, version, has_index);
                for (rows, is_sparse) in &choices {
                    let what = format!("{compression} {version:?} {has_index} {rows:?}");
                    let expected = rows.iter().cloned().flatten();
                    let expected: Vec<_> = expected.map(|row| (value(row), text(row))).collect();
                    let (found, bytes) = read(&file, rows);
                    assert_eq!(found, expected, "{what}");
                    let is_part = bytes < file.len() as u64 / 2;
                    assert!(
                        is_part || !(*is_sparse && has_index),
                        "{what}: {bytes} bytes"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_side_by_side_in_a_file_is_read_at_once() {
    let file = file(Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0, true);
    let footer = footer(&file);
    let ranges = |rows: &[Range<usize>]| {
        let rows = rows.iter().cloned();
        let selection = RowSelection::from_consecutive_ranges(rows, GROUP_ROWS);
        let places = Places::of(&footer, 0, &[0, 1], &selection).expect("there");
        (places.ranges.len(), places.counts)
    };
    // The texts have a dictionary before their pages.
    assert_eq!(ranges(slice::from_ref(&(5..17))), (2, vec![(0, 1), (1, 1)]));
    assert_eq!(
        ranges(slice::from_ref(&(95..105))),
        (2, vec![(0, 1), (1, 1)])
    );
    assert_eq!(
        ranges(slice::from_ref(&(205..217))),
        (3, vec![(0, 1), (1, 2)])
    );
    assert_eq!(ranges(&[5..17, 205..317]), (4, vec![(0, 2), (1, 2)]));
}

#[test]
fn a_page_is_unpacked_whatever_its_frames_say_and_refused_if_it_makes_no_sense() {
    let plain: Vec<u8> = (0..10_000_u32)
        .flat_map(|n| (n / 9).to_le_bytes())
        .collect();
    let (start, end) = plain.split_at(999);
    let with_size = |bytes: &[u8]| zstd::bulk::compress(bytes, 1).expect("packed");
    let without = zstd::stream::encode_all(io::Cursor::new(&plain), 1).expect("packed");
    let two = [with_size(start), with_size(end)].concat();
    for (packed, what) in [
        (with_size(&plain), "a size"),
        (without, "no size"),
        (two, "two"),
    ] {
        let levels = 3;
        let page = Bytes::from([&b"abc"[..], &packed].concat());
        let whole = unpacked(&page, levels, plain.len()).expect(what);
        assert_eq!(whole, [&b"abc"[..], &plain].concat(), "{what}");
        assert!(
            unpacked(&page, levels, plain.len() - 1).is_err(),
            "{what}: too long"
        );
        assert!(
            unpacked(&page, levels - 1, plain.len()).is_err(),
            "{what}: no frame"
        );
        let cut = page.slice(..page.len() - 1);
        assert!(unpacked(&cut, levels, plain.len()).is_err(), "{what}: cut");
    }
    // A thread that met a damaged page unpacks the next one.
    let page = with_size(&plain).into();
    assert_eq!(unpacked(&page, 0, plain.len()).expect("whole"), plain);
    let levels = Bytes::from_static(b"abc");
    assert_eq!(unpacked(&levels, 3, 0).expect("no values"), levels);
    assert!(unpacked(&levels, 4, 0).is_err());
}
