//! The bytes of an answer between the thread that makes them and the client that takes them.
//!
//! A task on the threads of questions asks for rows and renders them, so that the threads that serve
//! connections do neither, and writes come before it. It is at most two pieces ahead of the client: a client that takes its
//! time makes the question wait, and one that takes almost nothing, or goes away, ends it.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use arrow_array::RecordBatch;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::TryStreamExt;
use http_body::{Body as HttpBody, Frame, SizeHint};
use thiserror::Error;
use tidegate_query::{QueryError, Waiter};
use tokio::runtime::Handle;

use crate::api::error::ApiError;
use crate::narrow::to_u64;
use crate::pace::{Giver, Pace, Taker, Untaken, channel};
use crate::render::{RenderError, Renderer, slices};

/// The pace at which a client must take an answer.
const PACE: Pace = Pace {
    rate_bytes_min: 1024,
    grace: Duration::from_secs(10),
};

/// The number of pieces that are made ahead.
const PIECES_AHEAD: usize = 2;

/// The reason for which there is no answer, or no more of it.
#[derive(Debug, Error)]
pub(super) enum Cut {
    /// The question cannot be answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The rows cannot be written.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The request is refused as a whole.
    #[error("the request was refused: {}", .0.message())]
    Refused(Box<ApiError>),
    /// Nothing follows, and this is not the end.
    #[error("the answer was cut off")]
    Off,
}

impl From<Cut> for ApiError {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Query(error) => error.into(),
            Cut::Render(error) => error.into(),
            Cut::Refused(error) => *error,
            Cut::Off => Self::internal(cut.to_string()),
        }
    }
}

/// A piece. Without a last one, the rest is missing.
type Piece = Result<Part, Cut>;

/// A part of an answer.
#[derive(Debug)]
enum Part {
    /// Others follow.
    More(Bytes),
    /// The rest, which may be nothing.
    Last(Bytes),
}

/// The pieces of an answer. An error after the first piece means that the rest is missing.
#[derive(Debug)]
pub(super) struct Pieces {
    /// The first piece, taken already to see whether the answer begins.
    first: Option<Bytes>,
    taker: Taker<Piece>,
    is_over: bool,
    /// Tells the question when the client goes away.
    waiter: Option<Waiter>,
}

impl Pieces {
    /// The pieces for somebody who waits for them as long as they are there.
    pub(super) fn awaited(self, waiter: Waiter) -> Self {
        Self {
            waiter: Some(waiter).filter(|_| !self.is_over),
            ..self
        }
    }

    /// The bytes of a part, if it has some.
    fn of_part(&mut self, part: Part) -> Option<Bytes> {
        match part {
            Part::More(bytes) => Some(bytes),
            Part::Last(bytes) => {
                self.end();
                Some(bytes).filter(|bytes| !bytes.is_empty())
            }
        }
    }

    fn end(&mut self) {
        self.is_over = true;
        self.waiter = None;
    }
}

/// Something that writes an answer.
pub(super) trait Write: Send + 'static {
    /// Writes it, but for its last bytes, which are returned: a small answer leaves in one piece.
    fn write(self, to: &mut Sink) -> impl Future<Output = Result<Vec<u8>, Stop>> + Send;
}

/// The reason for which nothing more is made.
#[derive(Debug)]
pub(super) enum Stop {
    /// The rest cannot be made.
    Cut(Cut),
    /// Nobody takes the pieces any more.
    Untaken,
}

impl<E: Into<Cut>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Cut(error.into())
    }
}

/// The place where the pieces of an answer go.
#[derive(Debug)]
pub(super) struct Sink {
    giver: Giver<Piece>,
    has_begun: bool,
}

