//! The activity of a connection: how many requests are in flight, and for how long there was none.
//!
//! Requests only write down when they end, and wake nobody: whoever waits for a connection to be idle
//! looks at that when it could be. Woken at each begin and end, a connection was looked after twice as
//! often.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::sleep_until;

use super::framing::Needed;
use crate::certain::Certain;
use crate::clock;

/// Counts the requests of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity(Arc<Count>);

#[derive(Debug)]
struct Count(Mutex<Requests>);

#[derive(Debug)]
struct Requests {
    in_flight: usize,
    /// The moment when the last one ended, or the connection began.
    ended: Instant,
}

impl Default for Count {
    fn default() -> Self {
        Self(Mutex::new(Requests {
            in_flight: 0,
            ended: clock::instant(),
        }))
    }
}

impl Count {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        self.0.requests().in_flight += 1;
        InFlight {
            count: Arc::clone(&self.0),
            _needed: needed,
        }
    }

    /// Ready after `patience` in which no request was in flight.
    pub(super) async fn idle_for(&self, patience: Duration) {
        loop {
            let now = clock::instant();
            let since = self.idle_since().unwrap_or(now);
            if now.saturating_duration_since(since) >= patience {
                return;
            }
            // A request that ends meanwhile has its whole patience, which ends later than this.
            sleep_until((since + patience).into()).await;
        }
    }

    /// The moment since which no request was in flight.
    fn idle_since(&self) -> Option<Instant> {
        let requests = self.0.requests();
        (requests.in_flight == 0).then_some(requests.ended)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut requests = self.count.requests();
        let others = requests.in_flight.checked_sub(1);
        requests.in_flight = others.certain("this one was counted when it began");
        requests.ended = clock::instant();
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
    use std::pin::pin;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::{Activity, clock};

    #[tokio::test]
    async fn a_connection_is_idle_only_while_nothing_is_in_flight() {
        let activity = Activity::default();
        let request = activity.begin(None);
        let idle = || activity.idle_for(Duration::from_millis(20));
        assert!(timeout(Duration::from_millis(100), idle()).await.is_err());
        drop(request);
        timeout(Duration::from_secs(5), idle()).await.expect("idle");
    }

    #[tokio::test]
    async fn the_time_begins_anew_with_the_end_of_a_request() {
        let (activity, patience) = (Activity::default(), Duration::from_millis(200));
        let mut idle = pin!(activity.idle_for(patience));
        assert!(timeout(patience / 2, idle.as_mut()).await.is_err());
        drop(activity.begin(None));
        let ended = clock::instant();
        idle.await;
        assert!(ended.elapsed() >= patience);
    }
}
