//! Bytes that arrive from a client: memory is taken for what has arrived, not for what was
//! announced, and for the waiting request itself ([`STATE_BYTES`]): otherwise a great many requests
//! that send nothing would take memory that nobody counts.
//!
//! The buffer for a body of known length is allocated at once, because the system provides memory
//! only as a buffer is filled. A body of unknown length moves to larger buffers; both are held
//! during a move.

use std::time::Duration;

use bytes::Bytes;

use super::BodyError;
use super::uploads::{Crowded, STATE_BYTES, Upload};
use crate::clock;
use crate::memory::{Exhausted, Reservation};
use crate::narrow;

/// The bytes that are taken first; each later step takes twice as many, up to [`STEP_BYTES`].
const FIRST_BYTES: u64 = 4 * 1024;

const STEP_BYTES: u64 = 64 * 1024;

/// The part of a body that has arrived.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    bytes: Vec<u8>,
    reservation: Reservation,
    /// The part of the reservation that is not for the body's bytes.
    state_bytes: u64,
    upload: &'a Upload,
    /// The announced length, if any.
    length: Option<u64>,
    bytes_max: u64,
    wait_max: Duration,
}

/// The reason for which there is no memory now.
enum Short {
    Budget(Exhausted),
    Share(Crowded),
}

impl From<Short> for BodyError {
    fn from(short: Short) -> Self {
        match short {
            Short::Budget(exhausted) => exhausted.into(),
            Short::Share(Crowded {
                held_bytes,
                share_bytes,
            }) => Self::Crowded {
                held_bytes,
                share_bytes,
            },
        }
    }
}

impl<'a> Incoming<'a> {
    /// Starts with nothing, for a body that may be announced and has at most `bytes_max`. Waits at
    /// most `wait_max` for more memory.
    pub(super) fn new(
        upload: &'a Upload,
        reservation: Reservation,
        (length, bytes_max, wait_max): (Option<u64>, u64, Duration),
    ) -> Self {
        Self {
            bytes: Vec::new(),
            reservation,
            state_bytes: 0,
            upload,
            length: length.filter(|length| *length <= bytes_max),
            bytes_max,
            wait_max,
        }
    }

    /// Takes memory for the request itself, until its body is complete.
    pub(super) async fn open(&mut self) -> Result<(), BodyError> {
        self.take(STATE_BYTES).await?;
        self.state_bytes = STATE_BYTES;
        Ok(())
    }

    /// The bytes that are reserved for the body.
    fn reserved_bytes(&self) -> u64 {
        self.reservation.bytes().saturating_sub(self.state_bytes)
    }

