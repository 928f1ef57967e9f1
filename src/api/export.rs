//! `GET /api/v1/export`: what is stored, as line protocol or Arrow (contract section 3).
//!
//! A task moves the pieces from the reader to the connection. It ends, and gives the permit and
//! the reader's memory back, when everything is sent, when the client has gone, or when the client
//! takes less than `export.rate_bytes_min`: a body alone would not notice, for nobody polls it
//! while the socket is full. An export that does not reach its end breaks the connection, so that
//! no client takes a part for the whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http_body::Frame;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::timeout;

use super::error::{ApiError, Code};
use super::params::ExportParams;
use super::{App, write};
use crate::auth::Identity;
use crate::read::{ExportQuery, Format, ReadError};

/// Even a small piece has this long to be taken.
const PATIENCE_MIN: Duration = Duration::from_secs(30);

/// The endpoint.
pub async fn export(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let params = ExportParams::parse(query.as_deref())?;
    let bucket = write::find(engine, &params.bucket);
    let name = bucket.as_ref().map_or(&params.bucket, |bucket| &bucket.name);
    if !identity.may_read(name) {
        return Err(ApiError::new(Code::Forbidden, "insufficient permissions for read"));
    }
    let bucket = bucket.ok_or_else(|| write::not_found(&params.bucket))?;
    let busy = |_| ApiError::unavailable("too many exports at once (export.concurrent_max)");
    let permit = app.exports().clone().try_acquire_owned().map_err(busy)?;
    let ExportParams { measurement, start_ns, end_ns, format, .. } = params;
    let query = ExportQuery { measurement, start_ns, end_ns, format };
    let pieces = engine.reader.export(&bucket, query)?;
    let (tx, rx) = mpsc::channel(1);
    tokio::spawn(pump(pieces, tx, app.config().export.rate_bytes_min, permit));
    let content_type = HeaderValue::from_static(content_type(format));
    Ok(([(CONTENT_TYPE, content_type)], Body::new(Pieces { rx, ended: false })).into_response())
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Lp => "text/plain; charset=utf-8",
        Format::Arrow => "application/vnd.apache.arrow.stream",
    }
}

/// What the body is told: a piece, or, absent, that everything was said.
type Piece = Option<Bytes>;

/// Hands pieces on. If it returns early the body breaks off, for it has not seen the end.
async fn pump(
    mut pieces: mpsc::Receiver<Result<Bytes, ReadError>>,
    tx: mpsc::Sender<Piece>,
    rate_bytes_min: u64,
    _permit: OwnedSemaphorePermit,
) {
    loop {
        let piece = match pieces.recv().await.transpose() {
            Ok(piece) => piece,
            Err(error) => return tracing::warn!(%error, "an export broke off"),
        };
        let last = piece.is_none();
        let patience = patience(piece.as_ref().map_or(0, Bytes::len), rate_bytes_min);
        match timeout(patience, tx.send(piece)).await {
            Ok(Ok(())) if !last => {}
            Ok(Ok(()) | Err(_)) => return,
            Err(_) => return tracing::info!("an export was cut: its reader takes too little"),
        }
    }
}

/// How long a piece may take to be taken.
fn patience(piece_bytes: usize, rate_bytes_min: u64) -> Duration {
    let seconds = u64::try_from(piece_bytes).unwrap_or(u64::MAX).checked_div(rate_bytes_min);
    seconds.map_or(Duration::MAX, Duration::from_secs).max(PATIENCE_MIN)
}

/// The body of the answer.
struct Pieces {
    rx: mpsc::Receiver<Piece>,
    ended: bool,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        self.rx.poll_recv(cx).map(|piece| {
            self.ended = !matches!(piece, Some(Some(_)));
            match piece {
                Some(Some(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(None) => None,
                None => Some(Err(io::Error::other("the export broke off"))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::BodyExt;
    use tokio::sync::{Semaphore, mpsc};

    use super::{Pieces, patience, pump};
    use crate::memory::{Budget, Marks};
    use crate::read::ReadError;

    async fn exported(pieces: Vec<Result<Bytes, ReadError>>) -> Result<Bytes, String> {
        let (reader, from_reader) = mpsc::channel(8);
        for piece in pieces {
            reader.send(piece).await.expect("room");
        }
        drop(reader);
        let permits = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&permits).acquire_owned().await.expect("free");
        let (tx, rx) = mpsc::channel(1);
        let pump = tokio::spawn(pump(from_reader, tx, 1024, permit));
        let collected = Pieces { rx, ended: false }.collect().await;
        pump.await.expect("no panic");
        assert_eq!(permits.available_permits(), 1, "the permit is given back");
        collected.map(|body| body.to_bytes()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn pieces_come_in_order_and_end() {
        let pieces = vec![Ok(Bytes::from_static(b"a\n")), Ok(Bytes::from_static(b"b\n"))];
        assert_eq!(exported(pieces).await, Ok(Bytes::from_static(b"a\nb\n")));
        assert_eq!(exported(vec![]).await, Ok(Bytes::new()));
    }

    #[tokio::test]
    async fn a_part_is_never_taken_for_the_whole() {
        let marks = Marks { budget_bytes: 1, soft_bytes: 1, hard_bytes: 1 };
        let short = Budget::new(marks).try_reserve(2).expect_err("too much");
        let pieces = vec![Ok(Bytes::from_static(b"a\n")), Err(ReadError::from(short))];
        assert_eq!(exported(pieces).await, Err("the export broke off".to_owned()));
    }

    #[test]
    fn a_slow_reader_has_time_by_the_size_of_a_piece() {
        assert_eq!(patience(10, 1024), Duration::from_secs(30));
        assert_eq!(patience(1024 * 1024, 1024), Duration::from_secs(1024));
        assert_eq!(patience(1024, 0), Duration::MAX, "no such rule");
    }
}
