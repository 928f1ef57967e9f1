//! The bytes between things: spaces, line ends, comments.

use nom::Parser;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::recognize;
use nom::sequence::preceded;

use super::bytes::{Bytes, CONTROLS};
use super::fault::{Fault, Parsed, Reason, expect};

/// Any number of spaces. Only the space counts: a tab is a control byte.
pub(super) fn spaces(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(|byte| byte == b' ')(input)
}

/// At least one space.
pub(super) fn spaces1(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte| byte == b' ')(input)
}

/// LF, CR LF, or the end of the input with or without a CR before it.
pub(super) fn line_end(input: &[u8]) -> Parsed<'_, ()> {
    match input {
        [] | [b'\r'] => Ok((&[], ())),
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => Ok((rest, ())),
        _ => Err(nom::Err::Error(Fault::at(input, Reason::LineEndExpected))),
    }
}

/// Returns whether a value may end before `input`.
pub(super) fn ends_value(input: &[u8]) -> bool {
    matches!(input, [b',' | b' ', ..]) || line_end(input).is_ok()
}

/// `#` and everything to the end of the line, which is left in place. The bytes need not be
/// UTF-8: nothing of a comment is kept.
pub(super) fn comment(input: &[u8]) -> Parsed<'_, &[u8]> {
    let text =
        recognize(preceded(char('#'), take_while(|byte| IN_COMMENT.has(byte)))).parse(input)?;
    let (at_end, _) = text;
    expect(Reason::ControlByteInComment, line_end)(at_end)?;
    Ok(text)
}

static IN_COMMENT: Bytes = Bytes::ALL.without(&CONTROLS);
