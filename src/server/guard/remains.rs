//! What is left of a connection when nobody serves it any more, and closing it so that the peer
//! can read the last answer.
//!
//! Closing a socket while bytes of the peer lie unread in it resets the connection, and a reset
//! may overtake the answer: the client then reports a broken connection instead of the 413 that
//! was sent to it. So what the peer still sends is read and thrown away for a while.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout, timeout_at};

/// What is thrown away at most (contract section 1.2).
const DISCARD_BYTES_MAX: u64 = 1 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

/// A peer that has been quiet for this long is not in the middle of sending: it is told at once
/// that the connection ends, and not only after two seconds.
const QUIET: Duration = Duration::from_millis(200);

/// What is thrown away of a connection that had nothing left to say, until its goodbye.
const GOODBYE_BYTES_MAX: u64 = 64 * 1024;

/// What is thrown away at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// A connection that is no longer served.
#[derive(Debug)]
pub(in crate::server) struct Remains<IO> {
    pub(super) io: IO,
    /// Whether the peer may still be sending what nobody will read.
    pub(super) unread: bool,
}

/// Whether the end of a connection is itself told in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Goodbye {
    /// No: closing is all.
    Silent,
    /// Yes, by both sides (TLS: close_notify). The peer's lies unread in the socket more often
    /// than not, and closing then would reset the connection.
    Spoken,
}

/// Through which the connection comes back.
#[derive(Debug)]
pub(in crate::server) struct Returned<IO>(oneshot::Receiver<Remains<IO>>);

impl<IO> Returned<IO> {
    pub(super) fn new(returned: oneshot::Receiver<Remains<IO>>) -> Self {
        Self(returned)
    }

    /// The connection, once the guard is dropped.
    pub(in crate::server) async fn remains(self) -> Option<Remains<IO>> {
        self.0.await.ok()
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Remains<IO> {
    /// Discards what still comes, half-closes, closes. Takes two seconds at most, twice that if
    /// the peer takes nothing either.
    pub(in crate::server) async fn close(mut self, goodbye: Goodbye) {
        let mut left = if self.unread { DISCARD_BYTES_MAX } else { 0 };
        let deadline = Instant::from_std(crate::clock::instant()) + DISCARD_TIME_MAX;
        // However these end: next the connection is closed.
        let _ = timeout_at(deadline, self.discard(&mut left, QUIET)).await;
        let _ = timeout(DISCARD_TIME_MAX, self.io.shutdown()).await;
        let _ = timeout_at(deadline, self.discard(&mut left, DISCARD_TIME_MAX)).await;
        if goodbye == Goodbye::Spoken {
            let mut left = GOODBYE_BYTES_MAX;
            let _ = timeout(QUIET, self.discard(&mut left, QUIET)).await;
        }
    }

    /// Throws bytes away until the peer closes or is quiet, or none are left to be thrown away.
    /// Once the peer has closed, none are.
    async fn discard(&mut self, left: &mut u64, quiet: Duration) {
        let mut chunk = vec![0; if *left > 0 { CHUNK_BYTES } else { 0 }];
        while *left > 0 {
            match timeout(quiet, self.io.read(&mut chunk)).await {
                Ok(Ok(length @ 1..)) => {
                    *left = left.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
                }
                Ok(Ok(0) | Err(_)) => *left = 0,
                Err(_) => return,
            }
        }
    }
}
