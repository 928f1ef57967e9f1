//! Reading lists of numbers. How many there are comes from the context and is bounded there.

use super::cursor::{Cursor, unzigzag};
use super::error::DecodeError;
use super::pack::Scale;

/// The head of a packed list, and its offsets, not yet read.
struct Packed<'a> {
    base: u64,
    scale: Scale,
    bytes: usize,
    offsets: &'a [u8],
}

fn open<'a>(
    cursor: &mut Cursor<'a>,
    count: usize,
    what: &'static str,
) -> Result<Packed<'a>, DecodeError> {
    let head = cursor.byte(what)?;
    let bytes = match head & 0x0f {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        4 => 8,
        _ => return Err(DecodeError::UnknownCode(what)),
    };
    let scale = Scale::of_code(head >> 4).ok_or(DecodeError::UnknownCode(what))?;
    let base = if bytes < 8 { cursor.varint(what)? } else { 0 };
    let length = count
        .checked_mul(bytes)
        .ok_or(DecodeError::TooLarge(what))?;
    Ok(Packed {
        base,
        scale,
        bytes,
        offsets: cursor.take(length, what)?,
    })
}

impl Packed<'_> {
    /// The values, `value_of` applied to each offset.
    fn list<T: Clone>(&self, count: usize, value_of: impl Fn(u64) -> T) -> Vec<T> {
        match self.bytes {
            0 => vec![value_of(0); count],
            1 => self
                .offsets
                .iter()
                .map(|byte| value_of(u64::from(*byte)))
                .collect(),
            2 => self.chunks(|chunk| value_of(u64::from(u16::from_le_bytes(*chunk)))),
            4 => self.chunks(|chunk| value_of(u64::from(u32::from_le_bytes(*chunk)))),
            _ => self.chunks(|chunk| value_of(u64::from_le_bytes(*chunk))),
        }
    }

    fn chunks<const BYTES: usize, T>(&self, value_of: impl Fn(&[u8; BYTES]) -> T) -> Vec<T> {
        let (chunks, _) = self.offsets.as_chunks::<BYTES>();
        chunks.iter().map(value_of).collect()
    }
}

pub(super) fn unpack_unsigned(
    cursor: &mut Cursor<'_>,
    count: usize,
    what: &'static str,
) -> Result<Vec<u64>, DecodeError> {
    let packed = open(cursor, count, what)?;
    let Packed {
        base,
        scale: Scale { factor, .. },
        ..
    } = packed;
    Ok(match factor {
        1 => packed.list(count, |offset| base.wrapping_add(offset)),
        _ => packed.list(count, |offset| {
            base.wrapping_add(offset).wrapping_mul(factor)
        }),
    })
}

pub(super) fn unpack_signed(
    cursor: &mut Cursor<'_>,
    count: usize,
    what: &'static str,
) -> Result<Vec<i64>, DecodeError> {
    let packed = open(cursor, count, what)?;
    let Packed {
        base,
        scale: Scale { factor, .. },
        bytes,
        ..
    } = packed;
    let base = if bytes < 8 {
        unzigzag(base).cast_unsigned()
    } else {
        base
    };
    Ok(match factor {
        1 => packed.list(count, |offset| base.wrapping_add(offset).cast_signed()),
        _ => packed.list(count, |offset| {
            base.wrapping_add(offset).wrapping_mul(factor).cast_signed()
        }),
    })
}

pub(super) fn unpack_floats(
    cursor: &mut Cursor<'_>,
    count: usize,
    what: &'static str,
) -> Result<Vec<f64>, DecodeError> {
    let packed = open(cursor, count, what)?;
    let Packed {
        base,
        scale: Scale { factor, .. },
        ..
    } = packed;
    Ok(match factor {
        1 => packed.list(count, |offset| f64::from_bits(base.wrapping_add(offset))),
        _ => packed.list(count, |offset| {
            f64::from_bits(base.wrapping_add(offset).wrapping_mul(factor))
        }),
    })
}

/// Ids, all below `limit`.
pub(super) fn unpack_ids(
    cursor: &mut Cursor<'_>,
    count: usize,
    limit: usize,
    what: &'static str,
) -> Result<Vec<u32>, DecodeError> {
    let packed = open(cursor, count, what)?;
    let base = u32::try_from(packed.base).map_err(|_| DecodeError::OutOfRange(what))?;
    if packed.scale != Scale::ONE || packed.bytes > 4 {
        return Err(DecodeError::UnknownCode(what));
    }
    let ids = packed.list(count, |offset| {
        let [a, b, c, d, ..] = offset.to_le_bytes();
        base.wrapping_add(u32::from_le_bytes([a, b, c, d]))
    });
    let most = ids.iter().copied().max().unwrap_or(0);
    if count > 0 && most as usize >= limit {
        return Err(DecodeError::OutOfRange(what));
    }
    Ok(ids)
}
