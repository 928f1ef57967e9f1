//! Small bodies: JSON in, JSON out.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SecondsFormat};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::AppState;
use super::error::{ApiError, Code};
use crate::body::{BodyError, Received};
use crate::certain::Certain;

/// The most bytes, after decoding, of a body that is not a batch of points.
const BYTES_MAX: u64 = 1 << 20;

/// The most bytes of a JSON error, which repeats what was not expected.
const FAULT_BYTES_MAX: usize = 200;

/// Reads a body as JSON, whatever its `Content-Type` says.
pub(super) async fn read_json<T: DeserializeOwned>(
    app: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, ApiError> {
    let body = read(app, headers, body).await?;
    parse(&body.bytes)
}

/// Reads a body as JSON, whatever its `Content-Type` says; nothing if it is blank.
#[cfg(feature = "query")]
pub(super) async fn read_json_if_any<T: DeserializeOwned>(
    app: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Result<Option<T>, ApiError> {
    let body = read(app, headers, body).await?;
    match body.bytes.trim_ascii().is_empty() {
        true => Ok(None),
        false => parse(&body.bytes).map(Some),
    }
}

/// All bodies are objects. A list with their values in order would be read as one too.
fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    if body.trim_ascii().starts_with(b"[") {
        let text = "the body is a JSON array, and a JSON object is expected";
        return Err(ApiError::new(Code::Invalid, text));
    }
    serde_json::from_slice(body).map_err(|error| {
        let text = format!(
            "the body is not the JSON that is expected: {}",
            fault(&error)
        );
        ApiError::new(Code::Invalid, text)
    })
}

fn fault(error: &serde_json::Error) -> String {
    let told = error.to_string();
    match told.get(..told.floor_char_boundary(FAULT_BYTES_MAX)) {
        Some(cut) if cut.len() < told.len() => {
            let (line, column) = (error.line(), error.column());
            format!("{cut}… at line {line} column {column}")
        }
        _ => told,
    }
}

/// Reads a body as text.
#[cfg(not(feature = "query"))]
pub(super) async fn read_text(
    app: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Result<String, ApiError> {
    let body = read(app, headers, body).await?;
    let text = std::str::from_utf8(&body.bytes).map(str::to_owned);
    text.map_err(|_| ApiError::new(Code::Invalid, "the body is not UTF-8"))
}

/// Receives a small body, with its memory for as long as it is used.
#[cfg(feature = "query")]
pub(super) async fn read_bytes(
    app: &AppState,
    headers: &HeaderMap,
    body: Body,
) -> Result<Received, ApiError> {
    read(app, headers, body).await
}

/// Receives the body, with its memory for as long as it is used.
async fn read(app: &AppState, headers: &HeaderMap, body: Body) -> Result<Received, ApiError> {
    let receiver = app.receiver().up_to(BYTES_MAX);
    match receiver.receive(None, headers, body).await {
        Ok(received) => Ok(received),
        Err(BodyError::TooLarge { bytes_max }) => Err(ApiError::body_too_large(bytes_max)),
        Err(error) => Err(error.into()),
    }
}

/// A point in time as RFC 3339 text.
pub(super) fn rfc3339(ns: i64) -> String {
    DateTime::from_timestamp_nanos(ns).to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// An answer with this JSON.
pub(super) fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).certain("answers are structs and lists of plain values");
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], body).into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::parse;

    #[derive(Debug, serde::Deserialize)]
    #[serde(default)]
    #[derive(Default)]
    struct Asked {
        name: Option<String>,
    }

    /// From a bug: `[]` was read as an object without members.
    #[test]
    fn a_list_is_no_body() {
        for body in ["[]", " [\"a\"]", "[{\"name\":\"a\"}]"] {
            let refused = parse::<Asked>(body.as_bytes()).expect_err(body);
            assert!(refused.message().contains("object is expected"), "{body}");
        }
        let asked: Asked = parse(b" {\"name\":\"a\"}").expect("an object");
        assert_eq!(asked.name.as_deref(), Some("a"));
        assert_eq!(
            parse::<Map<String, Value>>(b"{}").expect("an object").len(),
            0
        );
    }
}
