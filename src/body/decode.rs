//! Decoding with a cap and within the budget. Small bodies are decoded in place; larger ones move
//! off the threads that serve connections.

use std::cell::OnceCell;
use std::io::ErrorKind;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::Semaphore;
use tokio::task;

use super::decoder::Decode;
use super::growing::Growing;
use super::{BodyError, Encoding, looks, member};
use crate::behind;
use crate::certain::Certain;
use crate::memory::Reservation;

/// The largest body in bytes, both as sent and as decoded, that is decoded in place.
const INLINE_BYTES_MAX: usize = 256 * 1024;

/// The most bytes that are decoded at once. With each call, a decoder keeps a copy of the last 32 KiB.
const CHUNK_BYTES: usize = 256 * 1024;

/// The bytes that are decoded to learn whether there are more, once there is no room left.
const PROBE_BYTES: usize = 512;

/// A body that is being decoded.
struct Decoding {
    encoding: Encoding,
    /// What [`Encoding::at_once_bytes`] says of it; absent before somebody asks.
    at_once_bytes: OnceCell<Option<usize>>,
    /// The decoder that goes on where it paused; absent before it begins.
    source: Option<Box<dyn Decode>>,
    out: Growing,
    /// The bytes that the decoder reads.
    wire: Bytes,
    /// Covers `wire`; given back at the end.
    _wire: Reservation,
    /// Covers the decoder's own memory.
    own: Reservation,
}

/// Decodes `wire`, which `wire_reservation` covers, into memory that starts with `expected`. The
/// result is at most `bytes_max` bytes. `workers` bounds how many bodies are decoded off the
/// serving threads at the same time.
pub(super) async fn decode(
    encoding: Encoding,
    (wire, wire_reservation): (Bytes, Reservation),
    expected: Reservation,
    bytes_max: u64,
    workers: &Arc<Semaphore>,
) -> Result<(Bytes, Reservation), BodyError> {
    if encoding == Encoding::Identity {
        return match looks::undeclared(&wire) {
            Some(encoding) => Err(BodyError::Undeclared { encoding }),
            None => Ok((wire, wire_reservation)),
        };
    }
    let mut decoding = Decoding::new(encoding, (wire, wire_reservation), expected, bytes_max)?;
    if decoding.is_small() && decoding.run(INLINE_BYTES_MAX)? {
        return Ok(decoding.out.finish());
    }
    let lost = |_| BodyError::Internal("a decoder stopped");
    let worker = Arc::clone(workers)
        .acquire_owned()
        .await
        .map_err(|_| BodyError::Internal("the decoders are gone"))?;
    let decoded = task::spawn_blocking(move || {
        let _worker = worker;
        behind::others(|| decoding.run(usize::MAX)).map(|_| decoding.out.finish())
    });
    decoded.await.map_err(lost)?
}

/// Fits the reservation to the decoded size that the body claims, if it claims one: usually that is
/// exact, and nothing has to be moved later.
fn fit(
    mut expected: Reservation,
    claim: Option<u64>,
    bytes_max: u64,
) -> Result<Reservation, BodyError> {
    if let Some(claim) = claim.filter(|claim| *claim <= bytes_max) {
        expected.try_grow(claim.saturating_sub(expected.bytes()))?;
        expected.shrink_to(claim);
    }
    Ok(expected)
}

impl Decoding {
    fn new(
        encoding: Encoding,
        (wire, wire_reservation): (Bytes, Reservation),
        expected: Reservation,
        bytes_max: u64,
    ) -> Result<Self, BodyError> {
        let own = wire_reservation.budget().empty();
        let expected = fit(expected, encoding.claim(&wire), bytes_max)?;
        Ok(Self {
            encoding,
            at_once_bytes: OnceCell::new(),
            source: None,
            out: Growing::new(expected, bytes_max),
            wire,
            _wire: wire_reservation,
            own,
        })
    }

    /// Returns true if it may be small enough to be decoded in place.
    fn is_small(&mut self) -> bool {
        // In this order: a large body is not searched on a thread that serves connections.
        self.wire.len() <= INLINE_BYTES_MAX && self.at_once_bytes().unwrap_or(0) <= INLINE_BYTES_MAX
    }

    /// The bytes that all of it may be decoded to at once; absent if it may not.
    fn at_once_bytes(&mut self) -> Option<usize> {
        let room_bytes = self.out.room().len();
        let look = || self.encoding.at_once_bytes(&self.wire);
        let bytes = *self.at_once_bytes.get_or_init(look);
        bytes.filter(|bytes| *bytes <= room_bytes)
    }

