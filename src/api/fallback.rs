//! Answers for paths and methods that do not exist, or not yet: each says what to use instead, if
//! there is something.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Uri};

use super::error::{ApiError, Code};

/// The requests of InfluxDB clients under other paths, by the beginning of the path, and what to
/// use here. The first match counts.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "/api/v2/buckets",
        "buckets are managed by `tidegate bucket`, or with POST, PATCH and DELETE on \
         /api/v1/buckets",
    ),
    (
        "/api/v2/authorizations",
        "tokens are managed by `tidegate token`, or with GET, POST and DELETE on /api/v1/tokens",
    ),
    (
        "/api/v2/setup",
        "there is nothing to set up: the first start prints the operator's token",
    ),
    (
        "/api/v2/orgs",
        "there are no organizations: any name will do",
    ),
    (
        "/api/v2/dbrps",
        "there is nothing to map: the database `db` with the policy `rp` is the bucket `db/rp`",
    ),
    (
        "/api/v3/configure/database",
        "buckets are managed by `tidegate bucket`, or with POST, PATCH and DELETE on \
         /api/v1/buckets",
    ),
    (
        "/api/v3/configure/token",
        "tokens are managed by `tidegate token`, or with GET, POST and DELETE on /api/v1/tokens",
    ),
];

/// The answer for a path that does not exist. A gRPC call gets it in its own form: gRPC clients
/// show nothing of a 404.
pub async fn not_found(uri: Uri, headers: HeaderMap) -> Response {
    if is_grpc(&headers) {
        return no_grpc(&uri);
    }
    ApiError::new(Code::NotFound, with_hint("path not found", &uri)).into_response()
}

/// The answer for a path without this method. Those that exist are named in `Allow`.
pub async fn method_not_allowed(uri: Uri) -> ApiError {
    let text = with_hint("method not allowed on this path", &uri);
    ApiError::new(Code::MethodNotAllowed, text)
}

fn with_hint(text: &str, uri: &Uri) -> String {
    let path = uri.path();
    let below = |start: &str| {
        let rest = path.strip_prefix(start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match ELSEWHERE.iter().find(|(start, _)| below(start)) {
        Some((_, hint)) => format!("{text}: {hint}"),
        None => text.to_owned(),
    }
}

/// `POST /api/v2/delete`.
pub async fn delete() -> ApiError {
    let text = "deleting points is not implemented: give the bucket a retention period, or delete \
                the bucket and write what is to stay into a new one";
    ApiError::new(Code::NotImplemented, text)
}

/// `/api/v2/query`; all queries, in a build without the query engine.
pub async fn query() -> ApiError {
    ApiError::new(Code::NotImplemented, NO_QUERY)
}

/// The ways to read stored points instead of in Flux.
#[cfg(feature = "query")]
const NO_QUERY: &str = "Flux is not implemented: ask in SQL with GET or POST \
                        /api/v3/query_sql?db=&q=&format=json|jsonl|csv|pretty|parquet|arrow or over Arrow \
                        Flight, in InfluxQL with /query?db=&q=, or read with GET \
                        /api/v1/export?bucket=&measurement=&start=&end=&format=lp|arrow|csv";
#[cfg(not(feature = "query"))]
const NO_QUERY: &str = "this server was built without queries: read with GET \
                        /api/v1/export?bucket=&measurement=&start=&end=&format=lp|arrow|csv";

/// The answer to a call of Arrow Flight that there is not.
#[cfg(feature = "query")]
const NO_FLIGHT: &str = "there is no such method: questions in SQL are asked of \
                         arrow.flight.protocol.FlightService, with GetFlightInfo and DoGet";
#[cfg(not(feature = "query"))]
const NO_FLIGHT: &str = NO_QUERY;

/// The answer to calls of other services, such as that of OpenTelemetry's exporter.
const NO_GRPC: &str =
    "there is no gRPC for writing: send line protocol with POST /api/v2/write?bucket=";

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// The answer to a call of a service that there is not.
fn no_grpc(uri: &Uri) -> Response {
    let advice = match uri.path().starts_with("/arrow.flight.") {
        true => NO_FLIGHT,
        false => NO_GRPC,
    };
    ApiError::new(Code::NotImplemented, advice).into_grpc()
}
