//! A point, as the parser hands it out. Everything borrows from the body.

use memchr::memchr_iter;

use super::name::Name;
use super::string::Text;
use crate::narrow;

/// A point, made to be reused: its vectors keep their capacity from line to line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point<'a> {
    /// The physical line on which the point starts, 1-based.
    pub line: u32,
    /// `measurement,tags` as written. Equal bytes are the same series, but a series can be written in
    /// several ways.
    pub series_key: &'a [u8],
    /// The measurement.
    pub measurement: Name<'a>,
    /// The tags in the order in which they were written; no key occurs twice.
    pub tags: Vec<Tag<'a>>,
    /// The fields in the order in which they were written, at least one; a key may occur twice.
    pub fields: Vec<Field<'a>>,
    /// The time in nanoseconds since the epoch, if the line has one.
    pub timestamp: Option<i64>,
    /// Room to sort the tags of a line that has many of them.
    sorted: Vec<Tag<'a>>,
}

/// A tag of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// The key, not empty.
    pub key: Name<'a>,
    /// The value, not empty.
    pub value: Name<'a>,
    /// The 1-based byte in the line at which the key starts.
    pub column: u32,
}

/// A field of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field<'a> {
    /// The key, not empty.
    pub key: Name<'a>,
    /// The value.
    pub value: Value<'a>,
    /// The 1-based byte in the line at which the key starts; 0 if a string before it spans lines,
    /// so that the key is on a later one.
    pub column: u32,
}

/// The value of a field, of one of the five types.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// A 64-bit float, always finite.
    Float(f64),
    /// `1i`
    Integer(i64),
    /// `1u`
    Unsigned(u64),
    /// `true`
    Boolean(bool),
    /// `"text"`
    String(Text<'a>),
}

/// Up to this many tags are compared pairwise, which is faster than sorting them.
const TAGS_COMPARED_MAX: usize = 16;

impl<'a> Point<'a> {
    /// A point to read into, with room for the tags and fields of most lines.
    pub fn with_room() -> Self {
        const ROOM: usize = 16;
        Self {
            tags: Vec::with_capacity(ROOM),
            fields: Vec::with_capacity(ROOM),
            ..Self::default()
        }
    }

    /// The tag whose key occurred before, if there is one.
    pub(super) fn repeated_tag(&mut self) -> Option<Tag<'a>> {
        let ascends = |pair: &[Tag<'_>]| matches!(pair, [a, b] if a.key < b.key);
        if self.tags.windows(2).all(ascends) {
            return None;
        }
        if self.tags.len() > TAGS_COMPARED_MAX {
            return self.repeated_tag_of_many();
        }
        let is_repeated = |(place, tag): &(usize, &Tag<'_>)| {
            self.tags
                .iter()
                .take(*place)
                .any(|before| before.key == tag.key)
        };
        self.tags
            .iter()
            .enumerate()
            .find(is_repeated)
            .map(|(_, tag)| *tag)
    }

    fn repeated_tag_of_many(&mut self) -> Option<Tag<'a>> {
        self.sorted.clear();
        self.sorted.extend_from_slice(&self.tags);
        self.sorted
            .sort_unstable_by_key(|tag| (tag.key, tag.column));
        self.sorted.windows(2).find_map(|pair| match pair {
            [a, b] if a.key == b.key => Some(*b),
            _ => None,
        })
    }

    /// The number of line ends in the point's strings. Fields after one lose their column: they are
    /// on a later line.
    pub(super) fn lines_in_strings(&mut self) -> u32 {
        let mut lines = 0;
        for field in &mut self.fields {
            if lines > 0 {
                field.column = 0;
            }
            if let Value::String(text) = field.value {
                lines += memchr_iter(b'\n', text.raw().as_bytes()).count();
            }
        }
        narrow::capped_u32(narrow::to_u64(lines))
    }
}
