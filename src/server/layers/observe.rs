//! The outermost layer: it gives a request an id, which is in the log, on the answer and in the
//! text of a 500; it counts and times the request under its route's pattern; it names the server on
//! every answer.
//!
//! Neither query strings nor header values are logged: they may hold credentials. Nor is what is wrong
//! with a question: the text quotes the question, whose literals may be secrets.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode};
use tracing::{Instrument, Level};

use super::matched::{Lookup, Matched};
use crate::api::error::Code;
use crate::api::request_id::{self, RequestId};
use crate::api::{AppState, dialect};
use crate::clock;
use crate::telemetry::{Quiet, VERSION};

/// The address of the peer that sent a request, as an extension.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Peer(pub(in crate::server) SocketAddr);

/// What the log says instead of what is wrong with a question.
const NOT_LOGGED: &str = "the question is wrong; what is wrong is not logged, since it may quote \
                          secrets of the question";

/// The bound on log lines: the number of lines per status and time.
pub(super) fn quiet() -> Quiet<u16> {
    Quiet::new(20, Duration::from_secs(10))
}

pub(super) async fn observe<F: Future<Output = Response>>(
    app: &AppState,
    (lookup, quiet): (Lookup, &Quiet<u16>),
    request: Box<Request>,
    next: impl FnOnce(Box<Request>) -> F,
) -> Response {
    let id = RequestId::next();
    let started = clock::instant();
    let method = request.method().clone();
    let matched = Matched::of(&request, app, lookup);
    let route = matched.pattern;
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0);
    let from = peer.map(|peer| tracing::field::display(peer.ip()));
    let span = tracing::info_span!("request", %id, peer = from);
    let answer = dialect::scope(matched.dialect, next(request));
    let mut response = request_id::scope(id, answer).instrument(span).await;
    let seconds = clock::instant()
        .saturating_duration_since(started)
        .as_secs_f64();
    app.metrics()
        .request(route, response.status().as_u16(), seconds);
    if let Some(reason) = response
        .extensions()
        .get::<Code>()
        .and_then(|code| code.refused())
    {
        app.metrics().refused(reason);
    }
    if let Some(left_out) = is_told(quiet, response.status()) {
        let left_out = (left_out > 0).then_some(left_out);
        let request = (&method, &matched);
        log(id, request, peer, &response, (seconds, left_out));
    }
    name(&mut response, id);
    response
}

/// Returns how many similar answers were not logged, if this one is to be. Strangers choose how
/// often they are refused, so those lines are bounded; every fault of ours is logged.
fn is_told(quiet: &Quiet<u16>, status: StatusCode) -> Option<u64> {
    if status.is_client_error() || status == StatusCode::SERVICE_UNAVAILABLE {
        quiet.admit(status.as_u16(), clock::instant())
    } else {
        Some(0)
    }
}

fn log(
    id: RequestId,
    (method, matched): (&Method, &Matched),
    peer: Option<SocketAddr>,
    response: &Response,
    (seconds, left_out): (f64, Option<u64>),
) {
    let (status, route) = (response.status(), matched.pattern);
    let error = told(response, matched.holds_statements);
    let peer = peer.map(|peer| peer.ip());
    let code = status.as_u16();
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                %id, %method, route, status = code, seconds, peer = peer.map(tracing::field::display),
                error, left_out, "request answered"
            )
        };
    }
    match level(status, route) {
        Level::WARN => line!(warn),
        Level::INFO => line!(info),
        _ => line!(debug),
    }
}

/// The text of an error, if it quotes no statement.
fn told(response: &Response, holds_statements: bool) -> Option<&str> {
    let text = response.headers().get("x-influxdb-error")?.to_str().ok()?;
    let quotes = holds_statements && response.status() == StatusCode::BAD_REQUEST;
    Some(if quotes { NOT_LOGGED } else { text })
}

/// The level of an answer. A warning is for what the operator can act on. A 501 concerns only the
/// client, and probes request `/ready` to learn that the server is not ready yet.
fn level(status: StatusCode, route: &str) -> Level {
    match status {
        StatusCode::SERVICE_UNAVAILABLE if route.ends_with("/ready") => Level::DEBUG,
        StatusCode::NOT_IMPLEMENTED => Level::INFO,
        _ if status.is_server_error() => Level::WARN,
        _ if status.is_client_error() => Level::INFO,
        _ => Level::DEBUG,
    }
}

fn name(response: &mut Response, id: RequestId) {
    let headers = response.headers_mut();
    let version = HeaderValue::from_static(VERSION);
    headers.insert(HeaderName::from_static("x-influxdb-version"), version);
    let build = HeaderValue::from_static("tidegate");
    headers.insert(HeaderName::from_static("x-influxdb-build"), build);
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;
    use http::StatusCode;
    use tracing::Level;

    use super::{level, told};
    use crate::api::error::{ApiError, Code};

    /// From a bug: the log had the literal of `SELECT cast('secret9' as int)`.
    #[test]
    fn what_is_wrong_with_a_question_is_not_logged() {
        let text = "Cannot cast string 'secret9' to value of Int32 type";
        for (code, holds_statements, is_logged) in [
            (Code::Invalid, true, false),
            (Code::Unavailable, true, true),
            (Code::Invalid, false, true),
        ] {
            let response = ApiError::new(code, text).into_response();
            let told = told(&response, holds_statements).expect("a text");
            assert_eq!(told == text, is_logged, "{code:?}: {told}");
            assert_eq!(told.contains("secret9"), is_logged, "{code:?}: {told}");
        }
    }

    #[test]
    fn warnings_are_for_what_the_operator_can_act_on() {
        for (status, route, told) in [
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "/api/v2/write",
                Level::WARN,
            ),
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "/api/v2/write",
                Level::WARN,
            ),
            (StatusCode::SERVICE_UNAVAILABLE, "/health", Level::WARN),
            (StatusCode::SERVICE_UNAVAILABLE, "/ready", Level::DEBUG),
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "/api/v2/ready",
                Level::DEBUG,
            ),
            (StatusCode::NOT_IMPLEMENTED, "/api/v2/query", Level::INFO),
            (StatusCode::BAD_REQUEST, "/api/v2/write", Level::INFO),
            (StatusCode::NO_CONTENT, "/api/v2/write", Level::DEBUG),
        ] {
            assert_eq!(level(status, route), told, "{status} {route}");
        }
    }
}
