//! Log lines about the progress of a long replay.

use std::time::Duration;

use crate::clock;
use crate::wal::Progress;

/// The time between two lines.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// Logs from time to time how far the replay is and how fast, and in the end that it is done.
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
