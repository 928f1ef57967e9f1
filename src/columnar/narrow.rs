//! The one place where a count becomes a 32-bit id.

/// An id (of a row, a series, a dictionary entry, an offset into text) as Arrow wants it: below
/// 2^31.
///
/// Slices of the parser are a few MiB and a segment is frozen before it reaches 1 GiB (`buffer`
/// checks before it appends, whatever the configuration says), and every id costs at least one
/// byte, so the limit is never met.
#[allow(
    clippy::expect_used,
    reason = "the invariant is stated above and kept by the callers"
)]
pub(super) fn id(count: usize) -> u32 {
    i32::try_from(count)
        .expect("a batch stays far below 2 GiB")
        .cast_unsigned()
}
