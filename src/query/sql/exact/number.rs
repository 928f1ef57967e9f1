//! The place of a number among the integers.

use datafusion::common::ScalarValue;

/// What of a number counts when it is compared with integers of 64 bits: the integer that it is, or the
/// two that it lies between. All numbers beyond ±2^66 are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Number {
    /// The largest integer that is not larger.
    floor: i128,
    /// True if it is that integer.
    pub(super) is_whole: bool,
}

/// What stands for all larger numbers.
const MOST: i128 = 1 << 66;

/// The digits before the point of which a number is larger than [`MOST`] for sure, and an `i128` can hold
/// all of them.
const DIGITS_MAX: usize = 30;

impl Number {
    /// The place of a float; none for infinities and what is not a number.
    pub(super) fn of_float(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        // 2^66, as any power of two, is a float.
        let most = 2_f64.powi(66);
        let float = float.clamp(-most, most);
        let floor = float.floor();
        Some(Self {
            // All digits before the point are written, and they are the exact ones.
            floor: format!("{floor:.0}").parse().ok()?,
            is_whole: float == floor,
        })
    }

    /// The place of a decimal number such as `-12.5e-1`; none if the text is something else.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.as_bytes().first()? {
            b'-' => (true, text.get(1..)?),
            b'+' => (false, text.get(1..)?),
            _ => (false, text),
        };
        let (text, exponent) = match text.split_once(['e', 'E']) {
            Some((text, exponent)) => (text, exponent_of(exponent)?),
            None => (text, 0),
        };
        let (before, after) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{before}{after}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let point = i64::try_from(before.len()).ok()? + exponent;
        let point = point - i64::try_from(digits.len() - significant.len()).ok()?;
        let number = Self::placed(significant, point)?;
        Some(match is_negative {
            true => number.negative(),
            false => number,
        })
    }

    /// The place of digits, of which so many stand before the point. The first is not 0.
    fn placed(digits: &str, point: i64) -> Option<Self> {
        let whole = |floor| Self {
            floor,
            is_whole: true,
        };
        let Some(before) = usize::try_from(point).ok().filter(|before| *before > 0) else {
            return Some(Self {
                floor: 0,
                is_whole: digits.is_empty(),
            });
        };
        if digits.is_empty() {
            return Some(whole(0));
        }
        if before > DIGITS_MAX {
            return Some(whole(MOST));
        }
        let (integer, rest) = digits.split_at(before.min(digits.len()));
        let floor: i128 = format!("{integer:0<before$}").parse().ok()?;
        if floor >= MOST {
            return Some(whole(MOST));
        }
        Some(Self {
            floor,
            is_whole: rest.bytes().all(|digit| digit == b'0'),
        })
    }

    /// The number with the other sign.
    pub(super) fn negative(self) -> Self {
        Self {
            floor: match self.is_whole {
                true => -self.floor,
                false => -self.floor - 1,
            },
            ..self
        }
    }

    /// The integer that it is, if one of 64 bits is.
    pub(super) fn integer(self) -> Option<ScalarValue> {
        self.is_whole.then(|| integer(self.floor)).flatten()
    }

    /// The largest integer that is not larger, if it has 64 bits.
    pub(super) fn floor(self) -> Option<ScalarValue> {
        integer(self.floor)
    }

    /// The least integer that is not less, if it has 64 bits.
    pub(super) fn ceil(self) -> Option<ScalarValue> {
        integer(self.floor + i128::from(!self.is_whole))
    }

    /// A value that compares with every integer of 64 bits as this number does: the integer, or a
    /// decimal.
    pub(super) fn alike(self) -> ScalarValue {
        let tenths = if self.is_whole { 0 } else { 5 };
        let decimal = ScalarValue::Decimal128(Some(self.floor * 10 + tenths), 21, 1);
        self.integer().unwrap_or(decimal)
    }
}

/// A power of ten; a far one stands for all that are farther.
fn exponent_of(text: &str) -> Option<i64> {
    const FAR: i64 = 1 << 40;
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let far = match text.starts_with('-') {
        true => -FAR,
        false => FAR,
    };
    Some(
        text.parse()
            .map_or(far, |exponent: i64| exponent.clamp(-FAR, FAR)),
    )
}

fn integer(value: i128) -> Option<ScalarValue> {
    let signed = i64::try_from(value).map(ScalarValue::from);
    let unsigned = || u64::try_from(value).map(ScalarValue::from);
    signed.or_else(|_| unsigned()).ok()
}
