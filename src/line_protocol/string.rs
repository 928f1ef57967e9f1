//! String values. Between the quotes every byte is data, LF too; `\"` and `\\` are the only
//! escapes, so `\n` stays two bytes.

use std::borrow::Cow;
use std::fmt;

use memchr::{memchr, memchr2};
use nom::Parser;
use nom::character::complete::char;
use nom::sequence::terminated;

use super::escapes::{Escapes, unescape};
use super::fault::{Fault, Parsed, Reason, fail};
use super::layout::ends_value;
use super::source::Source;
use crate::certain::Certain;

/// A string value as written in the body, without its quotes.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    raw: &'a str,
    escapes: Escapes,
}

impl<'a> Text<'a> {
    /// The text between the quotes as it was written.
    pub fn raw(&self) -> &'a str {
        self.raw
    }

    /// Returns whether the text differs from how it was written.
    pub fn is_escaped(&self) -> bool {
        self.escapes != Escapes::None
    }

    /// The text that was meant. Borrowed unless it holds an escape.
    pub fn decode(&self) -> Cow<'a, str> {
        if self.is_escaped() {
            Cow::Owned(unescape(self.raw, |byte| Escapes::String.has(byte)))
        } else {
            Cow::Borrowed(self.raw)
        }
    }
}

/// Texts are equal if their decoded forms are.
impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.decode() == other.decode()
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.decode(), f)
    }
}

/// string = quote { byte | escape } quote, and then the value has to end.
///
/// A string that spans lines and whose closing quote is directly followed by text is reported as
/// unterminated: most likely that quote opens another string, and the one on the earlier line is
/// stray.
pub(super) fn string<'a>(source: Source<'a>, input: &'a [u8]) -> Parsed<'a, Text<'a>> {
    let (inside, _) = char('"')(input)?;
    let Ok((rest, (raw, escapes))) = terminated(content, char('"')).parse(inside) else {
        return fail(input, Reason::UnterminatedString);
    };
    if !ends_value(rest) {
        return match memchr(b'\n', raw) {
            Some(_) => fail(input, Reason::UnterminatedString),
            None => fail(rest, Reason::SeparatorExpected),
        };
    }
    let raw = source.text(inside, raw, Reason::InvalidUtf8InString)?;
    Ok((rest, Text { raw, escapes }))
}

/// The number of bytes of `input`, which is inside a string, that belong to the string: up to its
/// closing quote, or to the end of the input if there is none.
pub(super) fn to_closing_quote(input: &[u8]) -> usize {
    content(input).map_or(input.len(), |(rest, _)| {
        input.len().saturating_sub(rest.len())
    })
}

/// The reason why there is a rest, even if it is empty.
const WITHIN: &str = "no more is skipped than was seen";

/// Everything up to the closing quote, and the escapes that it contains, if any.
fn content(input: &[u8]) -> Parsed<'_, (&[u8], Escapes)> {
    let mut escapes = Escapes::None;
    let mut position: usize = 0;
    loop {
        let rest = input.get(position..).certain(WITHIN);
        let Some(found) = memchr2(b'"', b'\\', rest) else {
            return Err(nom::Err::Error(Fault::at(
                input,
                Reason::UnterminatedString,
            )));
        };
        position = position.saturating_add(found);
        match input.get(position..) {
            Some([b'\\', escaped, ..]) if Escapes::String.has(*escaped) => {
                escapes = Escapes::String;
                position = position.saturating_add(2);
            }
            Some([b'\\', ..]) => position = position.saturating_add(1),
            _ => {
                let (raw, rest) = input.split_at_checked(position).certain(WITHIN);
                return Ok((rest, (raw, escapes)));
            }
        }
    }
}
