//! Sets of bytes: one look-up tests whether a byte belongs to a name, the most frequent test of a
//! parser.

use crate::certain::Certain;

/// A set of bytes.
pub(super) struct Bytes([bool; 256]);

/// The control bytes of ASCII. No comment and no name may contain them, except a tag value.
pub(super) const CONTROLS: [u8; 33] = *b"\
    \x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\
    \x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f";

impl Bytes {
    /// The set of all bytes.
    pub(super) const ALL: Self = Self([true; 256]);

    /// The set without `bytes`.
    pub(super) const fn without(mut self, mut bytes: &[u8]) -> Self {
        while let [byte, rest @ ..] = bytes {
            let (_, from) = self.0.split_at_mut(*byte as usize);
            if let [first, ..] = from {
                *first = false;
            }
            bytes = rest;
        }
        self
    }

    /// Returns whether `byte` is in the set.
    #[inline]
    pub(super) fn has(&self, byte: u8) -> bool {
        *self
            .0
            .get(usize::from(byte))
            .certain("there is a place for every byte")
    }
}
