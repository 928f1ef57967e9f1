//! Eight bytes at a time: where a plain tag value or key ends, and the value of digits. A word holds its
//! first byte in its lowest bits.

/// A word of eight times 1; a byte times this is that byte eight times.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The largest number of digits whose value always fits 64 bits.
pub(super) const DIGITS_MAX: usize = 19;

/// The powers of ten by which digits move to the left when others come after them.
pub(super) const POWERS: [u64; DIGITS_MAX + 1] = {
    let mut powers = [1; DIGITS_MAX + 1];
    let mut rest: &mut [u64] = &mut powers;
    while let [power, more @ ..] = rest {
        if let [next, ..] = more {
            *next = *power * 10;
        }
        rest = more;
    }
    powers
};

/// The number of bytes before the first that may end a tag value or a key: a comma or a byte below it,
/// `=` or a backslash. What ends a tag value is among these, and some bytes that do not are, too. What ends
/// a key is, but for DEL.
#[inline]
pub(super) fn plain_bytes(input: &[u8]) -> usize {
    let mut plain = 0;
    let mut rest = input;
    while let Some((chunk, after)) = rest.split_first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let ends = at_most_comma(word)
            | zeros(word ^ (ONES * b'=' as u64))
            | zeros(word ^ (ONES * b'\\' as u64));
        if ends != 0 {
            return plain + first(ends);
        }
        plain += chunk.len();
        rest = after;
    }
    let is_plain = |byte: &&u8| !matches!(byte, 0..=b',' | b'=' | b'\\');
    plain + rest.iter().take_while(is_plain).count()
}

/// The digits that `input` starts with: their value, and their number. The value is that of the
/// digits only if there are no more than [`DIGITS_MAX`].
#[inline]
pub(super) fn digits(input: &[u8]) -> (u64, usize) {
    let (mut value, mut count) = (0_u64, 0);
    let mut rest = input;
    while let Some((chunk, after)) = rest.split_first_chunk() {
        // A digit becomes its value, and every other byte becomes 10 or more.
        let word = u64::from_le_bytes(*chunk) ^ (ONES * b'0' as u64);
        let others = others(word);
        if others != 0 {
            let more = first(others);
            if let Some(power @ 10..) = POWERS.get(more) {
                let leading = word << (64 - 8 * more);
                value = value.wrapping_mul(*power).wrapping_add(eight(leading));
            }
            return (value, count + more);
        }
        value = value.wrapping_mul(100_000_000).wrapping_add(eight(word));
        count += chunk.len();
        rest = after;
        if count > DIGITS_MAX {
            return (value, count);
        }
    }
    for digit in rest.iter().take_while(|byte| byte.is_ascii_digit()) {
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        count += 1;
    }
    (value, count)
}

/// A number as it is written: digits, and perhaps a dot between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    /// The value of the digits, the dot left out.
    pub(super) digits: u64,
    /// The number of digits after the dot.
    pub(super) places: usize,
    /// The number of bytes.
    pub(super) bytes: usize,
}

/// The number that `input` starts with: at most seven digits, and perhaps a dot and more digits, together
/// at most [`DIGITS_MAX`]. Nothing for others, nor if fewer than eight bytes are left.
#[inline]
pub(super) fn decimal(input: &[u8]) -> Option<Decimal> {
    const DOT: u64 = (b'.' ^ b'0') as u64;
    let (chunk, rest) = input.split_first_chunk()?;
    let word = u64::from_le_bytes(*chunk) ^ (ONES * b'0' as u64);
    let marks = others(word);
    let before = first(marks);
    if marks == 0 || before == 0 {
        return None;
    }
    if word >> (8 * before) & 0xff != DOT {
        return Some(Decimal {
            digits: eight(word << (64 - 8 * before)),
            places: 0,
            bytes: before,
        });
    }
    // Without the dot, and with a byte that is no digit where none is known any more.
    let low = (1_u64 << (8 * before)) - 1;
    let joined = (word & low) | ((word >> 8) & !low) | (0xff << 56);
    let known = first(others(joined));
    let start = eight(joined << (64 - 8 * known));
    if known < 7 {
        let places = known - before;
        return (places > 0).then_some(Decimal {
            digits: start,
            places,
            bytes: known + 1,
        });
    }
    let (more, count) = digits(rest);
    if known + count > DIGITS_MAX || before == known && count == 0 {
        return None;
    }
    let power = POWERS.get(count)?;
    Some(Decimal {
        digits: start.wrapping_mul(*power).wrapping_add(more),
        places: known - before + count,
        bytes: chunk.len() + count,
    })
}

