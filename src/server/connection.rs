//! A connection, from the accepted socket to the closed one.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{io, iter};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{ALLOW, CONTENT_LENGTH};
use http::{Request, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::activity::Activity;
use super::drain::Drain;
use super::eager::Eager;
use super::framing::{Goodbye, Guard, Limits, Presence, REFUSED, Refusal, Refusals, Returned};
use super::layers::Peer;
use super::prefix;
use super::routes;
use super::socket;
use super::streams::{self, Starter, Streams};
use super::tls::{Arrival, Tls};
#[cfg(feature = "query")]
use crate::api::peer::WhileThere;
use crate::config::Config;
use crate::narrow;
use crate::pace::Pace;
use crate::telemetry::Metrics;

/// The bytes that one HTTP/2 stream may send before they are read. The window of a connection is
/// the sum of its streams', so that a waiting stream takes nothing from the others.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// The protocol's limit on windows.
const WINDOW_BYTES_MAX: u32 = (1 << 31) - 1;
/// The most streams of one connection that were reset before they were served. More end the
/// connection ("rapid reset", CVE-2023-44487).
const PENDING_RESETS_MAX: usize = 20;
/// The most streams of one connection that we reset because the peer broke the protocol.
const LOCAL_RESETS_MAX: usize = 64;
/// The time after which a silent peer is pinged, and after another of which it is given up.
const HTTP2_PING: Duration = Duration::from_secs(20);
/// The most bytes of an answer that wait in one stream.
const SEND_BYTES_MAX: usize = 64 * 1024;
/// The size of the read buffer beyond the largest head.
const BUFFER_BEYOND_HEAD_BYTES: usize = 8 * 1024;
/// The pace at which a peer must take its answers, whatever they are: that of the slowest reader of a
/// question. Several streams share a connection, so it has the longest grace of them.
const PACE: Pace = Pace {
    rate_bytes_min: 1024,
    grace: Duration::from_secs(60),
};

/// The settings and services for serving connections: made once, shared by all.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    router: Router,
    http: HttpLimits,
    limits: Limits,
    keep_alive: Duration,
    path_prefix: String,
    tls: Option<Tls>,
    metrics: Metrics,
    drain: Drain,
}

/// A connection with the guard in front of it, over TLS or TCP.
type Guarded<IO> = (Guard<IO>, Refusals, Returned<IO>);

/// What is known of a connection beside its requests.
struct Seen<'a> {
    peer: SocketAddr,
    activity: &'a Activity,
    presence: Presence,
    refusals: Refusals,
}

/// The signals that end connections.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop {
    /// Accept no further requests, but answer those in flight.
    pub(super) gently: CancellationToken,
    /// End now.
    pub(super) now: CancellationToken,
}

