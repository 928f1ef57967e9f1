//! The activity of a connection: how many requests are in flight, and for how long there was none.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::framing::Needed;

/// Counts the requests of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    in_flight: AtomicUsize,
    changed: Notify,
}

/// One request, until it is dropped.
#[derive(Debug)]
pub(super) struct InFlight {
    count: Arc<Count>,
    _needed: Option<Needed>,
}

impl Activity {
    /// Begins a request, which may be one that ends with its peer.
    pub(super) fn begin(&self, needed: Option<Needed>) -> InFlight {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
        self.0.changed.notify_one();
        InFlight {
            count: Arc::clone(&self.0),
            _needed: needed,
        }
    }

    /// Ready after `patience` in which no request was in flight.
    pub(super) async fn idle_for(&self, patience: Duration) {
        loop {
            let changed = self.0.changed.notified();
            if self.0.in_flight.load(Ordering::Relaxed) > 0 {
                changed.await;
            } else if timeout(patience, changed).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.count.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.count.changed.notify_one();
    }
}

impl InFlight {
    /// Keeps the request in flight until the body of its answer is sent.
    pub(super) fn until_sent(self, response: Result<Response, Infallible>) -> Response {
        let Ok(response) = response;
        response.map(|body| {
            Body::new(Sending {
                body,
                _in_flight: self,
            })
        })
    }
}

/// The body of an answer.
struct Sending {
    body: Body,
    _in_flight: InFlight,
}

impl http_body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::Activity;

    #[tokio::test]
    async fn a_connection_is_idle_only_while_nothing_is_in_flight() {
        let activity = Activity::default();
        let request = activity.begin(None);
        let idle = || activity.idle_for(Duration::from_millis(20));
        assert!(timeout(Duration::from_millis(100), idle()).await.is_err());
        drop(request);
        timeout(Duration::from_secs(5), idle()).await.expect("idle");
    }
}
