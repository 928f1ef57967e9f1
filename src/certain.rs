//! Invariants that our own code keeps: taken for certain, and loud if one is broken all the same.
//!
//! `series.get(id).certain("ids are handed out by this table")` is [`Option::expect`] for facts
//! that our own code keeps: an index that was just checked, an id that was handed out here, a list
//! that was made non-empty above. The text says why the value must be there, not what was looked
//! up. A default in its place (row 0, an empty slice, `Ok`) would look like success and be stored,
//! sent or acknowledged.
//!
//! The lints still forbid `expect`, so that one word separates the two cases: whatever a file, a
//! client or the system can cause is an error with a type, never `certain`. After a panic a request
//! is answered with a 500 (`server::layers`), a flush fails and is tried again, and in one of the
//! parts of [`crate::vital`] the process ends.
//!
//! It costs nothing while the invariant holds: nothing is formatted before it fails.

use std::fmt::Display;

/// A value that must be there.
pub trait Certain {
    /// The type of the value.
    type Value;

    /// Returns the value.
    ///
    /// # Panics
    ///
    /// If the value is missing, with the reason why it should be there.
    fn certain(self, why: &str) -> Self::Value;
}

impl<T> Certain for Option<T> {
    type Value = T;

    #[inline]
    #[track_caller]
    fn certain(self, why: &str) -> T {
        match self {
            Some(value) => value,
            None => impossible(why),
        }
    }
}

impl<T, E: Display> Certain for Result<T, E> {
    type Value = T;

    #[inline]
    #[track_caller]
    fn certain(self, why: &str) -> T {
        match self {
            Ok(value) => value,
            Err(error) => broken_by(why, &error),
        }
    }
}

/// Panics; for the arm of a `match` that is never taken.
///
/// # Panics
///
/// Always, with the reason why it is never taken.
#[cold]
#[inline(never)]
#[track_caller]
#[expect(
    clippy::panic,
    reason = "the one place where a broken promise of ours ends"
)]
pub fn impossible(why: &str) -> ! {
    panic!("a fault of tidegate: this does not hold: {why}")
}

#[cold]
#[inline(never)]
#[track_caller]
fn broken_by(why: &str, error: &dyn Display) -> ! {
    impossible(&format!("{why} ({error})"))
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::Certain;

    fn text(work: impl FnOnce() -> u32 + std::panic::UnwindSafe) -> String {
        let panic = catch_unwind(work).expect_err("it does not hold");
        panic.downcast_ref::<String>().expect("a text").clone()
    }

    #[test]
    fn what_holds_is_the_value() {
        assert_eq!(Some(7).certain("it was put there"), 7);
        assert_eq!(u32::try_from(7_u64).certain("seven is small"), 7);
    }

    #[test]
    fn what_does_not_hold_says_why_it_should() {
        let nothing = text(|| None.certain("it was put there"));
        assert!(
            nothing.ends_with("this does not hold: it was put there"),
            "{nothing}"
        );
        let large = text(|| u32::try_from(u64::MAX).certain("it is small"));
        assert!(large.contains("it is small (out of range"), "{large}");
    }
}
