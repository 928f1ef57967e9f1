//! Booleans, eight a byte, the first in the lowest bit, as Arrow lays them out.

use crate::certain::Certain;

/// A growing list of bits. Bits past the end of the last byte are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    len: usize,
}

impl Bits {
    /// Takes the first `len` bits of `bytes`, which must have exactly as many bytes as that needs.
    pub(super) fn from_bytes(mut bytes: Vec<u8>, len: usize) -> Option<Self> {
        if bytes.len() != len.div_ceil(8) {
            return None;
        }
        if let (Some(last), 1..) = (bytes.last_mut(), len % 8) {
            *last &= (1 << (len % 8)) - 1;
        }
        Some(Self { bytes, len })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    #[inline]
    pub(super) fn push(&mut self, bit: bool) {
        let mask = u8::from(bit) << (self.len % 8);
        match self.bytes.last_mut() {
            Some(last) if !self.len.is_multiple_of(8) => *last |= mask,
            _ => self.bytes.push(mask),
        }
        self.len += 1;
    }

    /// Appends the lowest `count` bits of a word, at most 64; the others are zero.
    pub(super) fn push_word(&mut self, word: u64, count: usize) {
        debug_assert!(count == 64 || word >> count == 0, "the others are zero");
        let shift = self.len % 8;
        let old = self.bytes.len();
        let shifted = u128::from(word) << shift;
        let bytes = shifted.to_le_bytes();
        self.len += count;
        let mut bytes = bytes.iter();
        if shift > 0 {
            let begun = self.bytes.last_mut();
            *begun.certain("a byte that is begun is there") |= bytes.next().copied().unwrap_or(0);
        }
        let more = self.len.div_ceil(8) - old;
        self.bytes.extend(bytes.take(more));
    }

    pub(super) fn get(&self, index: usize) -> Option<bool> {
        let byte = self.bytes.get(index / 8).filter(|_| index < self.len)?;
        Some(byte >> (index % 8) & 1 == 1)
    }

    pub(super) fn append(&mut self, other: &Self) {
        let shift = self.len % 8;
        self.len += other.len;
        if shift == 0 {
            self.bytes.extend_from_slice(&other.bytes);
            return;
        }
        // `reserve` must not ask for a byte more than is kept: the bound on memory counts on it.
        self.bytes.reserve(self.len.div_ceil(8) - self.bytes.len());
        for byte in &other.bytes {
            let last = self.bytes.last_mut();
            *last.certain("a byte that is begun is there") |= byte << shift;
            if self.bytes.len() < self.len.div_ceil(8) {
                self.bytes.push(byte >> (8 - shift));
            }
        }
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The bytes, for Arrow.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::Bits;

    #[test]
    fn bits_appended_at_any_offset_come_back_in_order() {
        for (first, second) in (0..20).flat_map(|a| (0..20).map(move |b| (a, b))) {
            let bit = |i: usize| i.is_multiple_of(3) || i == 7;
            let (mut all, mut left, mut right) =
                (Bits::default(), Bits::default(), Bits::default());
            (0..first + second).for_each(|i| all.push(bit(i)));
            (0..first).for_each(|i| left.push(bit(i)));
            (first..first + second).for_each(|i| right.push(bit(i)));
            left.append(&right);
            assert_eq!(left, all);
            assert!((0..first + second).all(|i| all.get(i) == Some(bit(i))));
            assert_eq!(all.get(first + second), None);
        }
    }

    #[test]
    fn words_appended_at_any_offset_come_back_in_order() {
        for (first, count) in (0..20).flat_map(|a| (0..=64).map(move |b| (a, b))) {
            let word = 0xd3c1_57a9_0f3e_8b25_u64 & u64::MAX.checked_shr(64 - count).unwrap_or(0);
            let mut bits = Bits::default();
            (0..first).for_each(|i| bits.push(i % 3 == 1));
            let mut one_by_one = bits.clone();
            bits.push_word(word, count as usize);
            (0..count).for_each(|i| one_by_one.push(word >> i & 1 == 1));
            assert_eq!(bits, one_by_one, "{first} {count}");
        }
    }

    #[test]
    fn bits_past_the_end_are_cleared_and_wrong_lengths_refused() {
        let bits = Bits::from_bytes(vec![0xff, 0xff], 11).expect("two bytes");
        assert_eq!(bits.as_bytes(), [0xff, 0x07]);
        assert!(Bits::from_bytes(vec![0xff], 11).is_none());
        assert!(Bits::from_bytes(vec![0xff; 3], 11).is_none());
    }
}
