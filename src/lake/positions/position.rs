//! How far one table is flushed, as it is noted: what it must have, and which flushes may have
//! reached it besides.
//!
//! A flush whose end was not heard may have reached the table, or may still do so. Its rows must be
//! let go of as a whole, and without those of later frames, once the table tells that it has them.
//! So where each such flush ended is kept until a later one has succeeded, and no segment of the
//! buffer goes across it, after a restart neither
//! ([`Buffer::split_after`](crate::buffer::Buffer::split_after)).

use serde::{Deserialize, Serialize};

use crate::id::Sequence;

/// How far a table is flushed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lake) struct Position {
    /// All frames up to this one are in the table, or were in it when it was deleted.
    pub(in crate::lake) flushed: Sequence,
    /// A flush up to here was begun and is not known to have failed or succeeded: the highest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<Sequence>,
    /// The others, in ascending order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lower_attempts: Vec<Sequence>,
    /// Frames up to this one went with a table that was deleted or given up.
    #[serde(default, skip_serializing_if = "is_unset")]
    pub(in crate::lake) gone: Sequence,
    /// The last deletion of the bucket that is accounted for in `gone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::lake) deletion: Option<String>,
}

impl Position {
    /// The transaction that the table must have at least.
    pub(in crate::lake) fn expected(&self) -> Sequence {
        match self.flushed > self.gone {
            true => self.flushed,
            false => Sequence(0),
        }
    }

    /// The last frame that the table may have.
    pub(in crate::lake) fn last(&self) -> Sequence {
        self.flushed.max(self.attempt.unwrap_or_default())
    }

    /// Where the flushes end that may have reached the table, in ascending order.
    pub(in crate::lake) fn doubts(&self) -> impl Iterator<Item = Sequence> {
        self.lower_attempts.iter().copied().chain(self.attempt)
    }

    /// Notes that a flush up to here begins.
    pub(in crate::lake) fn attempt(&mut self, sequence: Sequence) {
        let mut doubts: Vec<Sequence> = self.doubts().collect();
        doubts.push(sequence);
        self.set_doubts(doubts);
    }

    /// Notes that the table has everything up to here. An attempt to flush more that seemed to fail
    /// may still arrive.
    pub(in crate::lake) fn flushed(&mut self, sequence: Sequence) {
        self.flushed = self.flushed.max(sequence);
        self.set_doubts(self.doubts().filter(|doubt| *doubt > sequence).collect());
    }

    fn set_doubts(&mut self, mut doubts: Vec<Sequence>) {
        doubts.sort_unstable();
        doubts.dedup();
        self.attempt = doubts.pop();
        self.lower_attempts = doubts;
    }
}

/// A table that was never deleted: what files of format 1 leave out.
fn is_unset(sequence: &Sequence) -> bool {
    *sequence == Sequence(0)
}

#[cfg(test)]
mod tests {
    use super::Position;
    use crate::id::Sequence;

    #[test]
    fn every_flush_whose_end_is_not_known_is_kept_until_a_later_one_has_succeeded() {
        let mut position = Position::default();
        for sequence in [8, 5, 8, 12] {
            position.attempt(Sequence(sequence));
        }
        let doubts = |position: &Position| position.doubts().map(|at| at.0).collect::<Vec<_>>();
        assert_eq!(doubts(&position), [5, 8, 12]);
        assert_eq!(position.last(), Sequence(12));
        let text = serde_json::to_string(&position).expect("JSON");
        let read: Position = serde_json::from_str(&text).expect("the same");
        assert_eq!(read, position);
        position.flushed(Sequence(8));
        assert_eq!(doubts(&position), [12]);
        position.flushed(Sequence(12));
        assert_eq!(doubts(&position), [0; 0]);
        assert_eq!(position.last(), Sequence(12));
    }
}