/// Begins to write on these threads, and waits for the first piece, or the end.
///
/// # Errors
/// [`Cut`] if no piece comes.
pub(super) async fn begin(writes: impl Write, threads: &Handle) -> Result<Pieces, Cut> {
    let (giver, mut taker) = channel(PIECES_AHEAD, PACE);
    let mut sink = Sink {
        giver,
        has_begun: false,
    };
    threads.spawn(async move {
        let gone = sink.giver.gone();
        tokio::select! {
            () = gone => {}
            () = write(writes, &mut sink) => {}
        }
    });
    let first = taker.take().await.ok_or(Cut::Off)??;
    let mut pieces = Pieces {
        first: None,
        taker,
        is_over: false,
        waiter: None,
    };
    pieces.first = pieces.of_part(first);
    Ok(pieces)
}

/// Begins to write these rows, as [`begin`].
///
/// # Errors
/// [`Cut`] if no piece comes.
pub(super) async fn begin_rows(
    batches: impl Stream<Item = Result<RecordBatch, QueryError>> + Send + 'static,
    renderer: Box<dyn Renderer>,
    threads: &Handle,
) -> Result<Pieces, Cut> {
    begin(Rows { batches, renderer }, threads).await
}

async fn write(writes: impl Write, sink: &mut Sink) {
    let written = match writes.write(sink).await {
        Ok(last) => sink.send(Ok(Part::Last(last.into()))).await,
        Err(stop) => Err(stop),
    };
    if let Err(Stop::Cut(cut)) = written {
        let _ = sink.send(Err(cut)).await;
    }
}

/// Rows, and what renders them.
struct Rows<B> {
    batches: B,
    renderer: Box<dyn Renderer>,
}

impl<B> Write for Rows<B>
where
    B: Stream<Item = Result<RecordBatch, QueryError>> + Send + 'static,
{
    async fn write(mut self, to: &mut Sink) -> Result<Vec<u8>, Stop> {
        let mut batches = pin!(self.batches);
        while let Some(rows) = batches.try_next().await? {
            for slice in slices(&rows) {
                let mut piece = Vec::new();
                self.renderer.write(&slice, &mut piece)?;
                to.take(piece).await?;
            }
        }
        let mut last = Vec::new();
        self.renderer.finish(&mut last)?;
        Ok(last)
    }
}

impl Sink {
    /// Returns true if the client has a part of the answer already.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Takes the next piece, if it has bytes, once the client is ready for it.
    ///
    /// # Errors
    /// [`Stop::Untaken`] if it never is.
    pub(super) async fn take(&mut self, piece: Vec<u8>) -> Result<(), Stop> {
        match piece.is_empty() {
            true => Ok(()),
            false => self.send(Ok(Part::More(piece.into()))).await,
        }
    }

    async fn send(&mut self, piece: Piece) -> Result<(), Stop> {
        let bytes = match &piece {
            Ok(Part::More(bytes) | Part::Last(bytes)) => bytes.len(),
            Err(_) => 0,
        };
        self.has_begun = true;
        let given = self.giver.give(piece, bytes).await;
        given.map_err(|untaken| {
            if untaken == Untaken::Slow {
                tracing::warn!("an answer was cut off: its reader is too slow");
            }
            Stop::Untaken
        })
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        let piece = ready!(self.taker.poll_take(cx)).unwrap_or(Err(Cut::Off));
        Poll::Ready(match piece {
            Ok(part) => self.of_part(part).map(|bytes| Ok(Frame::data(bytes))),
            Err(cut) => {
                self.end();
                // The client sees only a broken connection.
                let error = match &cut {
                    Cut::Query(error) => error.without_literals(),
                    cut => cut.to_string(),
                };
                tracing::warn!(error, "an answer ended early");
                Some(Err(cut))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_over && self.first.is_none()
    }

    /// Known of an answer in one piece, whose length its head then says.
    fn size_hint(&self) -> SizeHint {
        match (&self.first, self.is_over) {
            (first, true) => SizeHint::with_exact(to_u64(first.as_ref().map_or(0, Bytes::len))),
            (_, false) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests;
