//! Measurements, tag keys, tag values and field keys: the bytes that they may contain, and the
//! escapes of the others.
//!
//! | kind | ends at | escapes |
//! | --- | --- | --- |
//! | measurement | comma, space, control byte | `\,` `\ ` |
//! | tag key, field key | comma, space, `=`, control byte | `\,` `\ ` `\=` |
//! | tag value | comma, space, `=`, CR, LF | `\,` `\ ` `\=` |
//!
//! Any other backslash is an ordinary byte, and so is the first of two: `\\ ` is a backslash and an
//! escaped space. So a name of one kind can be written in one way only, and comparing raw names
//! compares names.

use std::borrow::Cow;
use std::fmt;

use nom::bytes::complete::take_while;

use super::bytes::{Bytes, CONTROLS};
use super::escapes::{Escapes, unescape};
use super::fault::Parsed;

/// A measurement, tag key, tag value or field key as written in the body.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name<'a> {
    raw: &'a str,
    escapes: Escapes,
}

impl<'a> Name<'a> {
    pub(super) fn new(raw: &'a str, escapes: Escapes) -> Self {
        Self { raw, escapes }
    }

    /// The name as it was written, escapes and all.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Returns whether the name differs from how it was written.
    pub fn is_escaped(&self) -> bool {
        self.escapes != Escapes::None
    }

    /// The name that was meant. Borrowed unless it holds an escape.
    pub fn decode(&self) -> Cow<'a, str> {
        match self.escapes {
            Escapes::None => Cow::Borrowed(self.raw),
            escapes => Cow::Owned(unescape(self.raw, |byte| escapes.has(byte))),
        }
    }
}

impl Default for Name<'_> {
    fn default() -> Self {
        Self::new("", Escapes::None)
    }
}

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.decode(), f)
    }
}

/// Measurement, possibly empty.
pub(super) fn measurement(input: &[u8]) -> Parsed<'_, Escapes> {
    name(Escapes::Measurement, &IN_MEASUREMENT)(input)
}

/// Tag key or field key, possibly empty.
pub(super) fn key(input: &[u8]) -> Parsed<'_, Escapes> {
    name(Escapes::Tag, &IN_KEY)(input)
}

/// Tag value, possibly empty.
pub(super) fn tag_value(input: &[u8]) -> Parsed<'_, Escapes> {
    name(Escapes::Tag, &IN_TAG_VALUE)(input)
}

/// name = { plain bytes | escape | backslash }. Returns the escapes that it contains, if any.
fn name<'a>(escapes: Escapes, plain: &'static Bytes) -> impl Fn(&'a [u8]) -> Parsed<'a, Escapes> {
    move |input| {
        let mut found = Escapes::None;
        let mut rest = input;
        loop {
            (rest, _) = take_while(|byte| plain.has(byte))(rest)?;
            match rest {
                [b'\\', escaped, after @ ..] if escapes.has(*escaped) => {
                    found = escapes;
                    rest = after;
                }
                [b'\\', after @ ..] => rest = after,
                _ => return Ok((rest, found)),
            }
        }
    }
}

static IN_MEASUREMENT: Bytes = Bytes::ALL.without(&CONTROLS).without(b"\\, ");
static IN_KEY: Bytes = Bytes::ALL.without(&CONTROLS).without(b"\\, =");
static IN_TAG_VALUE: Bytes = Bytes::ALL.without(b"\\, =\r\n");