    /// Decodes all of it at once; or, if that cannot be done, until more than `pause_bytes` have come out.
    /// Returns true at the end.
    fn run(&mut self, pause_bytes: usize) -> Result<bool, BodyError> {
        if self.source.is_none()
            && let Some(bytes) = self.at_once_bytes()
            && let Some(room) = self.out.room().get_mut(..bytes)
            && member::decode(&self.wire, room)
        {
            self.out.take(bytes);
            return Ok(true);
        }
        let mut source = match self.source.take() {
            Some(source) => source,
            None => self.decoder()?,
        };
        let is_over = self.stream(&mut *source, pause_bytes)?;
        self.source = Some(source);
        Ok(is_over)
    }

    fn decoder(&self) -> Result<Box<dyn Decode>, BodyError> {
        let decoder = self.encoding.decoder(self.wire.clone());
        let decoder = decoder.map_err(|_| BodyError::Internal("no decoder could be made"))?;
        Ok(decoder.certain("what is not encoded is not decoded"))
    }

    fn stream(&mut self, source: &mut dyn Decode, pause_bytes: usize) -> Result<bool, BodyError> {
        while self.out.len() <= pause_bytes {
            let most = (pause_bytes - self.out.len()).saturating_add(1);
            let most = most.min(CHUNK_BYTES).min(self.out.room().len());
            let own_bytes = source.own_bytes(most.max(PROBE_BYTES));
            self.own
                .try_grow(own_bytes.saturating_sub(self.own.bytes()))?;
            let read = match self.out.room().get_mut(..most) {
                Some([]) | None => self.probe(source)?,
                Some(room) => {
                    let read = source.read(room);
                    read.inspect(|length| self.out.take(*length))
                }
            };
            match read {
                Ok(0) => return Ok(true),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.undecodable(&error)),
            }
        }
        Ok(false)
    }

    /// Decodes a little, for which room is made: most often there is nothing more.
    fn probe(&mut self, source: &mut dyn Decode) -> Result<std::io::Result<usize>, BodyError> {
        let mut chunk = [0; PROBE_BYTES];
        let read = source.read(&mut chunk);
        if let Ok(length) = read {
            let more = chunk.get(..length);
            self.out
                .extend(more.certain("a decoder fills what it is given"))?;
        }
        Ok(read)
    }

    fn undecodable(&self, error: &std::io::Error) -> BodyError {
        BodyError::Undecodable {
            encoding: self.encoding.name(),
            reason: format!("{error}{}", looks::hint(self.encoding.name(), &self.wire)),
        }
    }
}

/// The bytes to reserve for the decoded body before it arrives: the guess, but never so many that a
/// body which would fit is refused because of the guess.
pub(super) fn guess_bytes(
    encoding: Encoding,
    wire_bytes: u64,
    bytes_max: u64,
    hard_bytes: u64,
) -> u64 {
    let room = (hard_bytes / 4).saturating_sub(wire_bytes);
    encoding.guess(wire_bytes).min(bytes_max).min(room)
}

