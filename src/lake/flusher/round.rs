//! Flushes that are logged in one line: a line per table would be thousands every few minutes.

use std::time::{Duration, Instant};

use crate::telemetry::FlushCounts;

/// The interval at which a round that does not end is logged.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Flushes since the last line about them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    flushes: u64,
    counts: FlushCounts,
    began: Option<Instant>,
}

impl Round {
    /// Adds a flush that began at `began`.
    pub(super) fn add(&mut self, flushed: FlushCounts, began: Instant) {
        self.flushes += 1;
        self.counts += flushed;
        self.began = Some(self.began.map_or(began, |first| first.min(began)));
    }

    /// Takes the round if it is to be logged: no flush is running, or it has lasted for long.
    pub(super) fn take_if_over(&mut self, is_over: bool, now: Instant) -> Option<Self> {
        let began = self.began?;
        let is_due = is_over || now.saturating_duration_since(began) >= TELL_EVERY;
        is_due.then(|| std::mem::take(self))
    }

    pub(super) fn tell(&self, now: Instant) {
        let Self {
            flushes,
            counts,
            began,
        } = self;
        let seconds = began.map_or(Duration::ZERO, |began| now.saturating_duration_since(began));
        tracing::info!(
            flushes,
            rows = counts.rows,
            merged = counts.merged,
            files = counts.files,
            bytes = counts.bytes,
            seconds = seconds.as_secs_f64(),
            "flushed"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::{Round, TELL_EVERY};
    use crate::clock;
    use crate::telemetry::FlushCounts;

    #[test]
    fn a_round_is_told_once_when_it_is_over_or_has_lasted_for_long() {
        let (mut round, start) = (Round::default(), clock::instant());
        assert!(round.take_if_over(true, start).is_none(), "nothing to tell");
        let flushed = FlushCounts {
            rows: 3,
            files: 1,
            ..FlushCounts::default()
        };
        round.add(flushed, start);
        round.add(flushed, start);
        assert!(round.take_if_over(false, start).is_none());
        let told = round.take_if_over(true, start).expect("over");
        assert_eq!(
            (told.flushes, told.counts.rows, told.counts.files),
            (2, 6, 2)
        );
        assert!(round.take_if_over(true, start).is_none(), "told");
        round.add(flushed, start);
        assert!(round.take_if_over(false, start + TELL_EVERY).is_some());
    }
}
