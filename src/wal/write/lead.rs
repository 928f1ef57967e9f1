//! A submitter that does the work of the log's thread for once.
//!
//! Waking a thread takes longer than most frames do, and where both processors are busy it may take
//! milliseconds. So a frame that finds the log's thread asleep can be committed by its own thread, with
//! all that is queued by then. Frames that come while it does so are left to the log's thread: under
//! load, that one commits nearly all.

use std::sync::Arc;

use super::committer::Place;
use super::queue::Shared;
use crate::vital;

/// The charge of frames that were submitted while the log's thread slept. When it is dropped, that
/// thread commits what is still there.
#[must_use = "dropping it wakes the log's thread"]
pub struct Lead {
    shared: Arc<Shared>,
    place: Arc<Place>,
}

impl Lead {
    pub(super) fn new(shared: &Arc<Shared>, place: &Arc<Place>) -> Self {
        Self {
            shared: Arc::clone(shared),
            place: Arc::clone(place),
        }
    }

    /// Commits a group of frames on this thread, and runs their completions. Blocks on the disk. The
    /// caller must hold no lock that a completion takes.
    pub fn commit(self) {
        // If the log's thread is awake after all, it has seen the frames, or will.
        let Ok(mut place) = self.place.try_lock() else {
            return;
        };
        if let Some(committer) = place.as_mut() {
            self.shared.lead();
            vital::step("wal", || committer.commit_group());
        }
        // Before the log's thread is woken, which is done when `self` is dropped.
        drop(place);
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.shared.hand_back();
    }
}

impl std::fmt::Debug for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lead").finish_non_exhaustive()
    }
}
