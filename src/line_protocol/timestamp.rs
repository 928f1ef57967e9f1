//! The timestamp of a line.

use nom::character::complete::char;
use nom::combinator::opt;

use super::fault::{Parsed, Reason, expect, fail};
use super::number::{decimal, digits1, signed};
use super::precision::Precision;

/// timestamp = \[ "-" \] digits, in nanoseconds. It must be followed by the end
/// of the line or by a space.
pub(super) fn timestamp(precision: Precision, input: &[u8]) -> Parsed<'_, i64> {
    if matches!(input, [b',' | b'\r', ..]) {
        return fail(input, Reason::TimestampExpected);
    }
    let (rest, (sign, digits)) = expect(Reason::NotATimestamp, (opt(char('-')), digits1))(input)?;
    if !matches!(rest, [] | [b' ' | b'\r' | b'\n', ..]) {
        return fail(input, Reason::NotATimestamp);
    }
    let ns = decimal(digits)
        .and_then(|magnitude| signed(sign.is_some(), magnitude))
        .and_then(|timestamp| precision.to_ns(timestamp));
    match ns {
        Some(ns) => Ok((rest, ns)),
        None => fail(input, Reason::TimestampOutOfRange(precision)),
    }
}
