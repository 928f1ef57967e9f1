//! Plain numbers and timestamps: digits with a sign, a dot and a kind. All others are read by the
//! grammar's leaves.

use super::super::number;
use super::super::point::Value;
use super::super::precision::Precision;
use super::words::{DIGITS_MAX, POWERS, decimal, digits};

/// The floats up to this one are all the integers, so a number of digits up to it is exact.
const EXACT_MAX: u64 = 1 << 53;

/// The powers of ten by which the digits after the dot are divided: exact, too, so that one division
/// rounds once and gives the nearest float, as the library does (Clinger 1990).
const FLOAT_POWERS: [f64; DIGITS_MAX + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19,
];

/// A number after which a value may end.
#[inline]
pub(super) fn number(input: &[u8]) -> Option<(Value<'_>, &[u8])> {
    if let Some((value, rest)) = plain(input)
        && matches!(rest, [b',' | b' ' | b'\n', ..])
    {
        return Some((value, rest));
    }
    let (rest, value) = number::number(input).ok()?;
    Some((value, rest))
}

/// A timestamp in nanoseconds, and the text after its line, if the line ends right after it.
#[inline]
pub(super) fn timestamp(precision: Precision, input: &[u8]) -> Option<(i64, &[u8])> {
    let (magnitude, rest) = magnitude(input)?;
    let [b'\n', rest @ ..] = rest else {
        return None;
    };
    let timestamp = i64::try_from(magnitude).ok()?;
    Some((precision.to_ns(timestamp)?, rest))
}

/// \[ "-" \] digits \[ "i" | "u" | "." digits \], whatever follows.
#[inline]
fn plain(input: &[u8]) -> Option<(Value<'_>, &[u8])> {
    let (is_negative, unsigned) = match input {
        [b'-', unsigned @ ..] => (true, unsigned),
        _ => (false, input),
    };
    let (whole, rest) = match decimal(unsigned) {
        Some(number) if number.places > 0 => {
            let value = exact(number.digits)? / FLOAT_POWERS.get(number.places)?;
            return Some((float(is_negative, value), unsigned.get(number.bytes..)?));
        }
        Some(number) => (number.digits, unsigned.get(number.bytes..)?),
        None => magnitude(unsigned)?,
    };
    match rest {
        [b'i', rest @ ..] => {
            let value = number::signed(is_negative, whole)?;
            Some((Value::Integer(value), rest))
        }
        [b'u', rest @ ..] if !is_negative => Some((Value::Unsigned(whole), rest)),
        [b'.', fraction @ ..] => {
            let (part, places) = digits(fraction);
            let digits_before = unsigned.len().saturating_sub(rest.len());
            if places == 0 || digits_before + places > DIGITS_MAX {
                return None;
            }
            let power = *POWERS.get(places)?;
            let magnitude = exact(whole.wrapping_mul(power).wrapping_add(part))?;
            let value = magnitude / FLOAT_POWERS.get(places)?;
            Some((float(is_negative, value), fraction.get(places..)?))
        }
        _ => Some((float(is_negative, exact(whole)?), rest)),
    }
}

/// At least one digit, and no more than are sure to fit.
#[inline]
fn magnitude(input: &[u8]) -> Option<(u64, &[u8])> {
    let (value, count) = digits(input);
    match count {
        1..=DIGITS_MAX => Some((value, input.get(count..)?)),
        _ => None,
    }
}

/// The float that is equal to `magnitude`, if every integer up to it has one.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "integers up to 2^53 are floats")]
fn exact(magnitude: u64) -> Option<f64> {
    (magnitude <= EXACT_MAX).then_some(magnitude as f64)
}

fn float<'a>(is_negative: bool, magnitude: f64) -> Value<'a> {
    Value::Float(if is_negative { -magnitude } else { magnitude })
}
