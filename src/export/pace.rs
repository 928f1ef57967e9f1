//! The bytes of an export between the thread that makes them and the client that takes them.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::error::ExportError;
use crate::clock;
use crate::pace::{Pace, Taking};

/// The time that a slow reader has beyond what the rate allows, for scheduling and small pieces.
const GRACE: Duration = Duration::from_secs(10);

/// Text is sent in pieces of about this size, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// The number of pieces that are made ahead.
const PIECES_AHEAD: usize = 2;

type Piece = Result<Bytes, ExportError>;

/// The pieces of an export. An error after the first piece means that the rest is missing.
#[derive(Debug)]
pub struct Pieces {
    /// The first piece, taken already to see whether the export begins.
    first: Option<Bytes>,
    receiver: mpsc::Receiver<Piece>,
    /// True once everything was handed over. Otherwise the end is a cut.
    is_whole: Arc<AtomicBool>,
    rate_bytes_min: u64,
}

/// Nobody takes the pieces any more, so the export is over.
pub(super) struct Ended;

/// The sending end of the pieces, on a thread for blocking work.
pub(super) struct PiecesSender {
    sender: mpsc::Sender<Piece>,
    is_whole: Arc<AtomicBool>,
    runtime: Handle,
    rate_bytes_min: u64,
    taking: Cell<Taking>,
}

/// Text that is being collected: it is handed over once it is long enough, even in the middle of a
/// row.
pub(super) struct TextPieces<'a> {
    pieces: &'a PiecesSender,
    /// The text that was not handed over yet.
    pub(super) text: String,
}

impl<'a> TextPieces<'a> {
    /// Makes an empty text that hands over to `pieces`.
    pub(super) fn new(pieces: &'a PiecesSender) -> Self {
        Self {
            pieces,
            text: String::new(),
        }
    }

    /// Hands over the text if it is long enough.
    #[inline]
    pub(super) fn offer(&mut self) -> Result<(), Ended> {
        match self.text.len() < PIECE_BYTES {
            true => Ok(()),
            false => self.hand_over(),
        }
    }

    /// Hands over the rest.
    pub(super) fn hand_over(&mut self) -> Result<(), Ended> {
        match self.text.is_empty() {
            true => Ok(()),
            false => self.pieces.send(std::mem::take(&mut self.text).into()),
        }
    }
}

/// Both ends of an export whose reader must take this many bytes per second.
pub(super) fn channel(runtime: Handle, rate_bytes_min: u64) -> (PiecesSender, Pieces) {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    let is_whole = Arc::new(AtomicBool::new(false));
    let pieces = Pieces {
        first: None,
        receiver,
        is_whole: Arc::clone(&is_whole),
        rate_bytes_min,
    };
    let pace = Pace {
        rate_bytes_min,
        grace: GRACE,
    };
    let sender = PiecesSender {
        taking: Cell::new(Taking::new(pace, clock::instant())),
        sender,
        is_whole,
        runtime,
        rate_bytes_min,
    };
    (sender, pieces)
}

impl Pieces {
    /// Returns the pieces once the first one is there (or all are done), or the reason why none
    /// comes.
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
    /// Hands over a piece; waits no longer than the slowest tolerated reader would need.
    pub(super) fn send(&self, piece: Bytes) -> Result<(), Ended> {
        self.hand_over(Ok(piece))
    }

    /// Marks the export as whole.
    pub(super) fn finish(&self) {
        self.is_whole.store(true, Ordering::Relaxed);
    }

    /// Reports why the rest is missing.
    pub(super) fn fail(&self, error: ExportError) {
        // The client sees only a broken connection.
        tracing::warn!(%error, "an export ended early");
        let _ = self.hand_over(Err(error));
    }

    fn hand_over(&self, piece: Piece) -> Result<(), Ended> {
        let rate_bytes_min = self.rate_bytes_min;
        let bytes = piece.as_ref().map_or(0, Bytes::len);
        let mut taking = self.taking.get();
        let patience = taking.patience(bytes, clock::instant());
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, self.sender.send(piece)).await });
        match sent {
            Ok(Ok(())) => {
                taking.took(bytes, PIECES_AHEAD * PIECE_BYTES, clock::instant());
                self.taking.set(taking);
                Ok(())
            }
            Ok(Err(_)) => Err(Ended),
            Err(_) => {
                tracing::warn!(
                    rate_bytes_min,
                    "an export was cut off: its reader is too slow"
                );
                Err(Ended)
            }
        }
    }
}
