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
use thiserror::Error;
use tidegate_query::QueryError;
use tokio::runtime::Handle;

use crate::api::error::ApiError;
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
    /// Nothing follows, and this is not the end.
    #[error("the answer was cut off")]
    Off,
}

impl From<Cut> for ApiError {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Query(error) => error.into(),
            Cut::Render(error) => error.into(),
            Cut::Off => Self::internal(cut.to_string()),
        }
    }
}

/// A piece; `None` is the end. Without it, the rest is missing.
type Piece = Result<Option<Bytes>, Cut>;

/// The pieces of an answer. An error after the first piece means that the rest is missing.
#[derive(Debug)]
pub(super) struct Pieces {
    /// The first piece, taken already to see whether the answer begins.
    first: Option<Bytes>,
    taker: Taker<Piece>,
    is_over: bool,
}

/// Begins to write these rows on these threads, and waits for the first piece, or the end.
///
/// # Errors
/// [`Cut`] if no piece comes.
pub(super) async fn begin(
    batches: impl Stream<Item = Result<RecordBatch, QueryError>> + Send + 'static,
    renderer: Box<dyn Renderer>,
    threads: &Handle,
) -> Result<Pieces, Cut> {
    let (mut giver, mut taker) = channel(PIECES_AHEAD, PACE);
    threads.spawn(async move {
        let gone = giver.gone();
        tokio::select! {
            () = gone => {}
            () = write(batches, renderer, &mut giver) => {}
        }
    });
    let first = taker.take().await.ok_or(Cut::Off)??;
    Ok(Pieces {
        is_over: first.is_none(),
        first,
        taker,
    })
}

/// The reason for which nothing more is made.
enum Stop {
    Cut(Cut),
    /// Nobody takes the pieces any more.
    Untaken,
}

impl<E: Into<Cut>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Cut(error.into())
    }
}

async fn write(
    batches: impl Stream<Item = Result<RecordBatch, QueryError>>,
    renderer: Box<dyn Renderer>,
    giver: &mut Giver<Piece>,
) {
    match write_all(batches, renderer, giver).await {
        Ok(()) | Err(Stop::Untaken) => {}
        Err(Stop::Cut(cut)) => {
            let _ = send(Err(cut), giver).await;
        }
    }
}

async fn write_all(
    batches: impl Stream<Item = Result<RecordBatch, QueryError>>,
    mut renderer: Box<dyn Renderer>,
    giver: &mut Giver<Piece>,
) -> Result<(), Stop> {
    let mut batches = pin!(batches);
    while let Some(rows) = batches.try_next().await? {
        for slice in slices(&rows) {
            let mut piece = Vec::new();
            renderer.write(&slice, &mut piece)?;
            hand_over(piece, giver).await?;
        }
    }
    let mut last = Vec::new();
    renderer.finish(&mut last)?;
    hand_over(last, giver).await?;
    send(Ok(None), giver).await
}

async fn hand_over(piece: Vec<u8>, giver: &mut Giver<Piece>) -> Result<(), Stop> {
    match piece.is_empty() {
        true => Ok(()),
        false => send(Ok(Some(piece.into())), giver).await,
    }
}

/// Hands over a piece.
async fn send(piece: Piece, giver: &mut Giver<Piece>) -> Result<(), Stop> {
    let bytes = match &piece {
        Ok(Some(piece)) => piece.len(),
        Ok(None) | Err(_) => 0,
    };
    let given = giver.give(piece, bytes).await;
    given.map_err(|untaken| {
        if untaken == Untaken::Slow {
            tracing::warn!("an answer was cut off: its reader is too slow");
        }
        Stop::Untaken
    })
}

impl Stream for Pieces {
    type Item = Result<Bytes, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        let piece = ready!(self.taker.poll_take(cx)).unwrap_or(Err(Cut::Off));
        self.is_over = !matches!(piece, Ok(Some(_)));
        if let Err(cut) = &piece {
            // The client sees only a broken connection.
            let error = match cut {
                Cut::Query(error) => error.without_literals(),
                cut => cut.to_string(),
            };
            tracing::warn!(error, "an answer ended early");
        }
        Poll::Ready(piece.transpose())
    }
}

#[cfg(test)]
mod tests;
