//! The rest of a connection that is no longer served, and closing it so that the peer can read the
//! last answer.
//!
//! Closing a socket with unread bytes in it resets the connection, and a reset may overtake the
//! answer: the client then reports a broken connection instead of the 413 that was sent to it. So
//! whatever the peer still sends is read and discarded, within its share of the server's [`Drain`].

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::narrow;
use crate::server::drain::{Drain, Share};

/// The time after which a quiet peer is not in the middle of sending: our side is then closed at
/// once.
const QUIET: Duration = Duration::from_millis(200);

/// The time that the peer may then stay quiet before the connection is closed.
const PATIENCE: Duration = Duration::from_secs(2);

/// The bytes that are discarded at once.
const CHUNK_BYTES: usize = 16 * 1024;

/// A connection that is no longer served.
#[derive(Debug)]
pub(in crate::server) struct Remains<IO> {
    pub(super) io: IO,
    pub(super) unread: Unread,
}

/// The bytes that the peer may still send and nobody will read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Nothing: everything was read, or the peer has closed its side.
    Nothing,
    /// The rest of a body of known length.
    Bytes(u64),
    /// An unknown number of bytes.
    Unknown,
}

/// The way in which a connection says that it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Goodbye {
    /// It just closes.
    Silent,
    /// Both sides send bytes that say so (TLS: close_notify). The peer's are usually unread in the
    /// socket, and closing then would reset the connection.
    Spoken,
}

/// The end at which the connection comes back.
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
    /// Discards what still arrives, half-closes the connection, then closes it.
    pub(in crate::server) async fn close(mut self, goodbye: Goodbye, drain: &Drain) {
        if self.unread == Unread::Nothing {
            // The connection is closed next, however these two end.
            let _ = timeout(PATIENCE, self.io.shutdown()).await;
        } else {
            let mut share = drain.share();
            self.discard(&mut share, self.unread, QUIET).await;
            let _ = timeout(PATIENCE, self.io.shutdown()).await;
            self.discard(&mut share, Unread::Unknown, PATIENCE).await;
        }
        if goodbye == Goodbye::Spoken {
            let mut share = Share::of_goodbye();
            self.discard(&mut share, Unread::Unknown, QUIET).await;
        }
    }

    /// Discards bytes until there are none left, the peer closes or is quiet, or the share is used
    /// up.
    async fn discard(&mut self, share: &mut Share, unread: Unread, quiet: Duration) {
        let mut wanted = match unread {
            Unread::Nothing => 0,
            Unread::Bytes(length) => length,
            Unread::Unknown => u64::MAX,
        };
        let mut chunk = vec![0; CHUNK_BYTES];
        while wanted > 0 && share.bytes_left() > 0 {
            let Some(Ok(length @ 1..)) = share.within(quiet, self.io.read(&mut chunk)).await else {
                return;
            };
            share.spend(length);
            wanted = wanted.saturating_sub(narrow::to_u64(length));
        }
    }
}
