//! Numbers and booleans.
//!
//! ```text
//! float    = [ "-" ] ( digits [ "." [ digits ] ] | "." digits ) [ ( "e" | "E" ) [ "+" | "-" ] digits ]
//! integer  = [ "-" ] digits "i"
//! unsigned = digits "u"
//! boolean  = "t" "T" "true" "True" "TRUE" "f" "F" "false" "False" "FALSE"
//! ```
//!
//! Integers never pass through a float. A float that overflows is an error, one that underflows
//! is zero, and `-0` keeps its sign.

use std::str::from_utf8;

use nom::Parser;
use nom::bytes::complete::{take_till, take_while, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{consumed, opt, recognize};
use nom::sequence::preceded;

use super::fault::{Parsed, Reason, fail};
use super::layout::ends_value;
use super::point::Value;

/// The digits of a number whose kind is not known yet.
struct Shape<'a> {
    is_negative: bool,
    whole: &'a [u8],
    /// The digits after the dot, if there is one.
    fraction: Option<&'a [u8]>,
    has_exponent: bool,
}

/// integer | unsigned | float, distinguished by what follows the digits.
pub(super) fn number(input: &[u8]) -> Parsed<'_, Value<'_>> {
    let (rest, (raw, shape)) = consumed(shape).parse(input)?;
    let (rest, value) = match rest {
        [b'i', rest @ ..] => (rest, shape.integer().map(Value::Integer)),
        [b'u', rest @ ..] => (rest, shape.unsigned().map(Value::Unsigned)),
        _ => (rest, shape.float(raw).map(Value::Float)),
    };
    match value {
        _ if !ends_value(rest) => fail(input, Reason::NotANumber),
        Ok(value) => Ok((rest, value)),
        Err(reason) => fail(input, reason),
    }
}

/// One of the ten spellings, nothing else.
pub(super) fn boolean(input: &[u8]) -> Parsed<'_, bool> {
    let (rest, word) = take_till(|byte| matches!(byte, b',' | b' ' | b'\r' | b'\n'))(input)?;
    match word {
        b"t" | b"T" | b"true" | b"True" | b"TRUE" if ends_value(rest) => Ok((rest, true)),
        b"f" | b"F" | b"false" | b"False" | b"FALSE" if ends_value(rest) => Ok((rest, false)),
        _ => fail(input, Reason::NotABoolean),
    }
}

/// At least one digit.
pub(super) fn digits1(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_digit())(input)
}

/// The value of decimal digits, if it fits 64 bits.
pub(super) fn decimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |value, digit| {
        value
            .checked_mul(10)?
            .checked_add(u64::from(digit.wrapping_sub(b'0')))
    })
}

/// `magnitude` with its sign, if it fits.
pub(super) fn signed(is_negative: bool, magnitude: u64) -> Option<i64> {
    if is_negative {
        0_i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

fn shape(input: &[u8]) -> Parsed<'_, Shape<'_>> {
    let (rest, sign) = opt(char('-')).parse(input)?;
    let (rest, whole) = digits(rest)?;
    let (rest, fraction) = opt(preceded(char('.'), digits)).parse(rest)?;
    let (rest, exponent) = opt(exponent).parse(rest)?;
    let has_exponent = exponent.is_some();
    Ok((
        rest,
        Shape {
            is_negative: sign.is_some(),
            whole,
            fraction,
            has_exponent,
        },
    ))
}

fn exponent(input: &[u8]) -> Parsed<'_, &[u8]> {
    recognize((one_of("eE"), opt(one_of("+-")), digits1)).parse(input)
}

fn digits(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while(|byte: u8| byte.is_ascii_digit())(input)
}

impl Shape<'_> {
    fn integer(&self) -> Result<i64, Reason> {
        let magnitude = self.magnitude(Reason::IntegerOutOfRange)?;
        signed(self.is_negative, magnitude).ok_or(Reason::IntegerOutOfRange)
    }

    fn unsigned(&self) -> Result<u64, Reason> {
        if self.is_negative {
            return Err(Reason::NotANumber);
        }
        self.magnitude(Reason::UnsignedOutOfRange)
    }

    /// The value of the digits, which have to be all there is.
    fn magnitude(&self, out_of_range: Reason) -> Result<u64, Reason> {
        if self.whole.is_empty() || self.fraction.is_some() || self.has_exponent {
            return Err(Reason::NotANumber);
        }
        decimal(self.whole).ok_or(out_of_range)
    }

    fn float(&self, raw: &[u8]) -> Result<f64, Reason> {
        if self.whole.is_empty() && self.fraction.is_none_or(<[u8]>::is_empty) {
            return Err(Reason::NotANumber);
        }
        let value = from_utf8(raw)
            .ok()
            .and_then(|text| text.parse::<f64>().ok());
        match value {
            Some(value) if value.is_finite() => Ok(value),
            Some(_) => Err(Reason::FloatOutOfRange),
            None => Err(Reason::NotANumber),
        }
    }
}
