//! Requests whose answer nobody but the peer needs, and the peer that goes away meanwhile.
//!
//! A peer may close its side once its request is sent: most requests are worth to be finished all the
//! same (a write must not be lost for it), so nothing reads the connection until the answer is sent.
//! A question is work for its answer alone. As long as one is answered, the guard looks whether the
//! peer has closed its side, and that ends the connection and the question with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the requests of one connection that end with their peer.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Presence(Arc<AtomicUsize>);

/// One such request, until it is dropped.
#[derive(Debug)]
pub(in crate::server) struct Needed(Arc<AtomicUsize>);

impl Presence {
    /// Begins a request that ends with its peer.
    pub(in crate::server) fn needed(&self) -> Needed {
        self.0.fetch_add(1, Ordering::Relaxed);
        Needed(Arc::clone(&self.0))
    }

    pub(super) fn is_needed(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for Needed {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
