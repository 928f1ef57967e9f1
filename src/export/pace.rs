//! The bytes of an export on their way from the thread that makes them to the client that takes
//! them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::ExportError;
use crate::narrow;

/// What a slow reader is granted beyond the time its rate allows: scheduling, small pieces.
const GRACE: Duration = Duration::from_secs(10);

/// Text is sent in pieces of about this size, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

type Piece = Result<Bytes, ExportError>;

/// The pieces of an export. An error after the first piece means that the rest is missing.
#[derive(Debug)]
pub struct Pieces {
    /// Taken already, to see whether the export begins.
    first: Option<Bytes>,
    receiver: mpsc::Receiver<Piece>,
    /// Set when everything was handed over. Without it the end is a cut.
    is_whole: Arc<AtomicBool>,
    rate_bytes_min: u64,
}

/// Nobody takes the pieces any more: nothing is left to do.
pub(super) struct Ended;

/// Where pieces are handed over, on a thread for blocking work.
pub(super) struct PiecesSender {
    sender: mpsc::Sender<Piece>,
    is_whole: Arc<AtomicBool>,
    runtime: Handle,
    rate_bytes_min: u64,
}

/// Text on its way out: it is handed over once it is long enough, wherever in a row that is.
pub(super) struct TextPieces<'a> {
    pieces: &'a PiecesSender,
    /// What is to come next.
    pub(super) text: String,
}

impl<'a> TextPieces<'a> {
    /// Hands over to `pieces`.
    pub(super) fn new(pieces: &'a PiecesSender) -> Self {
        Self {
            pieces,
            text: String::new(),
        }
    }

    /// Hands the text over if it is long enough.
    #[inline]
    pub(super) fn offer(&mut self) -> Result<(), Ended> {
        match self.text.len() < PIECE_BYTES {
            true => Ok(()),
            false => self.hand_over(),
        }
    }

    /// Hands over what is left.
    pub(super) fn hand_over(&mut self) -> Result<(), Ended> {
        match self.text.is_empty() {
            true => Ok(()),
            false => self.pieces.send(std::mem::take(&mut self.text).into()),
        }
    }
}

/// Both ends of an export whose reader must take so many bytes a second.
pub(super) fn channel(runtime: Handle, rate_bytes_min: u64) -> (PiecesSender, Pieces) {
    let (sender, receiver) = mpsc::channel(2);
    let is_whole = Arc::new(AtomicBool::new(false));
    let pieces = Pieces {
        first: None,
        receiver,
        is_whole: Arc::clone(&is_whole),
        rate_bytes_min,
    };
    let sender = PiecesSender {
        sender,
        is_whole,
        runtime,
        rate_bytes_min,
    };
    (sender, pieces)
}

impl Pieces {
    /// The pieces once the first one has come (or all is said), or why none comes.
    pub(super) async fn begun(mut self) -> Result<Self, ExportError> {
        let next = std::future::poll_fn(|cx| Pin::new(&mut self).poll_next(cx));
        self.first = next.await.transpose()?;
        Ok(self)
    }
}

impl Stream for Pieces {
    type Item = Piece;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        let next = std::task::ready!(self.receiver.poll_recv(cx));
        if next.is_some() || self.is_whole.swap(true, Ordering::Relaxed) {
            return Poll::Ready(next);
        }
        let rate_bytes_min = self.rate_bytes_min;
        Poll::Ready(Some(Err(ExportError::TooSlow { rate_bytes_min })))
    }
}

impl PiecesSender {
    /// Hands a piece over, waiting no longer than the slowest reader that is tolerated would.
    pub(super) fn send(&self, piece: Bytes) -> Result<(), Ended> {
        self.hand_over(Ok(piece))
    }

    /// Says that everything was handed over.
    pub(super) fn finish(&self) {
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// Says why the rest is missing.
    pub(super) fn fail(&self, error: ExportError) {
        // Whoever asked sees a broken connection only.
        tracing::warn!(%error, "an export broke off");
        let _ = self.hand_over(Err(error));
    }

    fn hand_over(&self, piece: Piece) -> Result<(), Ended> {
        let rate_bytes_min = self.rate_bytes_min.max(1);
        let bytes = piece.as_ref().map_or(0, Bytes::len);
        let seconds = narrow::to_u64(bytes) / rate_bytes_min;
        let patience = Duration::from_secs(seconds).saturating_add(GRACE);
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, self.sender.send(piece)).await });
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended),
            Err(_) => {
                tracing::warn!(rate_bytes_min, "an export was cut: its reader is too slow");
                Err(Ended)
            }
        }
    }
}
