//! Bodies of requests that were answered before they were read.
//!
//! The rest is read and discarded, after the answer and within its share of the server's [`Drain`]:
//! a client that sends everything before it reads still gets its answer, and the connection can be
//! used for the next request. Two kinds over HTTP/1 are left to the code that closes the
//! connection, and the answer says that the connection ends: a long body, and one that waits for
//! our consent (`Expect: 100-continue`), because reading it would give that consent.
//!
//! Over HTTP/2 only the stream is concerned. When its share is used up, it is reset with
//! `NO_ERROR`, because the answer is complete by then (RFC 9113, section 8.1).

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CONNECTION, EXPECT};
use http::{HeaderValue, Version};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::runtime::Handle;

use crate::certain::Certain;
use crate::server::drain::Drain;

/// The largest rest after which an HTTP/1 connection is kept for the next request.
const SHORT_BYTES_MAX: u64 = 1 << 20;

/// The time after which a quiet client is taken not to be sending.
const QUIET: Duration = Duration::from_secs(2);

pub(super) async fn unread<F: Future<Output = Response>>(
    drain: &Drain,
    mut request: Box<Request>,
    next: impl FnOnce(Box<Request>) -> F,
) -> Response {
    if request.body().is_end_stream() {
        return next(request).await;
    }
    let length = request.body().size_hint().exact();
    let short = length.is_some_and(|length| length <= SHORT_BYTES_MAX);
    let one_stream = request.version() >= Version::HTTP_2;
    let discard = one_stream || short && !request.headers().contains_key(EXPECT);
    let ended = Arc::new(AtomicBool::new(false));
    let body = mem::take(request.body_mut());
    let body = Watched {
        body: Some(body),
        ended: Arc::clone(&ended),
        drain: discard.then(|| drain.clone()),
    };
    *request.body_mut() = Body::new(body);
    let mut response = next(request).await;
    if !discard && !ended.load(Ordering::Relaxed) {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The reason why there is a body.
const PRESENT: &str = "only dropping takes the body out";

/// A body that notices whether it was read to its end.
struct Watched {
    body: Option<Body>,
    ended: Arc<AtomicBool>,
    /// Present if an unread rest is to be read and discarded.
    drain: Option<Drain>,
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // The end of a body that is gone would look like the end of a whole one.
        let body = self.body.as_mut().certain(PRESENT);
        let frame = Pin::new(&mut *body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || body.is_end_stream() {
            self.ended.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().certain(PRESENT).is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().certain(PRESENT).size_hint()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.ended.load(Ordering::Relaxed) {
            return;
        }
        let (body, drain) = (self.body.take(), self.drain.take());
        if let (Some(body), Some(drain), Ok(runtime)) = (body, drain, Handle::try_current()) {
            runtime.spawn(discard(body, drain));
        }
    }
}

async fn discard(mut body: Body, drain: Drain) {
    let mut share = drain.share();
    while share.bytes_left() > 0
        && let Some(Some(Ok(frame))) = share.within(QUIET, body.frame()).await
    {
        share.spend(frame.data_ref().map_or(0, Bytes::len));
    }
}
