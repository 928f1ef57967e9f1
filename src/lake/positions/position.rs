//! The position of one table: the frame up to which it is flushed, and the flushes that may have
//! reached it besides.
//!
//! A flush of unknown outcome may have reached the table, or may still do so. Once the table shows
//! that it has the rows of that flush, they must be released as a whole, without those of later
//! frames. So the last frame of each such flush is kept until a later flush has succeeded, and no
//! segment of the buffer extends across it, not even after a restart
//! ([`Buffer::split_after`](crate::buffer::Buffer::split_after)).

use serde::{Deserialize, Serialize};

use crate::id::Sequence;

/// The position of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::lake) struct Position {
    /// All frames up to this one are in the table, or were in it when it was deleted.
    pub(in crate::lake) flushed: Sequence,
    /// The last frame of a flush that was begun and has an unknown outcome: the highest such frame.
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
    /// The lowest transaction that the table may have.
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

    /// The last frames of the flushes that may have reached the table, in ascending order.
    pub(in crate::lake) fn doubts(&self) -> impl Iterator<Item = Sequence> {
        self.lower_attempts.iter().copied().chain(self.attempt)
    }

    /// Records that a flush up to here begins.
    pub(in crate::lake) fn attempt(&mut self, sequence: Sequence) {
        let mut doubts: Vec<Sequence> = self.doubts().collect();
        doubts.push(sequence);
        self.set_doubts(doubts);
    }

    /// Records that the table has everything up to here. A flush of more that seemed to fail may still
    /// arrive.
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

/// True for a table that was never deleted, and for files of format 1, which lack this.
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
