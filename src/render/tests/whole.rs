//! Long answers: in bounded pieces, and whole.

use std::sync::Arc;

use arrow_array::{Array, Int64Array, RecordBatch, StringArray};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{FORMATS, Format, batch, kinds, pieces, text};
use crate::render::slices;

fn file(batches: &[RecordBatch]) -> Bytes {
    pieces(Format::Parquet, &batches[0].schema(), batches)
        .concat()
        .into()
}

fn read(file: Bytes) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a file");
    let reader = reader.build().expect("readable");
    reader.map(|rows| rows.expect("rows")).collect()
}

#[test]
fn a_parquet_file_gives_the_rows_back_and_their_types() {
    assert_eq!(read(file(&[kinds()])), [kinds()]);
    let none = file(&[kinds().slice(0, 0)]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(none).expect("a file");
    assert_eq!(reader.schema().fields(), kinds().schema().fields());
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

/// Values that no encoding makes small.
fn noise(start: i64, rows: i64) -> RecordBatch {
    let scattered = (start..start + rows).map(|n| n.wrapping_mul(-7_046_029_254_386_353_131));
    batch(vec![
        (
            "a",
            Arc::new(Int64Array::from_iter_values(scattered.clone())),
        ),
        (
            "b",
            Arc::new(Int64Array::from_iter_values(scattered.map(|n| !n))),
        ),
    ])
}

#[test]
fn pieces_are_bounded_in_every_format() {
    let batches: Vec<_> = (0..20).map(|n| noise(n * 50_000, 50_000)).collect();
    for format in FORMATS {
        let pieces = pieces(format, &batches[0].schema(), &batches);
        let longest = pieces.iter().map(Vec::len).max().expect("pieces");
        let total: usize = pieces.iter().map(Vec::len).sum();
        assert!(total > 8 << 20, "{format:?}: {total}");
        assert!(longest < 8 << 20, "{format:?}: {longest}");
    }
    let rows: usize = read(file(&batches)).iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 20 * 50_000);
}

#[test]
fn slices_are_small_and_lose_nothing() {
    let long = "x".repeat(40_000);
    let long = batch(vec![(
        "s",
        Arc::new(StringArray::from_iter_values((0..30).map(|_| &long))),
    )]);
    assert_eq!(
        slices(&long)
            .map(|slice| slice.num_rows())
            .collect::<Vec<_>>(),
        [1; 30]
    );
    // The rest of the batch, which a part of it shares, does not count.
    assert_eq!(slices(&long.slice(3, 1)).count(), 1);
    let many = noise(0, 10_000);
    let parts: Vec<RecordBatch> = slices(&many).collect();
    assert!(parts.len() > 1 && parts.len() < 10, "{}", parts.len());
    let first = parts.iter().map(|part| part.column(0).len());
    assert_eq!(first.sum::<usize>(), 10_000);
    assert_eq!(slices(&many.slice(0, 0)).count(), 0);
    assert_eq!(text(Format::Lines, &[many]).lines().count(), 10_000);
}
