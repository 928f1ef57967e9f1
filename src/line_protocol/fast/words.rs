//! Eight bytes at a time: where a plain tag value ends, and the value of digits. A word holds its
//! first byte in its lowest bits.

/// A word of eight times 1; a byte times this is that byte eight times.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The largest number of digits whose value always fits 64 bits.
pub(super) const DIGITS_MAX: usize = 19;

/// The powers of ten by which a word with fewer than eight digits shifts those before it.
const POWERS: [u64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The number of bytes before the first that may end a tag value: a comma or a byte below it, `=` or
/// a backslash. Everything that ends one is among these, and some that do not are, too.
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
        let others = (word.wrapping_add(ONES * 0x76) | word) & HIGHS;
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

    use super::{DIGITS_MAX, digits, plain_bytes};

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
        fn digits_that_are_too_many_are_counted_as_that(spelled in "[0-9]{20,60}") {
            prop_assert!(digits(spelled.as_bytes()).1 > DIGITS_MAX);
        }
    }
}
