//! Catching panics: Parquet's reader panics on some kinds of damage, which is an error of the file and
//! must not be a panic of ours.
//!
//! A panic would be printed before it is caught, with paths of the machine that built the program. So
//! nothing is printed while [`caught`] runs something.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// Returns what `read` returns; nothing if it panicked. Then whatever it was using must not be used
/// again.
pub(super) fn caught<T>(read: impl FnOnce() -> T) -> Option<T> {
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                before(panic);
            }
        }));
    });
    IS_QUIET.set(true);
    let done = catch_unwind(AssertUnwindSafe(read));
    IS_QUIET.set(false);
    done.ok()
}
