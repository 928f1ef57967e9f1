//! Answers of paths and methods that are not there, or not there yet: each says what to use instead,
//! where there is something.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};

use super::error::{ApiError, Code};

/// What clients of InfluxDB ask for under other paths, by how the path begins, and what there is
/// here. The first that fits counts.
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

/// No such path. A call of gRPC is told so in its own way: its clients show nothing of a 404.
pub async fn not_found(uri: Uri, headers: HeaderMap) -> Response {
    if is_grpc(&headers) {
        return no_grpc();
    }
    ApiError::new(Code::NotFound, with_hint("path not found", &uri)).into_response()
}

/// The path, but not the method. Which ones there are stands in `Allow`.
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

/// `/api/v2/query` and `/api/v3/query_…`.
pub async fn query() -> ApiError {
    ApiError::new(Code::NotImplemented, NO_QUERY)
}

/// How to read what is stored instead.
const NO_QUERY: &str = "queries are not implemented: read with GET \
                        /api/v1/export?bucket=&measurement=&start=&end=&format=lp|arrow|csv";

fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// `UNIMPLEMENTED`, the code of gRPC for what there is not.
const GRPC_UNIMPLEMENTED: HeaderValue = HeaderValue::from_static("12");

/// An answer of gRPC without a message, and the sentence that its client shows. A status of HTTP
/// other than 200 would be shown instead.
fn no_grpc() -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/grpc")),
        (HeaderName::from_static("grpc-status"), GRPC_UNIMPLEMENTED),
        (
            HeaderName::from_static("grpc-message"),
            HeaderValue::from_static(NO_QUERY),
        ),
    ];
    (StatusCode::OK, headers).into_response()
}
