//! Whether a table was looked for lately and was not there: anyone who may read can ask for any name,
//! again and again, and each look asks the store.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock;

/// The last time that a table was not there.
#[derive(Debug, Default)]
pub(super) struct Absence(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    /// How often the table was there. A look that saw nothing of that may have been too early.
    found: u64,
    missed: Option<Missed>,
}

/// A look that found no table.
#[derive(Clone, Debug)]
pub(super) struct Missed {
    began: Instant,
    /// The last deletion of the bucket then.
    pub(super) deletion: Option<String>,
}

/// A look that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    began: Instant,
    found: u64,
}

impl Absence {
    /// The last look, if it began within this time and found nothing.
    pub(super) fn within(&self, age: Duration) -> Option<Missed> {
        let missed = self.lock().missed.clone();
        let now = clock::instant();
        missed.filter(|missed| now.saturating_duration_since(missed.began) < age)
    }

    /// Begins a look.
    pub(super) fn begin(&self) -> Look {
        Look {
            began: clock::instant(),
            found: self.lock().found,
        }
    }

    /// Notes that a look found nothing, unless the table was there since it began.
    pub(super) fn note(&self, look: Look, deletion: Option<String>) {
        let mut noted = self.lock();
        if noted.found == look.found {
            noted.missed = Some(Missed {
                began: look.began,
                deletion,
            });
        }
    }

    /// Notes that the table is there.
    pub(super) fn end(&self) {
        let mut noted = self.lock();
        noted.found += 1;
        noted.missed = None;
    }

    /// Returns true if the table was not there when it was looked for last.
    pub(super) fn is_noted(&self) -> bool {
        self.lock().missed.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Absence;

    #[test]
    fn a_look_that_began_before_the_table_was_made_says_nothing() {
        let (absence, hour) = (Absence::default(), Duration::from_secs(3600));
        let early = absence.begin();
        absence.end();
        absence.note(early, None);
        assert!(absence.within(hour).is_none());
        absence.note(absence.begin(), Some("deleted".to_owned()));
        let seen = absence.within(hour).expect("noted");
        assert_eq!(seen.deletion.as_deref(), Some("deleted"));
        assert!(absence.within(Duration::ZERO).is_none());
        absence.end();
        assert!(absence.within(hour).is_none() && !absence.is_noted());
    }
}
