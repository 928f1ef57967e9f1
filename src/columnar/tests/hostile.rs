//! Bytes that no encoder wrote: an error or a batch that holds together, never a panic.

use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use super::codec::encoded;
use super::model::{batch_of, builder_of, rows, rows_of, rows_of_segment};
use crate::columnar::{Batch, BatchBuilder, DecodeError, ROWS_MAX};

/// Whatever decodes must be usable in every way.
fn exercise(bytes: &[u8]) -> Result<(), DecodeError> {
    let batch = Batch::decode(&mut &*bytes)?;
    if batch.rows() > 1000 {
        return Ok(());
    }
    let rows = rows_of(&batch);
    let mut again = encoded(&batch);
    let copy = Batch::decode(&mut again.as_slice()).expect("a batch encodes");
    assert_eq!(rows_of(&copy), rows);
    assert_eq!(rows_of(&batch.retain(&vec![true; rows.len()])), rows);
    let mut builder = BatchBuilder::new(batch.measurement());
    builder.append(&batch);
    builder.append(&batch);
    assert!(builder.heap_bytes() <= 2 * batch.append_bytes_max());
    assert_eq!(rows_of(builder.batch()), [rows.clone(), rows].concat());
    builder.freeze().record_batch().expect("arrow agrees");
    again.clear();
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_an_error_or_a_consistent_batch(bytes in vec(any::<u8>(), 0..300)) {
        let _outcome = exercise(&bytes);
    }

    #[test]
    fn any_bytes_behind_a_valid_start_are_an_error_or_a_consistent_batch(
        rows in 1..6_u8, counts in 0..0x33_u8, bytes in vec(0..12_u8, 0..80),
    ) {
        let _outcome = exercise(&[&[1, b'm', rows, counts], bytes.as_slice()].concat());
    }

    #[test]
    fn a_changed_batch_is_an_error_or_a_consistent_batch(
        rows in rows(12), changes in vec((any::<u16>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = encoded(&batch_of(&rows));
        for (at, byte) in changes {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        let _outcome = exercise(&bytes);
    }

    #[test]
    fn a_batch_with_a_piece_cut_out_is_an_error_or_a_consistent_batch(
        rows in rows(12), at in any::<u16>(), length in 1..9_usize,
    ) {
        let mut bytes = encoded(&batch_of(&rows));
        let at = usize::from(at) % bytes.len();
        bytes.drain(at..bytes.len().min(at + length));
        let _outcome = exercise(&bytes);
    }

    #[test]
    fn a_decoded_batch_equals_its_rows_in_a_segment(rows in rows(12)) {
        let batch = Batch::decode(&mut encoded(&batch_of(&rows)).as_slice()).expect("valid");
        prop_assert!(batch.heap_bytes() <= batch.append_bytes_max());
        prop_assert_eq!(rows_of_segment(&batch.freeze()), rows.clone());
        prop_assert_eq!(rows_of_segment(&builder_of(&rows).freeze()), rows);
    }
}

#[test]
fn every_single_bit_flip_is_an_error_or_a_consistent_batch() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for most in [2, 3, 6, 10] {
        let rows = rows(most).new_tree(&mut runner).expect("a value").current();
        let bytes = encoded(&batch_of(&rows));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _outcome = exercise(&flipped);
        }
    }
}

fn varint(value: usize) -> Vec<u8> {
    let (mut value, mut out) = (value, Vec::new());
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
    out
}

/// `rows` rows of one time and series, then `fields` columns of one repeated float each: a few
/// bytes a column, however many rows.
fn bomb(rows: usize, fields: usize) -> Vec<u8> {
    let mut bytes = [b"\x01m".as_slice(), &varint(rows), &[0x0f]].concat();
    bytes.extend(varint(fields - 15));
    // One shape without tags, one series, times and series of rows all zero.
    bytes.extend([1, 0, 1, 0, 0, 0, 0]);
    for field in 0..fields {
        bytes.extend([
            2,
            u8::try_from(field / 200).unwrap() + 1,
            u8::try_from(field % 200).unwrap(),
        ]);
        let name = bytes.len() - 1;
        bytes[name] = bytes[name] % 100 + 1;
        let high = bytes.len() - 2;
        bytes[high] = bytes[high] * 2 + u8::from(field % 200 >= 100);
        bytes.extend([0, 0, 0]);
    }
    bytes
}

#[test]
fn a_few_bytes_cannot_ask_for_much_memory() {
    assert!(exercise(&bomb(500, 40)).is_ok(), "the bomb is well-formed");
    let refused = Err(DecodeError::TooLarge("values of a field"));
    assert_eq!(Batch::decode(&mut bomb(ROWS_MAX, 40).as_slice()), refused);
    let refused = Err(DecodeError::TooLarge("rows"));
    assert_eq!(
        Batch::decode(&mut bomb(ROWS_MAX + 1, 40).as_slice()),
        refused
    );
}

#[test]
fn each_broken_rule_is_named() {
    use DecodeError::{Disorder, NotUtf8, OutOfRange, TooLarge, Truncated, UnknownCode};
    let field = [1, b'f', 0x01, 0, 0].as_slice();
    // Two rows, one tag `t` with the value `a`.
    let tag = [1, b'm', 2, 0x11, 1, b't', 1, 0, 1, b'a'].as_slice();
    // One shape of that tag, one series; time 0, series 0 in both rows.
    let series = [1, 1, 0, 1, 0, 0, 0, 0, 0, 0].as_slice();
    let table = |parts: &[&[u8]]| Batch::decode(&mut parts.concat().as_slice());
    assert!(table(&[tag, series, field]).is_ok());
    let no_tags = [1, b'm', 2, 0x02, 1, 0, 1, 0, 0, 0, 0].as_slice();
    let cases: [(&[&[u8]], DecodeError); 22] = [
        (&[&[]], Truncated("the measurement")),
        (&[&[1, 0xff, 0]], NotUtf8),
        (&[&[9, b'm']], TooLarge("the measurement")),
        (&[&[1, b'm', 1, 0xf0, 9]], TooLarge("tags")),
        (&[&[1, b'm', 1, 0x12, 0]], Truncated("fields")),
        (
            &[&[1, b'm', 2, 0x20, 1, b't', 0, 0, 0, 1, b't', 0, 0, 0]],
            Disorder("a tag key"),
        ),
        (&[tag, &[1, 1, 1]], OutOfRange("tags of a shape")),
        (&[tag, &[1, 2, 0, 0]], Disorder("tags of a shape")),
        (&[tag, &[0, 1]], TooLarge("series")),
        (&[tag, &[1, 1, 0, 1, 0, 1]], OutOfRange("tags of series")),
        (
            &[tag, &[1, 1, 0, 1, 0, 0, 0, 0, 0, 1]],
            OutOfRange("series of rows"),
        ),
        (&[tag, &[1, 1, 0, 1, 0, 0, 0x05]], UnknownCode("times")),
        (&[tag, &[1, 1, 0, 1, 0, 0, 0xf0]], UnknownCode("times")),
        (&[tag, &[1, 1, 0, 1, 4, 0]], Truncated("tags of series")),
        (
            &[tag, &[1, 1, 0, 1, 0x10, 0]],
            UnknownCode("tags of series"),
        ),
        (
            &[tag, series, &[1, b'f', 0x05]],
            UnknownCode("a field's type"),
        ),
        (&[no_tags, field, field], Disorder("a field")),
        (
            &[no_tags, &[1, b'f', 0x11, 2, 0, 1, 0, 1, 0, 0]],
            Disorder("rows of a field"),
        ),
        (
            &[no_tags, &[1, b'f', 0x11, 1, 0, 3, 0, 0]],
            TooLarge("rows of a field"),
        ),
        (
            &[no_tags, &[1, b'f', 0x04, 1, 0, 1, 2, 0xc3, 0xa4, 0]],
            NotUtf8,
        ),
        (
            &[&[1, b'm', 1, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'f', 0x90]],
            UnknownCode("the value of a field"),
        ),
        (
            &[&[1, b'm', 1, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 1, b'f', 0x23]],
            UnknownCode("the value of a field"),
        ),
    ];
    for (number, (parts, expected)) in cases.into_iter().enumerate() {
        assert_eq!(table(parts).expect_err("broken"), expected, "case {number}");
        assert!(!expected.to_string().is_empty());
    }
}
