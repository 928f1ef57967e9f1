//! Files with a bit that is not as it was written.

use std::sync::Arc;

use bytes::Bytes;

use crate::columnar::{BatchBuilder, ColumnKind, FieldType, FieldValue, Segment};
use crate::lake::parquet::{Column, DecodeError, Encoded, How, Layout, ParquetChunks, encode_days};
use crate::merge::TimeRange;
use crate::merge::at_once::Sorted;

use super::support::{Row, rows_of};

/// A file of some rows with a tag and a field of each type.
fn file() -> (Encoded, Arc<Layout>) {
    let mut builder = BatchBuilder::new("m");
    for n in 0..40_i64 {
        let series = builder.series(&[("host", if n % 3 == 0 { "a" } else { "b" })]);
        let f = builder.field_column("f", FieldType::Float);
        let i = builder.field_column("i", FieldType::Integer);
        let s = builder.field_column("s", FieldType::String);
        let text = format!("x{n}");
        let mut cells = vec![
            (i, FieldValue::Integer(n * n)),
            (s, FieldValue::String(&text)),
        ];
        if n % 2 == 0 {
            cells.push((f, FieldValue::Float(0.5)));
        }
        builder.push_row(series, 1_000 * n, &cells);
    }
    let segment = Arc::new(builder.freeze());
    let column = |name: &str, kind| Column {
        storage: name.into(),
        name: name.into(),
        kind,
    };
    let layout = Layout::new(vec![
        column("host", ColumnKind::Tag),
        column("f", ColumnKind::Field(FieldType::Float)),
        column("i", ColumnKind::Field(FieldType::Integer)),
        column("s", ColumnKind::Field(FieldType::String)),
    ]);
    let sorted = Sorted::new(std::slice::from_ref(&segment)).unwrap();
    let (_, encoded) = encode_days(&sorted, &layout).unwrap().remove(0);
    (encoded, Arc::new(layout))
}

fn read(bytes: Vec<u8>, layout: &Arc<Layout>, how: How) -> Result<Vec<Row>, DecodeError> {
    let (file, layout) = (Arc::new(Bytes::from(bytes)), Arc::clone(layout));
    let mut chunks = ParquetChunks::open(file, "x.parquet", "m", layout, TimeRange::ALL, 1 << 20)?;
    let mut rows = Vec::new();
    while let Some(segment) = chunks.next(how)? {
        let segment: &Segment = &segment;
        rows.extend(rows_of(segment));
    }
    Ok(rows)
}

/// A column whose name was flipped in the footer was read as empty, and one that became required as
/// noise: a compaction made that the truth.
#[test]
fn a_flipped_bit_anywhere_in_a_file_is_noticed_or_changes_no_row() {
    let (encoded, layout) = file();
    let whole = read(encoded.bytes.clone(), &layout, How::Whole).unwrap();
    assert_eq!(whole.len(), 40);
    let mut noticed = 0;
    let footer = encoded.bytes.len() / 2;
    for place in 0..encoded.bytes.len() {
        // Footers have no checksum.
        let bits = match place < footer {
            true => vec![place % 8],
            false => vec![0, 1, 4],
        };
        for bit in bits {
            let mut bytes = encoded.bytes.clone();
            bytes[place] ^= 1 << bit;
            match read(bytes, &layout, How::Whole) {
                Ok(rows) => assert!(rows == whole, "bit {bit} of byte {place}"),
                Err(error) => {
                    noticed += 1;
                    let text = error.to_string();
                    assert!(text.contains("x.parquet"), "{text}");
                }
            }
        }
    }
    assert!(noticed > encoded.bytes.len(), "{noticed}");
}

#[test]
fn a_file_that_is_cut_short_or_longer_than_it_was_is_noticed() {
    let (encoded, layout) = file();
    for keep in (0..encoded.bytes.len()).step_by(13) {
        let cut = encoded.bytes[..keep].to_vec();
        for how in [How::Whole, How::Blocks, How::Narrow] {
            let read = read(cut.clone(), &layout, how);
            let error = read.expect_err("it is cut");
            assert!(error.damage().is_some(), "{keep}: {error}");
        }
    }
    let mut longer = encoded.bytes;
    longer.extend(*b"more");
    assert!(read(longer, &layout, How::Whole).is_err());
}
