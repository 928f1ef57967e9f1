//! Escapes: the bytes before which a backslash has a meaning, and that meaning.

use crate::certain::Certain;

/// The bytes that an escape in a name can stand for. As wide as its neighbouring fields, because
/// names are moved often and a single byte among words is slow to move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
pub(super) enum Escapes {
    /// The name has none.
    #[default]
    None,
    /// Comma and space.
    Measurement,
    /// Comma, space and `=`.
    Tag,
    /// Quote and backslash.
    String,
}

impl Escapes {
    /// Returns whether a backslash before `byte` escapes it.
    pub(super) fn has(self, byte: u8) -> bool {
        match self {
            Self::None => false,
            Self::Measurement => matches!(byte, b',' | b' '),
            Self::Tag => matches!(byte, b',' | b' ' | b'='),
            Self::String => matches!(byte, b'"' | b'\\'),
        }
    }
}

/// Removes every backslash that precedes an escapable byte and is not itself escaped.
pub(super) fn unescape(raw: &str, is_escapable: impl Fn(u8) -> bool) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        // What is escapable is ASCII, so the rest can be split after it.
        match after.as_bytes().first().filter(|byte| is_escapable(**byte)) {
            Some(byte) => {
                text.push(char::from(*byte));
                rest = after.get(1..).certain("it starts with a byte of ASCII");
            }
            None => {
                text.push('\\');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}
