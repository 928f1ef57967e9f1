//! Texts laid end to end, in the two buffers that an Arrow string array is made of.

use super::short::are_equal;
use crate::certain::Certain;
use crate::narrow;

/// A list of texts. `offsets` starts with 0 and has one entry more than there are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strings {
    bytes: String,
    offsets: Vec<i32>,
}

impl Default for Strings {
    fn default() -> Self {
        // What it would grow to with the first text.
        let mut offsets = Vec::with_capacity(4);
        offsets.push(0);
        Self {
            bytes: String::new(),
            offsets,
        }
    }
}

impl Strings {
    /// Both buffers, from a decoder that has checked them: offsets ascend from 0 to the length of
    /// `bytes` and fall on character boundaries.
    pub(super) fn from_parts(bytes: String, offsets: Vec<i32>) -> Self {
        Self { bytes, offsets }
    }

    pub(super) fn one(text: &str) -> Self {
        let end = narrow::id(text.len()).cast_signed();
        Self {
            bytes: text.to_owned(),
            offsets: vec![0, end],
        }
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    pub(super) fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.as_bytes()
    }

    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.offsets
            .push(narrow::id(self.bytes.len()).cast_signed());
    }

    #[inline]
    pub(super) fn get(&self, id: u32) -> Option<&str> {
        let start = *self.offsets.get(id as usize)?;
        let end = *self.offsets.get(id as usize + 1)?;
        self.bytes
            .get(start.cast_unsigned() as usize..end.cast_unsigned() as usize)
    }

    /// Returns true if the text with this id is `text`. Compares bytes: look-ups are frequent, and
    /// `get` would check both ends for a character boundary first.
    #[inline]
    pub(super) fn is(&self, id: u32, text: &str) -> bool {
        let id = id as usize;
        let (Some(start), Some(end)) = (self.offsets.get(id), self.offsets.get(id + 1)) else {
            return false;
        };
        let range = start.cast_unsigned() as usize..end.cast_unsigned() as usize;
        let bytes = self.bytes.as_bytes().get(range);
        bytes.is_some_and(|bytes| are_equal(bytes, text.as_bytes()))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        let all = 0..narrow::id(self.len());
        all.map(|id| {
            self.get(id)
                .certain("offsets ascend, on boundaries of characters")
        })
    }

    /// The length in bytes of each text.
    pub(super) fn lengths(&self) -> impl Iterator<Item = u64> + Clone {
        let starts = self.offsets.iter();
        let ends = self.offsets.iter().skip(1);
        ends.zip(starts)
            .map(|(end, start)| u64::from(end.cast_unsigned() - start.cast_unsigned()))
    }

    pub(super) fn append(&mut self, other: &Self) {
        let base = narrow::id(self.bytes.len()).cast_signed();
        let _checked = narrow::id(self.bytes.len() + other.bytes.len());
        self.bytes.push_str(&other.bytes);
        self.offsets
            .extend(other.offsets.iter().skip(1).map(|end| base + end));
    }

    /// Appends texts that lie end to end in `bytes`, each from one of the offsets to the next.
    pub(super) fn push_all(&mut self, bytes: &[u8], offsets: &[i32]) {
        let (Some(start), Some(end)) = (offsets.first(), offsets.last()) else {
            return;
        };
        let text = bytes.get(start.cast_unsigned() as usize..end.cast_unsigned() as usize);
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        let before = narrow::id(self.bytes.len());
        self.bytes
            .push_str(text.certain("the texts of a string array are within its bytes"));
        let _checked = narrow::id(self.bytes.len());
        let ends = offsets.iter().skip(1);
        self.offsets
            .extend(ends.map(|end| before.cast_signed() + (end - start)));
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.offsets.shrink_to_fit();
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity() + self.offsets.capacity() * size_of::<i32>()
    }

    /// The bytes and the offsets, for Arrow.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<i32>) {
        (self.bytes.into_bytes(), self.offsets)
    }
}
