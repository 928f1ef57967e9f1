//! The requests to a server.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use crate::certain::Certain;

/// The time that an answer may take, unless the request sets another.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request to a path below the server's address.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path_and_query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) patience: Duration,
}

impl Request {
    /// A request without a body. `path_and_query` is already percent-encoded.
    pub fn new(method: Method, path_and_query: impl Into<String>) -> Self {
        Self {
            method,
            path_and_query: path_and_query.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            patience: PATIENCE,
        }
    }

    /// Sends these bytes.
    pub fn body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    /// Sends `value` as JSON.
    pub fn json(self, value: &impl Serialize) -> Self {
        let body =
            serde_json::to_vec(value).certain("only a map whose keys are not strings would fail");
        let kind = HeaderValue::from_static("application/json");
        self.header(CONTENT_TYPE, kind).body(Bytes::from(body))
    }

    /// Sends this header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Waits this long for the answer.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}
