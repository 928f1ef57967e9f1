//! What a long replay of the log says meanwhile.

use std::time::Duration;

use crate::clock;
use crate::wal::Progress;

/// How often it says how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// Says every now and then how far the replay is, how fast, and at last that it has ended.
pub(super) fn progress_log() -> impl FnMut(Progress) {
    let started = clock::instant();
    let mut told = started;
    move |progress: Progress| {
        let now = clock::instant();
        let Progress {
            bytes_done,
            bytes_total,
            frames,
            ..
        } = progress;
        let ended = bytes_done >= bytes_total;
        if bytes_total == 0 || (!ended && now.saturating_duration_since(told) < PROGRESS_EVERY) {
            return;
        }
        told = now;
        let millis = now.saturating_duration_since(started).as_millis().max(1);
        let bytes_a_second = u128::from(bytes_done) * 1000 / millis;
        let word = if ended {
            "the log is replayed"
        } else {
            "replaying the log"
        };
        tracing::info!(bytes_done, bytes_total, frames, %bytes_a_second, "{word}");
    }
}
