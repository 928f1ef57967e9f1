//! What a request asks for: its parameters, and the statements in one of them.

use axum::body::Body;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use tidegate_query::influxql::answer::Request;
use tidegate_query::influxql::ast::Query;
use tidegate_query::influxql::{Environment, parse};

use crate::api::AppState;
use crate::api::error::{ApiError, Code};
use crate::api::json::read_bytes;
use crate::api::params::influxql::{Pairs, pairs, parameter, parts};

/// A request that was understood.
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) statements: Query,
}

impl Asked {
    /// Reads a request. All statements are parsed before the first is carried out, so a mistake in one
    /// refuses the whole request, as in InfluxDB 1.x.
    pub(super) async fn read(app: &AppState, head: &Parts, body: Body) -> Result<Self, ApiError> {
        let address = pairs(head.uri.query().unwrap_or_default())?;
        let body = in_body(app, &head.headers, body).await?;
        let request = Request::read(&address, &body).map_err(invalid)?;
        let environment = Environment::of_request(request.bindings.clone());
        let statements = parse(&request.text, &environment).map_err(invalid)?;
        Ok(Self {
            request,
            statements,
        })
    }
}

fn invalid(error: impl ToString) -> ApiError {
    ApiError::new(Code::Invalid, error.to_string())
}

/// Returns true if a query string asks for an answer over many lines.
pub(super) fn is_pretty(query: Option<&str>) -> bool {
    let pairs = pairs(query.unwrap_or_default()).unwrap_or_default();
    let pretty = pairs.iter().find(|(name, _)| name == "pretty");
    pretty.is_some_and(|(_, value)| value == "true")
}

/// The parameters in a body. Clients send all kinds of types with bodies that are empty, and what is
/// in a body of another type is no parameter.
async fn in_body(app: &AppState, headers: &HeaderMap, body: Body) -> Result<Pairs, ApiError> {
    let kind = headers.get(CONTENT_TYPE);
    let header = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = header.split_once(';').map_or(header, |(kind, _)| kind);
    let is = |name: &str| kind.trim().eq_ignore_ascii_case(name);
    if is("application/x-www-form-urlencoded") {
        let body = read_bytes(app, headers, body).await?;
        return Ok(pairs(text(&body.bytes)?)?);
    }
    if is("application/vnd.influxql") {
        let body = read_bytes(app, headers, body).await?;
        return Ok(vec![("q".to_owned(), text(&body.bytes)?.to_owned())]);
    }
    match parameter(header, "boundary") {
        Some(boundary) if is("multipart/form-data") => {
            let body = read_bytes(app, headers, body).await?;
            Ok(parts(&body.bytes, boundary)?)
        }
        _ => Ok(Vec::new()),
    }
}

fn text(body: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(body).map_err(|_| ApiError::new(Code::Invalid, "the body is not UTF-8"))
}
