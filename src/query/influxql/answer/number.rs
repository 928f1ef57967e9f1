//! Numbers as Go writes them.

/// Writes an integer in decimal digits.
#[inline]
pub(super) fn write_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes an unsigned integer in decimal digits.
#[inline]
pub(super) fn write_unsigned(value: u64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Writes a finite float in the fewest digits that read back to it, in exponent form below 1e-6 and
/// from 1e21 on; a whole number has no point.
#[inline]
pub(super) fn write_json_float(value: f64, out: &mut Vec<u8>) {
    let magnitude = value.abs();
    let exponential = magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude);
    write_float(value, exponential, out);
}

/// Writes a finite float in the fewest digits that read back to it, never in exponent form.
#[inline]
pub(super) fn write_plain_float(value: f64, out: &mut Vec<u8>) {
    write_float(value, false, out);
}

#[inline]
fn write_float(value: f64, exponential: bool, out: &mut Vec<u8>) {
    debug_assert!(
        value.is_finite(),
        "a number that JSON does not have is null"
    );
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(value);
    match text.split_once('e') {
        None if !exponential => {
            let whole = text.strip_suffix(".0").unwrap_or(text);
            out.extend_from_slice(whole.as_bytes());
        }
        parts => rewrite(text, parts, exponential, out),
    }
}

/// Writes a float that the writer of floats wrote in the other form.
#[cold]
fn rewrite(text: &str, parts: Option<(&str, &str)>, exponential: bool, out: &mut Vec<u8>) {
    let (mantissa, exponent) = parts.unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let unsigned = mantissa.strip_prefix('-');
    let (head, tail) = {
        let digits = unsigned.unwrap_or(mantissa);
        digits.split_once('.').unwrap_or((digits, ""))
    };
    let tail = if tail == "0" { "" } else { tail };
    debug_assert_eq!(head.len(), 1, "{text}");
    if unsigned.is_some() {
        out.push(b'-');
    }
    if exponential {
        write_exponential(head, tail, exponent, out);
    } else {
        write_decimal(head, tail, exponent, out);
    }
}

/// Writes `head.tail` times ten to the `exponent` with it.
fn write_exponential(head: &str, tail: &str, exponent: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(head.as_bytes());
    if !tail.is_empty() {
        out.push(b'.');
        out.extend_from_slice(tail.as_bytes());
    }
    out.extend_from_slice(if exponent < 0 { b"e" } else { b"e+" });
    write_integer(i64::from(exponent), out);
}

/// Writes `head.tail` times ten to the `exponent` without it.
fn write_decimal(head: &str, tail: &str, exponent: i32, out: &mut Vec<u8>) {
    let Ok(whole) = usize::try_from(exponent) else {
        out.extend_from_slice(b"0.");
        out.extend((exponent..-1).map(|_| b'0'));
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(tail.as_bytes());
        return;
    };
    out.extend_from_slice(head.as_bytes());
    if let Some((whole, fraction)) = tail.split_at_checked(whole) {
        out.extend_from_slice(whole.as_bytes());
        if !fraction.is_empty() {
            out.push(b'.');
            out.extend_from_slice(fraction.as_bytes());
        }
    } else {
        out.extend_from_slice(tail.as_bytes());
        out.extend((tail.len()..whole).map(|_| b'0'));
    }
}
