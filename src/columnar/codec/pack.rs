//! Writing lists of numbers: the distance from the smallest, in as few bytes as the largest needs.

use super::cursor::{put_varint, zigzag};
use crate::certain::Certain;

/// The reason why a code is known.
const CODES: &str = "codes of times are up to 3, those of up to seven bytes up to 10";

/// The scale of a list: its values are multiples of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    pub(super) code: u8,
    pub(super) factor: u64,
}

impl Scale {
    pub(super) const ONE: Self = Self { code: 0, factor: 1 };

    pub(super) fn of_code(code: u8) -> Option<Self> {
        let factor = match code {
            0 => 1,
            1 => 1_000,
            2 => 1_000_000,
            3 => 1_000_000_000,
            4..=10 => 1 << (u32::from(code - 3) * 8),
            _ => return None,
        };
        Some(Self { code, factor })
    }
}

/// Returns the bytes that an offset up to `span` takes, and the code for them.
fn width(span: u64) -> (u8, usize) {
    match span {
        0 => (0, 0),
        1..=0xff => (1, 1),
        0x100..=0xffff => (2, 2),
        0x1_0000..=0xffff_ffff => (3, 4),
        _ => (4, 8),
    }
}

pub(super) fn pack_unsigned(
    values: impl Iterator<Item = u64> + Clone,
    scale: Scale,
    out: &mut Vec<u8>,
) {
    let (mut least, mut most) = (u64::MAX, 0);
    for value in values.clone() {
        least = least.min(value);
        most = most.max(value);
    }
    let least = least.min(most);
    put(values, least, least, most - least, scale, out);
}

pub(super) fn pack_ids(values: &[u32], out: &mut Vec<u8>) {
    pack_unsigned(values.iter().map(|id| u64::from(*id)), Scale::ONE, out);
}

pub(super) fn pack_signed(
    values: impl Iterator<Item = i64> + Clone,
    scale: Scale,
    out: &mut Vec<u8>,
) {
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for value in values.clone() {
        least = least.min(value);
        most = most.max(value);
    }
    let least = least.min(most);
    let bits = values.map(i64::cast_unsigned);
    // An empty list has the extremes crossed: its span must not depend on them.
    let span = most.wrapping_sub(least).cast_unsigned();
    put(bits, least.cast_unsigned(), zigzag(least), span, scale, out);
}

/// Times are most often whole seconds, or milli- or microseconds, though counted in nanoseconds.
pub(super) fn pack_times(times: &[i64], out: &mut Vec<u8>) {
    fn scaled<const FACTOR: i64>(times: &[i64], code: u8, out: &mut Vec<u8>) -> bool {
        let fits = times.iter().all(|time| time % FACTOR == 0);
        if fits {
            let scale = Scale::of_code(code).certain(CODES);
            pack_signed(times.iter().map(|time| time / FACTOR), scale, out);
        }
        fits
    }
    let _packed = scaled::<1_000_000_000>(times, 3, out)
        || scaled::<1_000_000>(times, 2, out)
        || scaled::<1_000>(times, 1, out)
        || scaled::<1>(times, 0, out);
}

/// Short decimals and small whole numbers leave the low bytes of a double zero or not at all.
pub(super) fn pack_floats(values: &[f64], out: &mut Vec<u8>) {
    let used = values.iter().fold(0, |bits, value| bits | value.to_bits());
    let zero_bytes = if used == 0 {
        0
    } else {
        used.trailing_zeros() / 8
    };
    let code = u8::try_from(zero_bytes)
        .ok()
        .filter(|bytes| *bytes > 0)
        .map_or(0, |bytes| bytes + 3);
    let scale = Scale::of_code(code).certain(CODES);
    pack_unsigned(
        values
            .iter()
            .map(|value| value.to_bits() >> (zero_bytes * 8)),
        scale,
        out,
    );
}

fn put(
    values: impl Iterator<Item = u64>,
    base: u64,
    base_written: u64,
    span: u64,
    scale: Scale,
    out: &mut Vec<u8>,
) {
    let (code, bytes) = width(span);
    out.push(code | scale.code << 4);
    if bytes < 8 {
        put_varint(base_written, out);
    }
    match bytes {
        0 => {}
        1 => put_offsets::<1>(values, base, out),
        2 => put_offsets::<2>(values, base, out),
        4 => put_offsets::<4>(values, base, out),
        _ => put_offsets::<8>(values, 0, out),
    }
}

fn put_offsets<const BYTES: usize>(
    values: impl Iterator<Item = u64>,
    base: u64,
    out: &mut Vec<u8>,
) {
    for value in values {
        let offset = value.wrapping_sub(base).to_le_bytes();
        let low = offset.first_chunk::<BYTES>();
        out.extend_from_slice(low.certain("at most eight bytes"));
    }
}
