//! A plain reader of MessagePack, to JSON.

use serde_json::{Map, Value, json};

/// Reads one value from the front of the bytes; a time is `{"second": …, "nanosecond": …}`.
pub(super) fn unpack(bytes: &mut &[u8]) -> Value {
    let header = take::<1>(bytes)[0];
    match header {
        0x00..=0x7f => json!(header),
        0x80..=0x8f => map(usize::from(header & 0x0f), bytes),
        0x90..=0x9f => list(usize::from(header & 0x0f), bytes),
        0xa0..=0xbf => text(usize::from(header & 0x1f), bytes),
        0xc0 => Value::Null,
        0xc2 => Value::Bool(false),
        0xc3 => Value::Bool(true),
        0xc7 => time(bytes),
        0xcb => json!(f64::from_be_bytes(take(bytes))),
        0xcc => json!(take::<1>(bytes)[0]),
        0xcd => json!(u16::from_be_bytes(take(bytes))),
        0xce => json!(u32::from_be_bytes(take(bytes))),
        0xcf => json!(u64::from_be_bytes(take(bytes))),
        0xd0 => json!(i8::from_be_bytes(take(bytes))),
        0xd1 => json!(i16::from_be_bytes(take(bytes))),
        0xd2 => json!(i32::from_be_bytes(take(bytes))),
        0xd3 => json!(i64::from_be_bytes(take(bytes))),
        0xd9 => text(usize::from(take::<1>(bytes)[0]), bytes),
        0xda => text(usize::from(u16::from_be_bytes(take(bytes))), bytes),
        0xdc => list(usize::from(u16::from_be_bytes(take(bytes))), bytes),
        0xdd => list(u32::from_be_bytes(take(bytes)).try_into().unwrap(), bytes),
        0xde => map(usize::from(u16::from_be_bytes(take(bytes))), bytes),
        0xe0..=0xff => json!(i8::from_be_bytes([header])),
        other => panic!("no header: {other:x}"),
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let (taken, rest) = bytes.split_at(N);
    *bytes = rest;
    taken.try_into().unwrap()
}

fn text(length: usize, bytes: &mut &[u8]) -> Value {
    let (taken, rest) = bytes.split_at(length);
    *bytes = rest;
    json!(std::str::from_utf8(taken).unwrap())
}

fn list(length: usize, bytes: &mut &[u8]) -> Value {
    (0..length).map(|_| unpack(bytes)).collect()
}

fn map(length: usize, bytes: &mut &[u8]) -> Value {
    let mut members = Map::new();
    for _ in 0..length {
        let Value::String(key) = unpack(bytes) else {
            panic!("a key is a text");
        };
        assert!(members.insert(key, unpack(bytes)).is_none());
    }
    Value::Object(members)
}

fn time(bytes: &mut &[u8]) -> Value {
    assert_eq!(take::<2>(bytes), [12, 5]);
    let second = i64::from_be_bytes(take(bytes));
    json!({"second": second, "nanosecond": i32::from_be_bytes(take(bytes))})
}