#[cfg(test)]
mod at_once;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tokio::sync::Semaphore;

    use super::{BodyError, decode, guess_bytes};
    use crate::body::Encoding;
    use crate::memory::{Budget, Marks};

    fn gzip(text: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("to memory");
        Bytes::from(encoder.finish().expect("to memory"))
    }

    fn budget(hard_bytes: u64) -> Budget {
        Budget::new(Marks {
            budget_bytes: hard_bytes,
            soft_bytes: 1,
            hard_bytes,
        })
    }

    async fn decoded(budget: &Budget, wire: Bytes, bytes_max: u64) -> Result<Bytes, BodyError> {
        let held = budget
            .try_reserve(u64::try_from(wire.len()).expect("small"))
            .expect("fits");
        let workers = Arc::new(Semaphore::new(1));
        let (bytes, reservation) = decode(
            Encoding::Gzip,
            (wire, held),
            budget.empty(),
            bytes_max,
            &workers,
        )
        .await?;
        assert_eq!(
            budget.used_bytes(),
            reservation.bytes(),
            "only what came out is held"
        );
        assert!(reservation.bytes() >= u64::try_from(bytes.len()).expect("small"));
        Ok(bytes)
    }

    #[tokio::test]
    async fn small_and_large_bodies_come_out_whole_and_only_they_stay_reserved() {
        let budget = budget(64 << 20);
        for length in [0, 1, 1000, 256 * 1024, 256 * 1024 + 1, 5_000_000] {
            let text: Vec<u8> = (0..length).map(|i: u32| i.to_le_bytes()[0]).collect();
            let out = decoded(&budget, gzip(&text), 10_000_000)
                .await
                .expect("decodes");
            assert!(out == text, "{length}");
            let twice = [gzip(&text), gzip(&text)].concat();
            let out = decoded(&budget, Bytes::from(twice), 10_000_000)
                .await
                .expect("decodes");
            assert!(
                out == [text.clone(), text].concat(),
                "{length}, two members"
            );
        }
        assert_eq!(budget.used_bytes(), 0);
    }

    #[tokio::test]
    async fn a_bomb_is_stopped_at_the_limit_and_leaves_nothing_reserved() {
        let budget = budget(64 << 20);
        let bomb = gzip(&vec![0; 20_000_000]);
        let refused = decoded(&budget, bomb.clone(), 1_000_000).await;
        assert_eq!(
            refused,
            Err(BodyError::TooLarge {
                bytes_max: 1_000_000
            })
        );
        // Two members, so that the last one's claim says little about the whole.
        let twice = Bytes::from([bomb, gzip(b"x")].concat());
        let refused = decoded(&budget, twice, 1_000_000).await;
        assert_eq!(
            refused,
            Err(BodyError::TooLarge {
                bytes_max: 1_000_000
            })
        );
        assert_eq!(budget.used_bytes(), 0);
    }

    #[tokio::test]
    async fn what_could_never_fit_is_too_large_and_what_does_not_fit_now_is_overload() {
        let small = budget(1_000_000);
        let refused = decoded(&small, gzip(&vec![0; 2_000_000]), 10_000_000).await;
        assert_eq!(
            refused,
            Err(BodyError::TooLarge {
                bytes_max: 1_000_000
            })
        );
        let busy = budget(10_000_000);
        let others = busy.try_reserve(9_000_000).expect("fits");
        let refused = decoded(&busy, gzip(&vec![0; 2_000_000]), 10_000_000).await;
        assert!(
            matches!(refused, Err(BodyError::Overloaded(_))),
            "{refused:?}"
        );
        assert_eq!(busy.used_bytes(), others.bytes());
    }

    /// A frame whose window is all of it, and one with a small window.
    #[tokio::test]
    async fn what_a_decoder_holds_for_itself_counts_while_it_decodes() {
        let text: Vec<u8> = (0..750_000_u32).flat_map(u32::to_le_bytes).collect();
        let compress = |level| Bytes::from(zstd::bulk::compress(&text, level).expect("to memory"));
        for (level, hard_bytes, fits) in [
            (19, 10_000_000, true),
            (19, 6_000_000, false),
            (1, 6_000_000, true),
        ] {
            let budget = budget(hard_bytes);
            let wire = compress(level);
            let wire_bytes = u64::try_from(wire.len()).expect("small");
            let held = budget.try_reserve(wire_bytes).expect("fits");
            let workers = Arc::new(Semaphore::new(1));
            let parts = (wire, held);
            let decoded = decode(Encoding::Zstd, parts, budget.empty(), 1 << 30, &workers).await;
            match decoded {
                Ok((bytes, reservation)) => {
                    assert!(fits && bytes == text, "level {level}");
                    assert_eq!(budget.used_bytes(), reservation.bytes());
                }
                Err(refused) => assert!(!fits, "level {level}: {refused}"),
            }
            assert_eq!(budget.used_bytes(), 0);
        }
    }

    #[tokio::test]
    async fn a_broken_stream_is_told_with_its_encoding() {
        let budget = budget(64 << 20);
        let text = |result: Result<Bytes, BodyError>| result.expect_err("broken").to_string();
        let cut = gzip(b"m f=1 1\n").slice(..12);
        let told = text(decoded(&budget, cut, 1000).await);
        assert_eq!(told, "error decoding gzip stream: it ends too early");
        let trailing = Bytes::from([gzip(b"m f=1 1\n"), Bytes::from_static(b"more")].concat());
        let told = text(decoded(&budget, trailing, 1000).await);
        assert_eq!(
            told,
            "error decoding gzip stream: 4 bytes follow the last member"
        );
    }

    #[test]
    fn a_guess_never_asks_for_what_cannot_be_had() {
        assert_eq!(guess_bytes(Encoding::Identity, 100, 1000, 10_000), 0);
        assert_eq!(guess_bytes(Encoding::Gzip, 100, 1000, 10_000), 400);
        assert_eq!(guess_bytes(Encoding::Zstd, 100, 1000, 10_000), 400);
        assert_eq!(guess_bytes(Encoding::Deflate, 100, 1000, 10_000), 400);
        assert_eq!(guess_bytes(Encoding::Gzip, 500, 1000, 10_000), 1000);
        assert_eq!(guess_bytes(Encoding::Gzip, 2400, 100_000, 10_000), 100);
        assert_eq!(guess_bytes(Encoding::Gzip, 9000, 100_000, 10_000), 0);
    }
}
