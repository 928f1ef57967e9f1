//! The fast path: lines that are written like the lines before them.
//!
//! Clients send the same names in the same order again and again. So each tag key and field key is
//! first compared with the one that is expected after the key before it (`pattern`), digits and tag
//! values are read eight bytes at a time (`words`), and only what is new is read byte by byte.
//!
//! Promises: a point that is read here is the point that the grammar reads. Whatever looks unusual,
//! and every error, is left to the grammar, which then reads the line from its start: [`FastPath`]
//! returns nothing, and what it left in the point is meaningless. The leaves of the grammar (names,
//! strings, booleans, numbers, the end of a line) are shared; only plain names, plain numbers and
//! plain timestamps have a shortcut here. `tests/differential.rs` compares the two.
//!
//! Why a name that was read before can be compared instead of read: the grammar ends a name at the
//! first byte that decides so, and looks one byte past a backslash at most. So the bytes of a name
//! and the byte that ended it make the grammar end it there again.

mod known;
mod number;
mod pattern;
mod words;

use super::escapes::Escapes;
use super::fault::Reason;
use super::grammar;
use super::name::{self, Name};
use super::number::boolean;
use super::point::{Field, Point, Tag, Value};
use super::precision::Precision;
use super::source::Source;
use super::string::string;
use pattern::{Before, Pattern, Patterns};

/// Reads points by what it remembers of the lines before.
#[derive(Clone, Debug, Default)]
pub(super) struct FastPath<'a> {
    patterns: Patterns<'a>,
}

impl<'a> FastPath<'a> {
    /// Reads the point that `input` starts with, and returns the text after its line; or nothing, if
    /// the grammar has to read it.
    pub(super) fn point(
        &mut self,
        source: Source<'a>,
        precision: Precision,
        input: &'a [u8],
        point: &mut Point<'a>,
    ) -> Option<&'a [u8]> {
        self.patterns.with(input, |pattern, rest| {
            point.measurement = pattern.measurement;
            let rest = tags(pattern, source, rest, point)?;
            let series_bytes = input.len().saturating_sub(rest.len());
            point.series_key = input.get(..series_bytes)?;
            let [b' ', rest @ ..] = rest else {
                return None;
            };
            let rest = fields(pattern, source, rest, &mut point.fields)?;
            end(precision, rest, point)
        })
    }

    /// Remembers how a point was written that the grammar has read.
    pub(super) fn learn(&mut self, point: &Point<'a>) {
        self.patterns.add(point);
    }

    /// The memory in use, in bytes.
    pub(super) fn memory_bytes(&self) -> usize {
        self.patterns.memory_bytes()
    }
}

/// { "," tag }, with distinct keys.
fn tags<'a>(
    pattern: &mut Pattern<'a>,
    source: Source<'a>,
    input: &'a [u8],
    point: &mut Point<'a>,
) -> Option<&'a [u8]> {
    point.tags.clear();
    let mut rest = input;
    let mut is_known = true;
    while let [b',', tag @ ..] = rest {
        let (key, value) = match pattern.tag(point.tags.len(), tag) {
            Some(known) => known,
            None => {
                is_known = false;
                key(source, tag)?
            }
        };
        let column = source.column(tag);
        let (value, after) = tag_value(source, value)?;
        point.tags.push(Tag { key, value, column });
        rest = after;
    }
    // The keys of a pattern are distinct, and so are the first ones of them.
    if !is_known {
        if point.repeated_tag().is_some() {
            return None;
        }
        pattern.set_tags(&point.tags);
    }
    Some(rest)
}

/// field { "," field }
fn fields<'a>(
    pattern: &mut Pattern<'a>,
    source: Source<'a>,
    input: &'a [u8],
    fields: &mut Vec<Field<'a>>,
) -> Option<&'a [u8]> {
    fields.clear();
    let mut before = Before::default();
    let mut field = input;
    loop {
        let (key, value) = match pattern.field(&mut before, field) {
            Some(known) => known,
            None => {
                let new = key(source, field)?;
                pattern.add_field(&mut before, new.0);
                new
            }
        };
        let column = source.column(field);
        let (value, rest) = field_value(source, value)?;
        fields.push(Field { key, value, column });
        match rest {
            [b',', next @ ..] => field = next,
            _ => return Some(rest),
        }
    }
}

/// A key and its `=`, read by the grammar's leaf.
fn key<'a>(source: Source<'a>, input: &'a [u8]) -> Option<(Name<'a>, &'a [u8])> {
    let (rest, escapes) = name::key(input).ok()?;
    let key = text(source, input, rest, escapes)?;
    match rest {
        [b'=', value @ ..] => Some((key, value)),
        _ => None,
    }
}

fn tag_value<'a>(source: Source<'a>, input: &'a [u8]) -> Option<(Name<'a>, &'a [u8])> {
    let (_, rest) = input.split_at_checked(words::plain_bytes(input))?;
    if let [b',' | b' ', ..] = rest {
        return Some((text(source, input, rest, Escapes::None)?, rest));
    }
    let (rest, escapes) = name::tag_value(input).ok()?;
    Some((text(source, input, rest, escapes)?, rest))
}

/// The name between `input` and `rest`, which may not be empty.
#[inline]
fn text<'a>(
    source: Source<'a>,
    input: &'a [u8],
    rest: &'a [u8],
    escapes: Escapes,
) -> Option<Name<'a>> {
    let raw = input.get(..input.len().saturating_sub(rest.len()))?;
    if raw.is_empty() {
        return None;
    }
    let text = source.text(input, raw, Reason::InvalidUtf8InName).ok()?;
    Some(Name::new(text, escapes))
}

/// A value after which a value may end.
#[inline]
fn field_value<'a>(source: Source<'a>, input: &'a [u8]) -> Option<(Value<'a>, &'a [u8])> {
    match input.first()? {
        b'"' => {
            let (rest, text) = string(source, input).ok()?;
            Some((Value::String(text), rest))
        }
        b't' | b'T' | b'f' | b'F' => {
            let (rest, value) = boolean(input).ok()?;
            Some((Value::Boolean(value), rest))
        }
        b'-' | b'.' | b'0'..=b'9' => number::number(input),
        _ => None,
    }
}

/// \[ spaces1 timestamp \] spaces, and the end of the line.
fn end<'a>(precision: Precision, input: &'a [u8], point: &mut Point<'a>) -> Option<&'a [u8]> {
    if let [b' ', digits @ ..] = input
        && let Some((timestamp, rest)) = number::timestamp(precision, digits)
    {
        point.timestamp = Some(timestamp);
        return Some(rest);
    }
    let (rest, ()) = grammar::end(precision, input, point).ok()?;
    Some(rest)
}
