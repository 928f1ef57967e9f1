//! The path of a body from the socket into memory, in the order in which it may be refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body::Body;
use tokio::sync::Semaphore;

use super::decode::{decode, guess_bytes};
use super::incoming::Incoming;
use super::pace::Pace;
use super::uploads::{Upload, Uploads};
use super::{BodyError, Encoding};
use crate::memory::{Budget, Reservation};
use crate::narrow;

/// The bytes that there must be room for if the length of a body is unknown.
const UNKNOWN_LENGTH_BYTES: u64 = 64 * 1024;

/// The limits on bodies.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes as sent.
    pub wire_bytes_max: u64,
    /// The most bytes after decoding.
    pub decoded_bytes_max: u64,
    /// The time to wait for memory.
    pub wait_max: Duration,
    /// The time without a byte after which a body is cut off.
    pub idle_timeout: Duration,
    /// The bytes per second that must arrive; 0 for no such rule.
    pub rate_bytes_min: u64,
    /// The time over which that rate is measured.
    pub rate_window: Duration,
}

/// Receives bodies. Clones share the budget.
#[derive(Clone, Debug)]
pub struct Receiver {
    limits: Limits,
    budget: Budget,
    uploads: Uploads,
    /// One permit per decoder that runs off the serving threads.
    workers: Arc<Semaphore>,
}

/// A body in memory.
#[derive(Debug)]
pub struct Received {
    /// The decoded bytes.
    pub bytes: Bytes,
    /// Covers `bytes`.
    pub reservation: Reservation,
    /// The number of bytes that were sent.
    pub wire_bytes: u64,
}

impl Receiver {
    /// Takes memory from `budget`; decodes on at most `decoders_max` threads.
    pub fn new(limits: Limits, budget: Budget, decoders_max: usize) -> Self {
        Self {
            limits,
            uploads: Uploads::of(budget.marks().hard_bytes),
            budget,
            workers: Arc::new(Semaphore::new(decoders_max.max(1))),
        }
    }

    /// The same for small bodies: at most `bytes_max`, sent or decoded.
    pub fn up_to(&self, bytes_max: u64) -> Self {
        let mut small = self.clone();
        let Limits {
            wire_bytes_max,
            decoded_bytes_max,
            ..
        } = &mut small.limits;
        *wire_bytes_max = bytes_max.min(*wire_bytes_max);
        *decoded_bytes_max = bytes_max.min(*decoded_bytes_max);
        small
    }

    /// Reads and decodes the body of a request with these headers. `owner` is the id of the
    /// sender's token, if known. An error, or dropping the future, gives all memory back.
    pub async fn receive<B>(
        &self,
        owner: Option<u64>,
        headers: &HeaderMap,
        body: B,
    ) -> Result<Received, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let encoding = Encoding::of(headers)?;
        let length = self.announced_length(headers, encoding, &body)?;
        let request = self.budget.account();
        if length == Some(0) {
            return Ok(Received {
                bytes: Bytes::new(),
                reservation: request.empty(),
                wire_bytes: 0,
            });
        }
        let upload = self.uploads.begin(owner);
        self.find_room(&upload, &request, encoding, length).await?;
        let read = self.read(&upload, &request, encoding, (length, body));
        let (bytes, held) = read.await?;
        drop(upload);
        let wire_bytes = narrow::to_u64(bytes.len());
        if wire_bytes == 0 {
            return Ok(Received {
                bytes,
                reservation: held,
                wire_bytes,
            });
        }
        let guess = self.guess(encoding, wire_bytes);
        let expected = request.reserve_within(guess, self.limits.wait_max).await?;
        let decoded_max = self.limits.decoded_bytes_max;
        let wire = (bytes, held);
        let (bytes, reservation) =
            decode(encoding, wire, expected, decoded_max, &self.workers).await?;
        Ok(Received {
            bytes,
            reservation,
            wire_bytes,
        })
    }

    /// The length from `Content-Length`, or what the protocol knows instead, if it is within the
    /// limit.
    fn announced_length<B: Body>(
        &self,
        headers: &HeaderMap,
        encoding: Encoding,
        body: &B,
    ) -> Result<Option<u64>, BodyError> {
        let header = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let length: Option<u64> = body.size_hint().exact().or(header);
        let bytes_max = self.bytes_max(encoding);
        match length {
            Some(length) if length > bytes_max => Err(BodyError::TooLarge { bytes_max }),
            length => Ok(length),
        }
    }

    /// The most bytes over the wire: a body that is not encoded is bounded by both limits.
    fn bytes_max(&self, encoding: Encoding) -> u64 {
        match encoding {
            Encoding::Identity => self
                .limits
                .wire_bytes_max
                .min(self.limits.decoded_bytes_max),
            Encoding::Gzip | Encoding::Zstd | Encoding::Deflate => self.limits.wire_bytes_max,
        }
    }

    /// Waits until there is room for what is announced and for what it is expected to decode to,
    /// and takes none of it: a body that could not be held is not asked for. Stalled uploads make
    /// room.
    async fn find_room(
        &self,
        upload: &Upload,
        request: &Budget,
        encoding: Encoding,
        length: Option<u64>,
    ) -> Result<(), BodyError> {
        let wire_bytes = length.unwrap_or(UNKNOWN_LENGTH_BYTES);
        let wanted = wire_bytes.saturating_add(self.guess(encoding, wire_bytes));
        let at_once = request.try_reserve(wanted);
        if let Err(exhausted) = at_once
            && exhausted.fits_when_idle()
        {
            let room = exhausted.hard_bytes.saturating_sub(exhausted.used_bytes);
            upload.press(wanted.saturating_sub(room));
            let waiting = request.reserve_within(wanted, self.limits.wait_max);
            drop(waiting.await?);
            return Ok(());
        }
        drop(at_once?);
        Ok(())
    }

    fn guess(&self, encoding: Encoding, wire_bytes: u64) -> u64 {
        let hard_bytes = self.budget.marks().hard_bytes;
        let decoded_max = self.limits.decoded_bytes_max;
        guess_bytes(encoding, wire_bytes, decoded_max, hard_bytes)
    }

    /// Reads the body, unless others need its memory more.
    async fn read<B>(
        &self,
        upload: &Upload,
        request: &Budget,
        encoding: Encoding,
        (length, mut body): (Option<u64>, B),
    ) -> Result<(Bytes, Reservation), BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let Limits {
            idle_timeout,
            rate_bytes_min,
            rate_window,
            wait_max,
            ..
        } = self.limits;
        let mut pace = Pace::new(idle_timeout, rate_window, rate_bytes_min);
        let limits = (length, self.bytes_max(encoding), wait_max);
        let mut incoming = Incoming::new(upload, request.empty(), limits);
        incoming.open().await?;
        loop {
            let chunk = tokio::select! {
                biased;
                () = upload.yields() => return Err(BodyError::Yielded),
                chunk = pace.next(&mut body) => chunk?,
            };
            match chunk {
                Some(chunk) => incoming.extend(&chunk).await?,
                None => return Ok(incoming.finish()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