impl Connections {
    pub(super) fn new(
        router: Router,
        config: &Config,
        tls: Option<Tls>,
        metrics: Metrics,
        drain: Drain,
    ) -> Self {
        let limits = Limits {
            head_timeout: config.connection.head_timeout,
            head_bytes_max: config.connection.head_bytes_max,
            headers_max: config.connection.headers_max,
            pace: PACE,
        };
        let shared = Shared {
            router,
            http: HttpLimits::of(config),
            limits,
            keep_alive: config.connection.keep_alive_timeout,
            path_prefix: config.server.path_prefix.clone(),
            tls,
            metrics,
            drain,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Serves a connection until it ends or has to stop.
    pub(super) async fn serve(self, stream: TcpStream, peer: SocketAddr, stop: Stop) {
        socket::prepare(&stream);
        let limits = self.shared.limits;
        let Some(tls) = &self.shared.tls else {
            let guarded = Guard::new(stream, limits);
            return self.hold(guarded, Goodbye::Silent, peer, stop).await;
        };
        match self.meet(tls, stream, peer, &stop).await {
            Some(Arrival::Encrypted(stream)) => {
                let guarded = Guard::new(stream, limits);
                self.hold(guarded, Goodbye::Spoken, peer, stop).await;
            }
            Some(Arrival::Plain(stream)) => {
                self.shared.metrics.refused("tls");
                let guarded = Guard::refusing(stream, limits, Refusal::PlainHttp);
                self.hold(guarded, Goodbye::Silent, peer, stop).await;
            }
            Some(Arrival::Nobody) | None => {}
        }
    }

    /// Does the handshake within the time of a head. There is no request yet, so a stop ends it at
    /// once.
    async fn meet(
        &self,
        tls: &Tls,
        stream: TcpStream,
        peer: SocketAddr,
        stop: &Stop,
    ) -> Option<Arrival> {
        let patience = self.shared.limits.head_timeout;
        let met = tokio::select! {
            met = timeout(patience, tls.accept(stream)) => met,
            () = stop.gently.cancelled() => return None,
        };
        match met {
            Ok(Ok(arrival)) => return Some(arrival),
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        }
        self.shared.metrics.refused("tls");
        None
    }

    /// Serves a connection, and closes it so that the peer can read the last answer.
    async fn hold<IO>(
        &self,
        (guard, refusals, returned): Guarded<IO>,
        goodbye: Goodbye,
        peer: SocketAddr,
        stop: Stop,
    ) where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let cut = stop.now.clone();
        Eager::new(self.converse(guard, refusals, peer, stop)).await;
        if let Some(remains) = returned.remains().await {
            tokio::select! {
                () = remains.close(goodbye, &self.shared.drain) => {}
                () = cut.cancelled() => {}
            }
        }
    }

    /// Speaks HTTP on one connection.
    async fn converse<IO>(&self, guard: Guard<IO>, refusals: Refusals, peer: SocketAddr, stop: Stop)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let activity = Activity::default();
        let seen = Seen {
            peer,
            activity: &activity,
            presence: guard.presence(),
            refusals,
        };
        let service = service_fn(|request| self.answer(request, &seen));
        let (starter, mut streams) = Streams::new();
        let builder = self.shared.http.builder(starter);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(guard), service));
        let mut streams = pin!(streams.drive());
        let mut ending = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        told(peer, &*error);
                    }
                    return;
                }
                never = streams.as_mut() => match never {},
                () = stop.now.cancelled() => return,
                () = stop.gently.cancelled(), if !ending => {}
                () = activity.idle_for(self.shared.keep_alive), if !ending => {}
            }
            ending = true;
            connection.as_mut().graceful_shutdown();
        }
    }

    /// Answers one request.
    fn answer(
        &self,
        request: Request<Incoming>,
        seen: &Seen<'_>,
    ) -> impl Future<Output = Result<Response, Infallible>> + Send + use<> {
        let router = self.shared.router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(seen.peer));
        if let Some(uri) = prefix::strip(request.uri(), &self.shared.path_prefix) {
            *request.uri_mut() = uri;
        }
        if request.method().as_str() == REFUSED
            && let Some(refusal) = seen.refusals.take()
        {
            request.extensions_mut().insert(refusal);
        }
        let needed = routes::are_questions(request.uri().path()).then(|| seen.presence.needed());
        #[cfg(feature = "query")]
        {
            let presence = seen.presence.clone();
            let there = WhileThere::new(move || presence.needed());
            request.extensions_mut().insert(there);
        }
        let in_flight = seen.activity.begin(needed);
        let has_streams = request.version() == Version::HTTP_2;
        let answer = async move {
            let mut response = in_flight.until_sent(router.oneshot(request).await);
            if response.status() == StatusCode::NO_CONTENT {
                // The router sets this header even if there must be none (RFC 9110, section 8.6).
                response.headers_mut().remove(CONTENT_LENGTH);
            } else if response.status() != StatusCode::METHOD_NOT_ALLOWED {
                // The router also sets this header if a layer refused the request before.
                response.headers_mut().remove(ALLOW);
            }
            Ok(response)
        };
        async move {
            match has_streams {
                true => streams::serve(answer).await,
                false => answer.await,
            }
        }
    }
}

/// Writes down why a connection ended.
fn told(peer: SocketAddr, error: &(dyn Error + 'static)) {
    let mut causes = iter::successors(Some(error), |error| (*error).source());
    let is_untaken = causes.any(|cause| {
        let cause = cause.downcast_ref::<io::Error>();
        cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
    });
    match is_untaken {
        true => tracing::info!(%peer, "a client was cut off that took nothing of its answer"),
        false => tracing::debug!(%peer, %error, "a connection ended with an error"),
    }
}

/// The limits of hyper's connections.
#[derive(Clone, Copy, Debug)]
struct HttpLimits {
    headers_max: usize,
    head_bytes_max: usize,
    streams_max: u32,
}

impl HttpLimits {
    fn of(config: &Config) -> Self {
        Self {
            headers_max: config.connection.headers_max,
            head_bytes_max: config.connection.head_bytes_max,
            streams_max: config.connection.http2_streams_max,
        }
    }

    fn builder(self, starter: Starter) -> Builder<Starter> {
        let mut builder = Builder::new(starter);
        // The guard enforces the timeouts and limits of HTTP/1: here they only must not be lower. A
        // client that closes its side after its request still gets its answer.
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .half_close(true)
            .max_headers(self.headers_max)
            .max_buf_size(self.head_bytes_max + BUFFER_BEYOND_HEAD_BYTES);
        let head_bytes_max = narrow::capped_u32(narrow::to_u64(self.head_bytes_max));
        let window = STREAM_WINDOW_BYTES
            .saturating_mul(self.streams_max)
            .min(WINDOW_BYTES_MAX);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(self.streams_max)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(window)
            .max_pending_accept_reset_streams(PENDING_RESETS_MAX)
            .max_local_error_reset_streams(LOCAL_RESETS_MAX)
            .max_header_list_size(head_bytes_max)
            .max_send_buf_size(SEND_BYTES_MAX)
            .keep_alive_interval(HTTP2_PING)
            .keep_alive_timeout(HTTP2_PING);
        builder
    }
}
