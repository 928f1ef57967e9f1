//! Heavy work, done where it holds up no other request.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Work on fewer bytes than this is done on a thread that serves others.
const ASIDE_BYTES: u64 = 256 * 1024;

/// Does work on this many bytes where it holds up no other request: if it is heavy, a thread that
/// serves others hands them over first. There is no queue in which the work could wait, because
/// something ahead of it in that queue might be waiting for it.
pub(super) fn aside<T>(bytes: u64, work: impl FnOnce() -> T) -> T {
    if is_heavy(bytes) && can_block() {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

/// Returns true if work on this many bytes would hold up others.
pub(super) fn is_heavy(bytes: u64) -> bool {
    bytes >= ASIDE_BYTES
}

/// Returns true if this thread can hand over what it serves, before it blocks.
pub(super) fn can_block() -> bool {
    let flavor = Handle::try_current().map(|runtime| runtime.runtime_flavor());
    flavor.is_ok_and(|flavor| flavor == RuntimeFlavor::MultiThread)
}