    /// Appends a chunk, or returns the limit that forbids it.
    pub(super) async fn extend(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let length = narrow::to_u64(self.bytes.len().saturating_add(chunk.len()));
        if length > self.bytes_max {
            return Err(BodyError::TooLarge {
                bytes_max: self.bytes_max,
            });
        }
        self.upload.came(narrow::to_u64(chunk.len()));
        match self.length {
            Some(announced) => self.cover(length, announced).await?,
            None => self.grow(length).await?,
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    /// The bytes and the reservation that covers them.
    pub(super) fn finish(mut self) -> (Bytes, Reservation) {
        // A body that ended before its announced length does not keep the whole buffer.
        self.bytes.shrink_to_fit();
        self.reservation.shrink_to(narrow::to_u64(self.bytes.len()));
        (Bytes::from(self.bytes), self.reservation)
    }

    /// Takes memory for this much of a body of known length.
    async fn cover(&mut self, length: u64, announced: u64) -> Result<(), BodyError> {
        if self.bytes.capacity() == 0 {
            let place = narrow::to_usize(announced);
            let no_place = |_| BodyError::Internal("there is no place for it");
            self.bytes.try_reserve_exact(place).map_err(no_place)?;
        }
        let covered = steps(length).min(announced).max(length);
        self.take(covered.saturating_sub(self.reserved_bytes()))
            .await
    }

    /// Moves a body of unknown length to a larger buffer.
    async fn grow(&mut self, length: u64) -> Result<(), BodyError> {
        let capacity = narrow::to_u64(self.bytes.capacity());
        if length <= capacity {
            return Ok(());
        }
        let doubled = capacity.saturating_mul(2).max(FIRST_BYTES);
        let wanted = doubled.min(self.bytes_max).max(length);
        self.take(wanted).await?;
        let place = narrow::to_usize(wanted);
        self.bytes
            .reserve_exact(place.saturating_sub(self.bytes.len()));
        let (held, kept) = (self.reserved_bytes(), narrow::to_u64(self.bytes.capacity()));
        // The order matters: the budget wakes whoever waits.
        self.upload.unclaim(held.saturating_sub(kept));
        self.reservation
            .shrink_to(kept.saturating_add(self.state_bytes));
        Ok(())
    }

    /// Takes more memory, from slower bodies if need be, and waits for it for a while.
    async fn take(&mut self, more: u64) -> Result<(), BodyError> {
        if more == 0 {
            return Ok(());
        }
        let budget = self.reservation.budget().clone();
        let deadline = tokio::time::Instant::from_std(clock::instant()) + self.wait_max;
        loop {
            let (released, left) = (budget.released(), self.upload.left());
            let Err(short) = self.try_take(more) else {
                return Ok(());
            };
            if let Short::Budget(exhausted) = &short
                && !exhausted.fits_when_idle()
            {
                return Err(short.into());
            }
            tokio::select! {
                biased;
                () = self.upload.yields() => return Err(BodyError::Yielded),
                () = released => {}
                () = left => {}
                () = tokio::time::sleep_until(deadline) => return Err(short.into()),
            }
        }
    }

    fn try_take(&mut self, more: u64) -> Result<(), Short> {
        self.upload.claim(more).map_err(Short::Share)?;
        self.reservation.try_grow(more).map_err(|exhausted| {
            self.upload.unclaim(more);
            self.upload.press(more);
            Short::Budget(exhausted)
        })
    }
}

/// The bytes to take for a body of which this much has arrived.
fn steps(length: u64) -> u64 {
    if length <= STEP_BYTES {
        length.next_power_of_two().max(FIRST_BYTES)
    } else {
        length.next_multiple_of(STEP_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{BodyError, Incoming, STATE_BYTES, steps};
    use crate::body::uploads::Uploads;
    use crate::memory::{Budget, Marks};

    fn budget(hard_bytes: u64) -> Budget {
        Budget::new(Marks {
            budget_bytes: hard_bytes,
            soft_bytes: 1,
            hard_bytes,
        })
    }

    const WAIT: Duration = Duration::from_millis(20);

    #[test]
    fn memory_is_taken_in_steps_that_cover_what_came() {
        for (length, covered) in [
            (1, 4096),
            (4096, 4096),
            (4097, 8192),
            (65_536, 65_536),
            (65_537, 131_072),
            (200_000, 262_144),
        ] {
            assert_eq!(steps(length), covered, "{length}");
        }
    }

    /// From a bug: announced bytes were taken at once, so five uploads that sent next to nothing
    /// held the whole budget.
    #[tokio::test]
    async fn a_body_takes_memory_as_it_comes_whatever_it_announces() {
        let budget = budget(100_000_000);
        let upload = Uploads::of(100_000_000).begin(None);
        let limits = (Some(45_000_000), 50_000_000, WAIT);
        let mut incoming = Incoming::new(&upload, budget.account().empty(), limits);
        assert_eq!(budget.used_bytes(), 0);
        incoming.extend(&[b'x'; 1200]).await.expect("fits");
        assert_eq!(budget.used_bytes(), 4096);
        for _ in 0..100 {
            incoming.extend(&[b'x'; 1200]).await.expect("fits");
        }
        assert_eq!(budget.used_bytes(), 131_072);
        let (bytes, reservation) = incoming.finish();
        assert_eq!((bytes.len(), reservation.bytes()), (121_200, 121_200));
    }

    /// From a bug: 12,800 streams that sent one byte each took 256 MiB that nobody counted.
    #[tokio::test]
    async fn a_request_pays_for_itself_until_its_body_has_come() {
        let budget = budget(100_000_000);
        let upload = Uploads::of(100_000_000).begin(None);
        for (length, first, second) in [(Some(100_000), 8192, 16_384), (None, 5000, 10_000)] {
            let limits = (length, 50_000_000, WAIT);
            let mut incoming = Incoming::new(&upload, budget.account().empty(), limits);
            incoming.open().await.expect("fits");
            assert_eq!(budget.used_bytes(), STATE_BYTES);
            incoming.extend(&[b'x'; 5000]).await.expect("fits");
            assert_eq!(budget.used_bytes(), STATE_BYTES + first);
            incoming.extend(&[b'x'; 5000]).await.expect("fits");
            assert_eq!(budget.used_bytes(), STATE_BYTES + second);
            let (bytes, reservation) = incoming.finish();
            assert_eq!((bytes.len(), reservation.bytes()), (10_000, 10_000));
        }
    }

    /// Requests that send nothing make room for one that does.
    #[tokio::test]
    async fn requests_that_wait_for_nothing_yield_when_the_budget_is_full() {
        let budget = budget(4 * STATE_BYTES);
        let all = Uploads::of(4 * STATE_BYTES);
        let silent: Vec<_> = (0..4).map(|_| all.begin(None)).collect();
        let limits = (None, 1 << 20, Duration::from_secs(60));
        let mut held = Vec::new();
        for upload in &silent {
            let mut incoming = Incoming::new(upload, budget.account().empty(), limits);
            incoming.open().await.expect("fits");
            upload.stood_still_for(Duration::from_secs(60));
            held.push(incoming);
        }
        let speaks = all.begin(None);
        let mut incoming = Incoming::new(&speaks, budget.account().empty(), limits);
        let yielding = async {
            let first = tokio::select! {
                () = silent[0].yields() => 0,
                () = silent[1].yields() => 1,
                () = silent[2].yields() => 2,
                () = silent[3].yields() => 3,
            };
            drop(held.swap_remove(first));
        };
        let both = async { tokio::join!(incoming.open(), yielding).0 };
        let both = tokio::time::timeout(Duration::from_secs(60), both).await;
        both.expect("one yields").expect("there is room then");
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_doubles_its_place_and_pays_for_both_while_it_moves() {
        let budget = budget(20_000);
        let upload = Uploads::of(1 << 30).begin(None);
        let request = budget.account();
        let mut incoming = Incoming::new(&upload, request.empty(), (None, 1 << 20, WAIT));
        incoming.extend(&[b'x'; 100]).await.expect("fits");
        assert_eq!(budget.used_bytes(), 4096);
        incoming.extend(&[b'x'; 5000]).await.expect("fits");
        assert_eq!(budget.used_bytes(), 8192);
        let refused = incoming.extend(&[b'x'; 4000]).await.expect_err("8 + 16 kB");
        assert_eq!(refused, BodyError::TooLarge { bytes_max: 20_000 });
    }

    /// From a bug: a complete body leaves the share and keeps its memory, and whoever waited for
    /// the share was not woken.
    #[tokio::test]
    async fn who_waits_for_the_share_goes_on_when_another_body_has_come() {
        let budget = budget(1 << 30);
        let all = Uploads::of(2_000_000);
        let (first, second) = (all.begin(None), all.begin(None));
        let limits = (Some(2_000_000), 2_000_000, Duration::from_secs(20));
        let mut come = Incoming::new(&first, budget.account().empty(), limits);
        come.extend(&[b'x'; 900_000]).await.expect("fits");
        let (_bytes, _held) = come.finish();
        let mut waits = Incoming::new(&second, budget.account().empty(), limits);
        let chunk = vec![b'x'; 300_000];
        let both = async {
            let leave = async {
                tokio::task::yield_now().await;
                drop(first);
            };
            tokio::join!(waits.extend(&chunk), leave).0
        };
        let both = tokio::time::timeout(Duration::from_secs(5), both).await;
        both.expect("it is told").expect("there is room");
    }

    #[tokio::test]
    async fn a_body_that_is_faster_takes_the_place_of_one_that_stands_still() {
        let budget = budget(3_000_000);
        let all = Uploads::of(3_000_000);
        let (slow, fast) = (all.begin(None), all.begin(None));
        let limits = (Some(2_000_000), 2_000_000, Duration::from_secs(20));
        let mut stands = Incoming::new(&slow, budget.account().empty(), limits);
        stands.extend(&[b'x'; 1_400_000]).await.expect("fits");
        slow.stood_still_for(Duration::from_secs(60));
        let stuck = async {
            slow.yields().await;
            drop(stands);
        };
        let mut runs = Incoming::new(&fast, budget.account().empty(), limits);
        let chunk = [b'x'; 1_900_000].to_vec();
        let both = async { tokio::join!(runs.extend(&chunk), stuck) };
        let both = tokio::time::timeout(Duration::from_secs(20), both).await;
        both.expect("it yields").0.expect("there is room then");
        assert_eq!(budget.used_bytes(), 1_900_544);
    }
}
