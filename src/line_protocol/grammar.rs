//! The grammar of a point in nom, to be read next to the specification in the module's doc.
//!
//! Nothing is tried twice: every byte decides what has to follow, and from then on [`expect`] makes
//! any other byte the reason for which the line is rejected.

use nom::Parser;
use nom::character::complete::char;
use nom::combinator::consumed;
use nom::multi::many0_count;
use nom::sequence::{preceded, separated_pair};

use super::escapes::Escapes;
use super::fault::{Parsed, Reason, expect, fail};
use super::layout::{ends_value, line_end, spaces, spaces1};
use super::name::{self, Name};
use super::number::{boolean, number};
use super::point::{Field, Point, Tag, Value};
use super::precision::Precision;
use super::source::Source;
use super::string::string;
use super::timestamp::timestamp;

/// point = series spaces1 fields \[ spaces1 timestamp \] spaces, and then the line has to end.
pub(super) fn point<'a>(
    source: Source<'a>,
    precision: Precision,
    input: &'a [u8],
    point: &mut Point<'a>,
) -> Parsed<'a, ()> {
    let (rest, (series_key, measurement)) =
        consumed(|input| series(source, input, &mut point.tags)).parse(input)?;
    point.series_key = series_key;
    point.measurement = measurement;
    if let Some(tag) = point.repeated_tag() {
        return fail(source.at_column(tag.column), Reason::DuplicateTagKey);
    }
    let missing = match point.tags.is_empty() {
        true => Reason::FieldsExpectedAfterMeasurement,
        false => Reason::FieldsExpectedAfterTag,
    };
    let (rest, _) = expect(missing, spaces1)(rest)?;
    let (rest, ()) = fields(source, rest, &mut point.fields)?;
    end(precision, rest, point)
}

/// The end of a point: \[ spaces1 timestamp \] spaces, and then the line has to end. The fields end at
/// a space or the end of the line.
pub(super) fn end<'a>(
    precision: Precision,
    input: &'a [u8],
    point: &mut Point<'a>,
) -> Parsed<'a, ()> {
    let (rest, _) = spaces(input)?;
    let (rest, timestamp) = optional_timestamp(precision, rest)?;
    point.timestamp = timestamp;
    expect(Reason::LineEndExpected, line_end)(rest)
}

/// series = measurement { "," tag }
fn series<'a>(
    source: Source<'a>,
    input: &'a [u8],
    tags: &mut Vec<Tag<'a>>,
) -> Parsed<'a, Name<'a>> {
    tags.clear();
    let (rest, measurement) =
        named(source, Reason::MeasurementExpected, name::measurement).parse(input)?;
    let more = preceded(char(','), |input| tag(source, input, tags));
    let (rest, _) = many0_count(more).parse(rest)?;
    Ok((rest, measurement))
}

/// tag = tag key "=" tag value
fn tag<'a>(source: Source<'a>, input: &'a [u8], tags: &mut Vec<Tag<'a>>) -> Parsed<'a, ()> {
    let (rest, (key, value)) = separated_pair(
        named(source, Reason::TagKeyExpected, name::key),
        expect(Reason::TagEqualsExpected, char('=')),
        named(source, Reason::TagValueExpected, name::tag_value),
    )
    .parse(input)?;
    let column = source.column(input);
    tags.push(Tag { key, value, column });
    Ok((rest, ()))
}

/// fields = field { "," field }
fn fields<'a>(source: Source<'a>, input: &'a [u8], fields: &mut Vec<Field<'a>>) -> Parsed<'a, ()> {
    fields.clear();
    let (rest, ()) = field(source, input, fields)?;
    let more = preceded(char(','), |input| field(source, input, fields));
    let (rest, _) = many0_count(more).parse(rest)?;
    Ok((rest, ()))
}

/// field = field key "=" value
fn field<'a>(source: Source<'a>, input: &'a [u8], fields: &mut Vec<Field<'a>>) -> Parsed<'a, ()> {
    let (rest, (key, value)) = separated_pair(
        named(source, Reason::FieldKeyExpected, name::key),
        expect(Reason::FieldEqualsExpected, char('=')),
        |input| value(source, input),
    )
    .parse(input)?;
    let column = source.column(input);
    fields.push(Field { key, value, column });
    Ok((rest, ()))
}

/// value = string | boolean | number, distinguished by the first byte.
fn value<'a>(source: Source<'a>, input: &'a [u8]) -> Parsed<'a, Value<'a>> {
    match input.first() {
        Some(b'"') => string(source, input).map(|(rest, text)| (rest, Value::String(text))),
        Some(b'-' | b'.' | b'0'..=b'9') => number(input),
        Some(b't' | b'T' | b'f' | b'F') => {
            boolean(input).map(|(rest, value)| (rest, Value::Boolean(value)))
        }
        Some(b'=') => fail(input, Reason::FieldValueExpected),
        _ if ends_value(input) => fail(input, Reason::FieldValueExpected),
        _ => fail(input, Reason::NotAValue),
    }
}

/// A timestamp, unless the line ends first.
fn optional_timestamp(precision: Precision, input: &[u8]) -> Parsed<'_, Option<i64>> {
    if line_end(input).is_ok() {
        return Ok((input, None));
    }
    let (rest, timestamp) = timestamp(precision, input)?;
    let (rest, _) = spaces(rest)?;
    Ok((rest, Some(timestamp)))
}

/// `name`, which may not be empty, as text.
fn named<'a>(
    source: Source<'a>,
    missing: Reason,
    name: impl Fn(&'a [u8]) -> Parsed<'a, Escapes>,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, Name<'a>> {
    move |input| {
        let (rest, (raw, escapes)) = consumed(&name).parse(input)?;
        if raw.is_empty() {
            return fail(input, missing);
        }
        let text = source.text(input, raw, Reason::InvalidUtf8InName)?;
        Ok((rest, Name::new(text, escapes)))
    }
}
