//! A buffer for bytes of unknown number: memory is taken before it is filled, in steps that double,
//! without ever waiting for it.

use bytes::Bytes;

use super::BodyError;
use crate::certain::Certain;
use crate::memory::Reservation;
use crate::narrow;

/// The reason why there is as much room as there is.
const FILLED: &str = "no more is filled than there is";

/// The first step.
const STEP_BYTES_MIN: usize = 64 * 1024;

/// A vector within a reservation and a limit.
#[derive(Debug)]
pub(super) struct Growing {
    /// Zeros, as far as it is not filled: where there are many, the system gives them when they are written
    /// to.
    bytes: Vec<u8>,
    /// How many of them are filled.
    length: usize,
    /// Covers the vector's capacity.
    reservation: Reservation,
    bytes_max: u64,
}

impl Growing {
    /// Makes room for what `reservation` covers; takes more as needed, up to `bytes_max`.
    pub(super) fn new(reservation: Reservation, bytes_max: u64) -> Self {
        let capacity = narrow::to_usize(reservation.bytes());
        Self {
            bytes: vec![0; capacity],
            length: 0,
            reservation,
            bytes_max,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// The room that there is already: what is written to its start is to be [taken](Self::take).
    pub(super) fn room(&mut self) -> &mut [u8] {
        let room = self.bytes.get_mut(self.length..);
        room.certain(FILLED)
    }

    /// Takes so many bytes of the room.
    pub(super) fn take(&mut self, bytes: usize) {
        self.length += bytes;
        debug_assert!(self.length <= self.bytes.len(), "{FILLED}");
    }

    /// Appends a chunk, or returns the limit that forbids it.
    pub(super) fn extend(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let length = self.length.saturating_add(chunk.len());
        if narrow::to_u64(length) > self.bytes_max {
            return Err(BodyError::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        if length > self.bytes.len() {
            self.grow(length)?;
        }
        let room = self.bytes.get_mut(self.length..length);
        room.certain(FILLED).copy_from_slice(chunk);
        self.length = length;
        Ok(())
    }

    /// Moves the bytes to a larger allocation; both are held during the move.
    fn grow(&mut self, length: usize) -> Result<(), BodyError> {
        let limit = narrow::to_usize(self.bytes_max);
        let doubled = self.bytes.len().saturating_mul(2).max(STEP_BYTES_MIN);
        let capacity = doubled.min(limit).max(length);
        self.reservation.try_grow(narrow::to_u64(capacity))?;
        let mut larger = vec![0; capacity];
        let (filled, room) = (self.bytes.get(..self.length), larger.get_mut(..self.length));
        room.certain(FILLED).copy_from_slice(filled.certain(FILLED));
        self.bytes = larger;
        self.reservation
            .shrink_to(narrow::to_u64(self.bytes.capacity()));
        Ok(())
    }

    /// The bytes and the reservation that covers them.
    pub(super) fn finish(mut self) -> (Bytes, Reservation) {
        self.bytes.truncate(self.length);
        (Bytes::from(self.bytes), self.reservation)
    }
}

#[cfg(test)]
mod tests {
    use super::{BodyError, Growing, STEP_BYTES_MIN};
    use crate::memory::{Budget, Marks};

    fn budget(hard_bytes: u64) -> Budget {
        Budget::new(Marks {
            budget_bytes: hard_bytes,
            soft_bytes: 1,
            hard_bytes,
        })
    }

    #[test]
    fn memory_is_taken_before_it_is_filled_and_given_back_after() {
        let budget = budget(1 << 20);
        let mut growing = Growing::new(budget.try_reserve(10).expect("fits"), 1 << 20);
        growing
            .extend(b"0123456789")
            .expect("within the reservation");
        assert_eq!(budget.used_bytes(), 10);
        growing.extend(b"more").expect("grows");
        assert_eq!(budget.used_bytes(), 64 * 1024);
        assert_eq!(growing.len(), 14);
        let (bytes, reservation) = growing.finish();
        assert_eq!(bytes.as_ref(), b"0123456789more");
        assert_eq!(reservation.bytes(), 64 * 1024);
        drop(reservation);
        assert_eq!(budget.used_bytes(), 0);
    }

    #[test]
    fn a_limit_and_a_lack_of_memory_are_told_apart() {
        let mut limited = Growing::new(budget(1 << 20).empty(), 3);
        assert_eq!(
            limited.extend(b"four"),
            Err(BodyError::TooLarge { bytes_max: 3 })
        );
        let small = budget(1000);
        let mut hopeless = Growing::new(small.empty(), 1 << 20);
        assert_eq!(
            hopeless.extend(b"x"),
            Err(BodyError::TooLarge { bytes_max: 1000 })
        );
        let busy = budget(100_000);
        let _others = busy.try_reserve(90_000).expect("fits");
        let mut crowded = Growing::new(busy.empty(), 1 << 20);
        let refused = crowded.extend(&[0; STEP_BYTES_MIN]);
        assert!(
            matches!(refused, Err(BodyError::Overloaded(_))),
            "{refused:?}"
        );
    }
}
