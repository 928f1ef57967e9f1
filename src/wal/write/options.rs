//! What can be set about the log.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::id::Sequence;

/// What can be set about the log; the defaults are those of the configuration.
#[derive(Clone, Debug)]
pub struct WalOptions {
    /// A segment that would grow past this gets a successor. At most 2 GiB.
    pub segment_bytes_max: u64,
    /// How many bytes are written and synced at once; a single frame may be larger.
    pub group_bytes_max: usize,
    /// New frames get higher sequences than this, whatever the log holds: where else sequences are
    /// remembered they must not come twice.
    pub sequences_after: Sequence,
    /// After a failure the log is tried again after this long...
    pub probe_first: Duration,
    /// ...and then every so often, whether there is traffic or not.
    pub probe_every: Duration,
    /// After a full disk, so much must fit (or the write that did not, if it was larger) for the
    /// log to call itself healthy. Without this a last half-filled block would do.
    pub room_bytes_min: usize,
    /// Is told about every group.
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

/// Is told how the log does, on the log's thread: it must be quick.
pub trait Observer: Debug + Send + Sync {
    /// A group became durable.
    fn group(&self, group: &GroupReport);
}

/// A group that became durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupReport {
    /// Frames in it.
    pub frames: usize,
    /// Bytes written, with frame headers.
    pub bytes: usize,
    /// How long the write took.
    pub write: Duration,
    /// How long the sync took.
    pub sync: Duration,
}
