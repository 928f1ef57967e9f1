//! The smallest parts: bytes, varints, text.
//!
//! Varints are hand-written: the decoder names the part that was cut off and refuses more than 64
//! bits. It is 30 lines on the path of a replay, which no crate would make fewer.

use super::error::DecodeError;

/// The bytes that have not been read yet.
pub(super) struct Cursor<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(super) fn take(
        &mut self,
        count: usize,
        what: &'static str,
    ) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(DecodeError::Truncated(what))?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self, what: &'static str) -> Result<u8, DecodeError> {
        let (first, rest) = self
            .rest
            .split_first()
            .ok_or(DecodeError::Truncated(what))?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn varint(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(what)?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(DecodeError::TooLarge(what))
    }

    /// A varint of at most `most`.
    pub(super) fn count(&mut self, most: usize, what: &'static str) -> Result<usize, DecodeError> {
        let count = usize::try_from(self.varint(what)?)
            .ok()
            .filter(|count| *count <= most);
        count.ok_or(DecodeError::TooLarge(what))
    }

    /// A count of things that take at least one byte each.
    pub(super) fn count_of_rest(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let most = self.rest.len();
        self.count(most, what)
    }

    pub(super) fn text(&mut self, what: &'static str) -> Result<&'a str, DecodeError> {
        let length = self.count_of_rest(what)?;
        std::str::from_utf8(self.take(length, what)?).map_err(|_| DecodeError::NotUtf8)
    }
}

/// Writes a number as a LEB128 varint: seven bits per byte, the lowest first.
pub fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        let [low, ..] = value.to_le_bytes();
        out.push(low | 0x80);
        value >>= 7;
    }
    let [low, ..] = value.to_le_bytes();
    out.push(low);
}

/// Reads the number that [`put_varint`] wrote at the start of some bytes, and returns it with the
/// rest. Returns nothing if it is cut off, or has more than 64 bits.
pub fn take_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut cursor = Cursor { rest: bytes };
    let value = cursor.varint("a number").ok()?;
    Some((value, cursor.rest))
}

pub(super) fn put_count(count: usize, out: &mut Vec<u8>) {
    put_varint(count as u64, out);
}

pub(super) fn put_text(text: &str, out: &mut Vec<u8>) {
    put_count(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Maps small numbers of either sign to small unsigned numbers.
pub fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

pub(super) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::{Cursor, DecodeError, put_varint, take_varint, unzigzag, zigzag};

    #[test]
    fn varints_and_zigzag_keep_every_power_of_two() {
        for value in (0..64).flat_map(|shift| [1 << shift, (1 << shift) - 1, u64::MAX >> shift]) {
            let mut out = Vec::new();
            put_varint(value, &mut out);
            let mut cursor = Cursor { rest: &out };
            assert_eq!(cursor.varint("it"), Ok(value));
            assert!(cursor.rest.is_empty());
            assert_eq!(take_varint(&out), Some((value, &[][..])));
            let mut cursor = Cursor {
                rest: &out[..out.len() - 1],
            };
            assert_eq!(cursor.varint("it"), Err(DecodeError::Truncated("it")));
            let signed = value.cast_signed();
            assert_eq!(unzigzag(zigzag(signed)), signed);
        }
        assert_eq!((zigzag(-1), zigzag(1), zigzag(i64::MIN)), (1, 2, u64::MAX));
    }

    #[test]
    fn a_varint_past_64_bits_is_refused() {
        for last in [[2].as_slice(), &[0x80, 0], &[0xff, 1]] {
            let bytes = [&[0xff; 9], last].concat();
            let mut cursor = Cursor { rest: &bytes };
            assert_eq!(cursor.varint("it"), Err(DecodeError::TooLarge("it")));
            assert_eq!(take_varint(&bytes), None);
        }
    }
}
