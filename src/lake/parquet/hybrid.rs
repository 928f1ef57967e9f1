//! Parquet's hybrid of run lengths and bit packing: levels and dictionary indexes.
//!
//! ```text
//! run:    varint(length << 1)        value in whole bytes
//! packed: varint(groups << 1 | 1)    groups of eight values, `width` bytes each
//! ```

use crate::columnar::put_varint;

/// Values that are shorter as a run than packed: a group of eight.
const GROUP: usize = 8;

/// A list of values of one bit width under construction.
#[derive(Debug)]
pub(super) struct Hybrid {
    out: Vec<u8>,
    /// Bits per value, at most 32.
    width: u32,
    /// The current run.
    value: u32,
    length: usize,
    /// The values of an unfinished group, which come before the run.
    group: [u32; GROUP],
    filled: usize,
    /// The finished groups whose header is not written yet.
    packed: Vec<u8>,
    groups: u64,
}

impl Hybrid {
    pub(super) fn new(width: u32) -> Self {
        Self {
            out: Vec::new(),
            width,
            value: 0,
            length: 0,
            group: [0; GROUP],
            filled: 0,
            packed: Vec::new(),
            groups: 0,
        }
    }

    /// Adds `value` `length` times.
    #[inline]
    pub(super) fn push_run(&mut self, value: u32, length: usize) {
        if value != self.value {
            self.end_run();
            self.value = value;
        }
        self.length += length;
    }

    /// Adds all values; fast if they change all the time, and if they never do.
    pub(super) fn extend(&mut self, values: &[u32]) {
        let (groups, rest) = values.as_chunks::<GROUP>();
        for group in groups {
            let first = group[0];
            if group.iter().all(|value| *value == first) {
                self.push_run(first, GROUP);
                continue;
            }
            self.end_run();
            if self.filled == 0 {
                self.pack(group);
            } else {
                group.iter().for_each(|value| self.push_run(*value, 1));
            }
        }
        rest.iter().for_each(|value| self.push_run(*value, 1));
    }

    /// The encoded bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.end_run();
        if self.filled > 0 {
            self.group
                .iter_mut()
                .skip(self.filled)
                .for_each(|slot| *slot = 0);
            let group = self.group;
            self.pack(&group);
        }
        self.end_packed();
        self.out
    }

    fn end_run(&mut self) {
        let mut length = std::mem::take(&mut self.length);
        if self.filled > 0 || length < GROUP {
            let taken = length.min(GROUP - self.filled);
            let slots = self.group.iter_mut().skip(self.filled).take(taken);
            slots.for_each(|slot| *slot = self.value);
            self.filled += taken;
            length -= taken;
            if self.filled == GROUP {
                self.filled = 0;
                let group = self.group;
                self.pack(&group);
            }
        }
        if length >= GROUP {
            self.end_packed();
            put_varint((length as u64) << 1, &mut self.out);
            let bytes = self.value.to_le_bytes();
            let width = self.width.div_ceil(8) as usize;
            self.out.extend(bytes.iter().take(width));
        } else if length > 0 {
            self.group
                .iter_mut()
                .take(length)
                .for_each(|slot| *slot = self.value);
            self.filled = length;
        }
    }

    fn end_packed(&mut self) {
        if self.groups > 0 {
            put_varint(self.groups << 1 | 1, &mut self.out);
            self.out.append(&mut self.packed);
            self.groups = 0;
        }
    }

    #[inline]
    fn pack(&mut self, group: &[u32; GROUP]) {
        self.groups += 1;
        let width = self.width;
        if width <= 8 {
            let join = |word: u64, value: &u32| word << width | u64::from(*value);
            let word = group.iter().rev().fold(0, join);
            self.packed
                .extend(word.to_le_bytes().iter().take(width as usize));
        } else if width <= 16 {
            let join = |word: u128, value: &u32| word << width | u128::from(*value);
            let word = group.iter().rev().fold(0, join);
            self.packed
                .extend(word.to_le_bytes().iter().take(width as usize));
        } else {
            let values = group.iter().map(|value| u64::from(*value));
            pack_bits(&mut self.packed, values, width);
        }
    }
}

/// The number of bits that values up to `max` need; at least one, as some readers fail on zero.
pub(super) fn width_of(max: u32) -> u32 {
    (u32::BITS - max.leading_zeros()).max(1)
}

/// Writes values of `width` bits one after another, the lowest bits first. Together they must fill
/// whole bytes.
pub(super) fn pack_bits(out: &mut Vec<u8>, values: impl Iterator<Item = u64>, width: u32) {
    let mut word: u128 = 0;
    let mut bits = 0;
    for value in values {
        word |= u128::from(value) << bits;
        bits += width;
        if bits >= 64 {
            out.extend(word.to_le_bytes().iter().take(8));
            word >>= 64;
            bits -= 64;
        }
    }
    out.extend(word.to_le_bytes().iter().take(bits.div_ceil(8) as usize));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::{Hybrid, width_of};

    /// Decodes by the text of the format, without code of the encoder.
    fn decode(bytes: &[u8], width: u32, count: usize) -> Vec<u32> {
        let mut values = Vec::new();
        let mut rest = bytes;
        while values.len() < count {
            let (mut header, mut shift) = (0_u64, 0);
            loop {
                let byte = rest[0];
                rest = &rest[1..];
                header |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let number = usize::try_from(header >> 1).expect("small");
            if header & 1 == 0 {
                let length = width.div_ceil(8) as usize;
                let mut word = [0; 4];
                word[..length].copy_from_slice(&rest[..length]);
                rest = &rest[length..];
                values.extend(std::iter::repeat_n(u32::from_le_bytes(word), number));
            } else {
                let bit = |at: usize| u32::from(rest[at / 8] >> (at % 8) & 1);
                let value = |index: usize| {
                    (0..width as usize).fold(0, |v, b| v | bit(index * width as usize + b) << b)
                };
                values.extend((0..number * 8).map(value));
                rest = &rest[number * width as usize..];
            }
        }
        assert!(rest.is_empty(), "bytes behind the last value");
        values.truncate(count);
        values
    }

    proptest! {
        #[test]
        fn runs_and_packed_groups_decode_to_what_was_pushed(
            runs in proptest::collection::vec((0_u32..70_000, 1_usize..40), 0..60),
            bulk in proptest::collection::vec(0_u32..5, 0..200),
        ) {
            let mut values: Vec<u32> = Vec::new();
            let mut hybrid = Hybrid::new(width_of(70_000));
            for (value, length) in runs {
                hybrid.push_run(value, length);
                values.extend(std::iter::repeat_n(value, length));
            }
            hybrid.extend(&bulk);
            values.extend(&bulk);
            prop_assert_eq!(decode(&hybrid.finish(), 17, values.len()), values);
        }

        #[test]
        fn every_width_packs(width in 1_u32..32, seed: Vec<u32>) {
            let values: Vec<u32> = seed.iter().map(|v| v & ((1 << width) - 1)).collect();
            let mut hybrid = Hybrid::new(width);
            hybrid.extend(&values);
            prop_assert_eq!(decode(&hybrid.finish(), width, values.len()), values);
        }
    }
}
