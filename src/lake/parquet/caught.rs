//! Parquet's reader panics on some damages: that is an error of the file, and no panic of ours.
//!
//! A panic that is caught has been printed before, with paths of the machine that built the program:
//! while [`caught`] runs something nothing is printed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

static HOOK: Once = Once::new();

/// What `read` returns; nothing if it panicked. What it was at work on must not be used again then.
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