/// The highest bit of each byte that is no digit, of a word in which each digit is its value.
#[inline]
fn others(word: u64) -> u64 {
    (word.wrapping_add(ONES * 0x76) | word) & HIGHS
}

/// The value of eight digits, each from 0 to 9: neighbours are joined to numbers of two digits, then
/// to four, then to eight.
#[inline]
fn eight(digits: u64) -> u64 {
    let pairs = (digits.wrapping_mul(10).wrapping_add(digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff
}

/// The highest bit of each byte up to the first that is zero, and of that one; bits after the first
/// mean nothing.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// The same for bytes up to the comma.
#[inline]
fn at_most_comma(word: u64) -> u64 {
    word.wrapping_sub(ONES * (b',' as u64 + 1)) & !word & HIGHS
}

/// The place of the first byte that is marked.
#[inline]
fn first(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::{DIGITS_MAX, Decimal, decimal, digits, plain_bytes};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn a_plain_value_ends_at_the_first_byte_that_may_end_one(
            text in vec(select(&b"aZ019-./_~\x7f\x80\xad\xdc\xff\xbd,,  ==\\\\\r\n\t\0+"[..]), 0..40),
        ) {
            let is_end = |byte: &u8| *byte <= b',' || matches!(byte, b'=' | b'\\');
            let expected = text.iter().position(is_end).unwrap_or(text.len());
            prop_assert_eq!(plain_bytes(&text), expected);
        }

        #[test]
        fn digits_have_the_value_that_they_spell(
            spelled in "[0-9]{0,19}",
            after in vec(any::<u8>().prop_filter("no digit", |byte| !byte.is_ascii_digit()), 0..12),
        ) {
            let input = [spelled.as_bytes(), &after].concat();
            let value = spelled.parse().unwrap_or(0);
            prop_assert_eq!(digits(&input), (value, spelled.len()));
        }

        #[test]
        fn a_decimal_is_what_it_spells(
            whole in "[0-9]{0,9}",
            dot in "[./:]?",
            part in "[0-9]{0,13}",
            after in vec(any::<u8>().prop_filter("no digit", |byte| !byte.is_ascii_digit()), 0..12),
        ) {
            let input = [whole.as_bytes(), dot.as_bytes(), part.as_bytes(), &after].concat();
            let spelled = |from: usize| {
                let rest = input.iter().skip(from);
                rest.take_while(|byte| byte.is_ascii_digit()).count()
            };
            let before = spelled(0);
            let places = match input.get(before) {
                Some(b'.') => spelled(before + 1),
                _ => 0,
            };
            let is_dotted = input.get(before) == Some(&b'.');
            let is_read = input.len() >= 8
                && (1..8).contains(&before)
                && is_dotted == (places > 0)
                && before + places <= DIGITS_MAX;
            let bytes = before + usize::from(is_dotted) + places;
            let digits = input.iter().take(bytes).filter(|byte| **byte != b'.');
            let digits: String = digits.map(|byte| char::from(*byte)).collect();
            let expected = is_read.then(|| Decimal {
                digits: digits.parse().expect("at most 19 digits"),
                places,
                bytes,
            });
            prop_assert_eq!(decimal(&input), expected);
        }

        #[test]
        fn digits_that_are_too_many_are_counted_as_that(spelled in "[0-9]{20,60}") {
            prop_assert!(digits(spelled.as_bytes()).1 > DIGITS_MAX);
        }
    }
}
