//! Small bodies: JSON in, JSON out.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::App;
use super::error::{ApiError, Code};

/// What a body that is no batch of points may have, decoded, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// Reads a body as JSON, whatever its `Content-Type` says.
pub(super) async fn read_json<T: DeserializeOwned>(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let bytes = read(app, headers, body).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let text = format!("the body is not the JSON that is expected: {error}");
        ApiError::new(Code::Invalid, text)
    })
}

/// Reads a body as text.
pub(super) async fn read_text(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> Result<String, ApiError> {
    let bytes = read(app, headers, body).await?;
    let text = std::str::from_utf8(&bytes).map(str::to_owned);
    text.map_err(|_| ApiError::new(Code::Invalid, "the body is not UTF-8"))
}

async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    let bytes = app.receiver().receive(headers, body).await?.bytes;
    if bytes.len() > BYTES_MAX {
        return Err(ApiError::body_too_large(BYTES_MAX));
    }
    Ok(bytes)
}

/// A point in time as people and programs read it.
pub(super) fn rfc3339(ns: i64) -> String {
    DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// An answer with this JSON.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).unwrap_or_default();
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], body).into_response()
}
