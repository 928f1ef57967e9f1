//! The options of the log.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::id::Sequence;

/// The options of the log; the defaults are those of the configuration.
#[derive(Clone, Debug)]
pub struct WalOptions {
    /// A segment that would grow past this gets a successor. At most 2 GiB.
    pub segment_bytes_max: u64,
    /// The number of bytes written and synced at once; a single frame may be larger.
    pub group_bytes_max: usize,
    /// New frames get higher sequences than this, whatever the log holds: where sequences are
    /// remembered elsewhere, none may occur twice.
    pub sequences_after: Sequence,
    /// The time from a failure to the first new attempt.
    pub probe_first: Duration,
    /// The time between later attempts, with or without traffic.
    pub probe_every: Duration,
    /// The number of bytes that must fit after a full disk (or the size of the write that did not
    /// fit, if larger) before the log reports itself healthy. Without this, a last half-filled
    /// block would do.
    pub room_bytes_min: usize,
    /// Receives a report on every group.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for WalOptions {
    fn default() -> Self {
        Self {
            segment_bytes_max: 64 << 20,
            group_bytes_max: 8 << 20,
            sequences_after: Sequence(0),
            probe_first: Duration::from_millis(200),
            probe_every: Duration::from_millis(900),
            room_bytes_min: 256 << 10,
            observer: None,
        }
    }
}

/// Receives reports on the log, on the thread that commits: it must be quick.
pub trait Observer: Debug + Send + Sync {
    /// Reports a group that became durable.
    fn group(&self, group: &GroupReport);
}

/// A group that became durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupReport {
    /// Frames in it.
    pub frames: usize,
    /// Bytes written, with frame headers.
    pub bytes: usize,
    /// The duration of the write.
    pub write: Duration,
    /// The duration of the sync.
    pub sync: Duration,
}
