//! A key that is compared with the text in which it is expected.

use super::super::name::Name;

/// The bytes that are compared at once.
const WORD_BYTES: usize = size_of::<u128>();

/// A key that was followed by `=`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    key: Name<'a>,
    /// The first bytes of the key and its `=`.
    word: u128,
    /// The bits of a word that belong to them.
    mask: u128,
    /// The number of bytes of both.
    bytes: usize,
}

impl<'a> Known<'a> {
    pub(super) fn new(key: Name<'a>) -> Self {
        let mut word = [0; WORD_BYTES];
        let mut mask = [0; WORD_BYTES];
        let bytes = key.raw().bytes().chain([b'=']);
        for ((to, mask), byte) in word.iter_mut().zip(&mut mask).zip(bytes) {
            (*to, *mask) = (byte, 0xff);
        }
        Self {
            key,
            bytes: key.raw().len() + 1,
            word: u128::from_le_bytes(word),
            mask: u128::from_le_bytes(mask),
        }
    }

    pub(super) fn key(&self) -> Name<'a> {
        self.key
    }

    /// The key and the text after its `=`, if `input` starts with them.
    #[inline]
    pub(super) fn begins<'b>(&self, input: &'b [u8]) -> Option<(Name<'a>, &'b [u8])> {
        let is_start = match input.first_chunk() {
            Some(chunk) if u128::from_le_bytes(*chunk) & self.mask != self.word => false,
            Some(_) if self.bytes <= WORD_BYTES => true,
            _ => self.is_start_of(input),
        };
        match is_start {
            true => Some((self.key, input.get(self.bytes..)?)),
            false => None,
        }
    }

    /// The comparison for a key that is longer than a word, or an input that is shorter.
    fn is_start_of(&self, input: &[u8]) -> bool {
        let value = input.strip_prefix(self.key.raw().as_bytes());
        value.is_some_and(|value| value.starts_with(b"="))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Known;
    use crate::line_protocol::escapes::Escapes;
    use crate::line_protocol::name::Name;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_key_is_known_by_all_its_bytes(
            key in "[ab]{1,20}",
            other in "[ab]{0,2}",
            cut in 0_usize..20,
            equals in "=?",
            after in "[ab1,]{0,20}",
        ) {
            let known = Known::new(Name::new(&key, Escapes::None));
            let start = key.get(..cut).unwrap_or(&key);
            for input in [format!("{start}{other}{equals}{after}"), format!("{key}={after}")] {
                let expected = input.strip_prefix(&*key).and_then(|rest| rest.strip_prefix('='));
                let found = known.begins(input.as_bytes());
                prop_assert_eq!(found.map(|(_, rest)| rest), expected.map(str::as_bytes));
            }
        }
    }
}
