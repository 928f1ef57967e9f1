//! The pace at which a body must arrive (contract section 6): something within the idle time, and a
//! minimum rate over a window. The clock runs only while the server waits for the client.
//!
//! Windows follow one another and do not slide: a body is cut off at the end of the first window
//! that brought too little.

use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::BodyError;
use crate::clock;
use crate::narrow;

/// Counts the bytes that arrive and the time that is spent waiting for them.
#[derive(Debug)]
pub(super) struct Pace {
    idle_timeout: Duration,
    window: Duration,
    rate_bytes_min: u64,
    /// Time waited in this window.
    waited: Duration,
    /// Bytes that arrived in this window.
    bytes: u64,
}

impl Pace {
    /// Requires `rate_bytes_min` per second over each `window`; 0 for no such rule.
    pub(super) fn new(idle_timeout: Duration, window: Duration, rate_bytes_min: u64) -> Self {
        Self {
            idle_timeout,
            window,
            rate_bytes_min,
            waited: Duration::ZERO,
            bytes: 0,
        }
    }

    /// The next piece of data; absent at the end.
    pub(super) async fn next<B>(&mut self, body: &mut B) -> Result<Option<Bytes>, BodyError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let mut idle_left = self.idle_timeout;
        loop {
            let started = clock::instant();
            let patience = idle_left.min(self.window.saturating_sub(self.waited));
            let frame = timeout(patience, body.frame()).await;
            let waited = clock::instant().saturating_duration_since(started);
            idle_left = idle_left.saturating_sub(waited);
            match frame.map(|frame| frame.map(|result| result.map(Frame::into_data))) {
                Ok(None) => return Ok(None),
                Ok(Some(Err(_))) => return Err(BodyError::Broken),
                Ok(Some(Ok(data))) => {
                    let data = data.unwrap_or_default();
                    self.count(waited, data.len())?;
                    if !data.is_empty() {
                        return Ok(Some(data));
                    }
                }
                Err(_) => {
                    self.count(waited, 0)?;
                    if idle_left.is_zero() {
                        return Err(BodyError::Idle(self.idle_timeout));
                    }
                }
            }
        }
    }

    /// Closes the window if it is over; an error if it brought too little.
    fn count(&mut self, waited: Duration, length: usize) -> Result<(), BodyError> {
        self.waited += waited;
        self.bytes = self.bytes.saturating_add(narrow::to_u64(length));
        if self.waited < self.window {
            return Ok(());
        }
        let (bytes, window) = (self.bytes, self.waited);
        let wanted = u128::from(self.rate_bytes_min) * window.as_millis() / 1000;
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        if u128::from(bytes) < wanted {
            return Err(BodyError::TooSlow {
                bytes,
                window,
                rate_bytes_min: self.rate_bytes_min,
            });
        }
        Ok(())
    }
}
