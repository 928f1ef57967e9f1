//! Conversions between the sizes of integers, in one place, with what each may lose.
//!
//! `as` is forbidden where it could lose something, and `try_from(..).unwrap_or(MAX)` does not say
//! whether `MAX` is an intended cap or the answer to an impossible case. Here the name says it:
//!
//! | function | if the value does not fit |
//! | --- | --- |
//! | [`to_u64`] | cannot happen: every count fits |
//! | [`to_usize`] | capped: no buffer is that long, so such a limit never applies |
//! | [`capped_i32`], [`capped_u32`], [`capped_i64`], [`capped_u64`] | capped, for numbers that people and estimates read, and for times past the range of times |
//! | [`not_negative`] | zero, for numbers from outside that should not be negative |
//! | [`to_u32`], [`id`] | panics: the caller knows why it fits |

use crate::certain::Certain;

const _: () = assert!(usize::BITS <= u64::BITS, "every count fits into 64 bits");

/// A count in 64 bits.
#[inline]
#[must_use]
pub const fn to_u64(count: usize) -> u64 {
    count as u64
}

/// A length or limit as a count of things in memory; the largest count if it does not fit (on a
/// 32-bit machine).
#[inline]
#[must_use]
pub fn to_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

/// A count in 32 bits, capped at the largest. For numbers that are shown or estimated, never for
/// those that are looked up or stored.
#[inline]
#[must_use]
pub fn capped_u32(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A count in signed 32 bits, capped at the largest, for interfaces that take no wider one.
#[inline]
#[must_use]
pub fn capped_i32(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A span (nanoseconds, say) in signed 64 bits, capped at the largest: nothing is further away.
#[inline]
#[must_use]
pub fn capped_i64(span: u128) -> i64 {
    i64::try_from(span).unwrap_or(i64::MAX)
}

/// A wider count in 64 bits, capped at the largest. For numbers that are shown, compared or waited
/// for.
#[inline]
#[must_use]
pub fn capped_u64(count: u128) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// A count that other code keeps as a signed number; 0 if it is negative, which makes no sense.
#[inline]
#[must_use]
pub fn not_negative(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

/// A count in 32 bits, for ids and positions that are looked up later: one that does not fit would
/// name something else.
///
/// # Panics
///
/// If the count does not fit, with the reason why it should.
#[inline]
#[must_use]
#[track_caller]
pub fn to_u32(count: usize, why: &str) -> u32 {
    u32::try_from(count).certain(why)
}

/// An id (of a row, a series, a dictionary entry, an offset into text) as Arrow wants it: below
/// 2^31.
///
/// Slices of the parser are a few MiB and a segment is frozen before it reaches 1 GiB (`buffer`
/// checks before it appends, whatever the configuration says), and every id costs at least one
/// byte, so the limit is never met.
///
/// # Panics
///
/// If the limit is met.
#[inline]
#[must_use]
#[track_caller]
pub fn id(count: usize) -> u32 {
    let id = i32::try_from(count).certain("a batch stays far below 2 GiB");
    id.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_is_a_cap_and_an_id_is_never_another_one() {
        assert_eq!(to_u64(usize::MAX), u64::MAX);
        assert_eq!(to_usize(u64::MAX), usize::MAX);
        assert_eq!(capped_u32(u64::from(u32::MAX) + 1), u32::MAX);
        assert_eq!((capped_i32(usize::MAX), capped_i32(7)), (i32::MAX, 7));
        assert_eq!((capped_i64(u128::MAX), capped_i64(7)), (i64::MAX, 7));
        assert_eq!((not_negative(-1), not_negative(1)), (0, 1));
        assert_eq!(to_u32(7, "seven is small"), 7);
        let lost = std::panic::catch_unwind(|| to_u32(1 << 32, "rows are few"));
        assert!(lost.is_err());
    }
}
