//! The streams of an HTTP/2 connection, driven by the connection's own task.
//!
//! Some clients end their body early once they have the head of a refusal (curl does), with fewer
//! bytes than they announced. HTTP/2 has such a stream reset, which discards whatever of the answer
//! is not sent yet. So the head of an answer and the first part of its body must leave together.
//! They do if the task that queues both is the one that writes to the socket: it cannot write in
//! between. With a task per stream, as hyper would have it, about one in a thousand refusals to curl
//! lost its body on a busy machine.
//!
//! Requests are still served on tasks of their own ([`serve`]), so a long one delays no other
//! stream. Only the handing over of answers happens here.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::response::Response;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use hyper::rt::Executor;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;

type Stream = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Takes the streams that hyper starts. The number of them is bounded by the connection's settings.
#[derive(Clone, Debug)]
pub(super) struct Starter(UnboundedSender<Stream>);

/// The streams of one connection.
pub(super) struct Streams {
    started: UnboundedReceiver<Stream>,
    running: FuturesUnordered<Stream>,
}

impl<F> Executor<F> for Starter
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        // The receiver is gone if the connection is: then there is nobody to answer.
        let _ = self.0.send(Box::pin(stream));
    }
}

impl Streams {
    /// A connection without streams, and what starts them.
    pub(super) fn new() -> (Starter, Self) {
        let (start, started) = unbounded_channel();
        let streams = Self {
            started,
            running: FuturesUnordered::new(),
        };
        (Starter(start), streams)
    }

    /// Drives the streams for as long as it is polled. Never ready.
    pub(super) async fn drive(&mut self) -> Infallible {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Infallible> {
        while let Poll::Ready(Some(stream)) = self.started.poll_recv(cx) {
            self.running.push(stream);
        }
        while let Poll::Ready(Some(())) = self.running.poll_next_unpin(cx) {}
        Poll::Pending
    }
}

/// Serves a request on a task of its own, which ends with the returned future.
pub(super) async fn serve(
    request: impl Future<Output = Result<Response, Infallible>> + Send + 'static,
) -> Result<Response, Infallible> {
    match AbortOnDropHandle::new(tokio::spawn(request)).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime shuts down, and this task with it.
            Err(_) => pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::task::{Context, Poll};

    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use bytes::Bytes;
    use h2::client::handshake;
    use http::Request;
    use http_body::Frame;
    use tokio::net::{TcpListener, TcpStream};
    use tokio::task;
    use tokio_util::sync::CancellationToken;

    use crate::clock::Clock;
    use crate::config::{Config, Sources};
    use crate::server::connection::{Connections, Stop};
    use crate::server::drain::Drain;
    use crate::telemetry::Metrics;

    type Seen = Arc<Mutex<Vec<(task::Id, task::Id)>>>;

    /// An empty body that notes on which task its request was served, and on which it is sent.
    struct Noting {
        served_on: task::Id,
        seen: Seen,
    }

    impl http_body::Body for Noting {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let mut seen = self.seen.lock().expect("no panic");
            seen.push((self.served_on, task::id()));
            Poll::Ready(None)
        }
    }

    /// From a bug: curl read the head of a refusal, ended its body early, and got a reset instead of
    /// the refusal's body, which was on its way from another task.
    #[tokio::test]
    async fn answers_are_sent_by_the_task_of_their_connection_and_made_by_others() {
        let seen = Seen::default();
        let notes = Arc::clone(&seen);
        let noting = async move || {
            Body::new(Noting {
                served_on: task::id(),
                seen: notes.clone(),
            })
        };
        let router = Router::new().route("/", get(noting));
        let config = Config::load(&Sources::default()).expect("the defaults are valid");
        let metrics = Metrics::new(&Clock::system());
        let drain = Drain::new(0, CancellationToken::new());
        let connections = Connections::new(router, &config, None, metrics, drain);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let client = TcpStream::connect(address).await.expect("connects");
        let (stream, peer) = listener.accept().await.expect("accepted");
        let server = tokio::spawn(connections.serve(stream, peer, Stop::default()));
        let (mut send, connection) = handshake(client).await.expect("a preface");
        tokio::spawn(connection);
        let request = || {
            Request::get("http://localhost/")
                .body(())
                .expect("a request")
        };
        let answers: Vec<_> = (0..8)
            .map(|_| send.send_request(request(), true).expect("sent").0)
            .collect();
        for answer in answers {
            let mut body = answer.await.expect("an answer").into_body();
            while let Some(data) = body.data().await {
                assert!(data.expect("no reset").is_empty());
            }
        }
        let seen = seen.lock().expect("no panic");
        assert_eq!(seen.len(), 8);
        for (served_on, sent_by) in seen.iter() {
            assert_eq!(*sent_by, server.id());
            assert_ne!(*served_on, server.id());
        }
    }
}
