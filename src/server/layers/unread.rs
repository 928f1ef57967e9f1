//! Bodies of HTTP/1 requests that were answered before they were read.
//!
//! A short one is read and thrown away, after the answer, so that the connection can be used for
//! the next request. For a long one the answer says that the connection ends, and whoever closes
//! it discards what still comes. A body that waits to be asked for (`Expect: 100-continue`) is not
//! asked for: reading it would do that, so it is treated as a long one.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Version};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// What is discarded at most (contract section 1.2).
const DISCARD_BYTES_MAX: u64 = 1 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);

pub(super) async fn unread(request: Request, next: Next) -> Response {
    if request.version() >= Version::HTTP_2 || request.body().is_end_stream() {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let short = body
        .size_hint()
        .exact()
        .is_some_and(|length| length <= DISCARD_BYTES_MAX);
    let discard = short && !head.headers.contains_key(EXPECT);
    let ended = Arc::new(AtomicBool::new(false));
    let body = Watched {
        body: Some(body),
        ended: Arc::clone(&ended),
        discard,
    };
    let mut response = next.run(Request::from_parts(head, Body::new(body))).await;
    if !discard && !ended.load(Ordering::Relaxed) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// A body that tells whether it was read to its end.
struct Watched {
    body: Option<Body>,
    ended: Arc<AtomicBool>,
    /// Whether what is not read is to be read and thrown away.
    discard: bool,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(&mut *body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body
            .as_ref()
            .is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map(http_body::Body::size_hint)
            .unwrap_or_default()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.discard || self.ended.load(Ordering::Relaxed) {
            return;
        }
        if let (Some(body), Ok(runtime)) = (self.body.take(), Handle::try_current()) {
            runtime.spawn(timeout(DISCARD_TIME_MAX, discard(body)));
        }
    }
}

async fn discard(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}
