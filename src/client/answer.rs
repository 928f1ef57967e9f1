//! The answers of a server: read whole, with a bound, or taken piece by piece up to their proper
//! end.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::error::{ClientError, Refusal};
use super::{Address, fault};
use crate::certain::Certain;

/// The most bytes of an answer that is read whole: lists of buckets and of rejected lines.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// The most characters that are shown of an answer that is not ours.
const EXCERPT_CHARS_MAX: usize = 200;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    address: Address,
    /// Its status.
    pub status: StatusCode,
    headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// The body of every error of a server: `message`, or `error` alone where InfluxDB 3 has that.
#[derive(Deserialize)]
struct ErrorBody {
    message: Option<String>,
    error: Option<String>,
}

impl Answer {
    pub(super) async fn read(
        address: Address,
        response: Response<Incoming>,
    ) -> Result<Self, ClientError> {
        let (head, mut incoming) = response.into_parts();
        let mut body = BytesMut::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|error| fault::of_body(&address, &error))?;
            body.extend_from_slice(&frame.into_data().unwrap_or_default());
            if body.len() > BYTES_MAX {
                return Err(ClientError::Unexpected {
                    address,
                    problem: format!("an answer of more than {BYTES_MAX} bytes"),
                });
            }
        }
        Ok(Self {
            address,
            status: head.status,
            headers: head.headers,
            body: body.freeze(),
        })
    }

    /// Returns the answer if it is a success, and otherwise what the server said as an error.
    pub fn success(self) -> Result<Self, ClientError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(ClientError::Refused(Box::new(self.refusal())))
        }
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|error| ClientError::Unexpected {
            address: self.address.clone(),
            problem: format!("an answer that is not understood ({error})"),
        })
    }

    /// The answer as an error.
    pub fn refusal(&self) -> Refusal {
        let told: Option<ErrorBody> = serde_json::from_slice(&self.body).ok();
        let told = told.and_then(|body| body.message.or(body.error));
        Refusal {
            address: self.address.clone(),
            status: self.status,
            is_ours: told.is_some(),
            message: told.unwrap_or_else(|| excerpt(&self.body)),
            retry_after: self.retry_after(),
        }
    }

    /// The time that the server asks to wait; only the form in seconds is understood.
    fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?;
        text.trim().parse().ok().map(Duration::from_secs)
    }
}

/// The first words of a body that is not ours, made safe to show.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..4096).unwrap_or(body)).into_owned();
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    let line = words.join(" ");
    let line = line.trim();
    match line.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).certain("a character begins there")),
        None => line.to_owned(),
    }
}

/// An answer that is taken piece by piece.
#[derive(Debug)]
pub struct Download {
    address: Address,
    incoming: Incoming,
    patience: Duration,
}

impl Download {
    pub(super) fn new(
        address: Address,
        response: Response<Incoming>,
        patience: Duration,
    ) -> Result<Self, ClientError> {
        let headers = response.headers();
        let ends = headers.contains_key(TRANSFER_ENCODING) || headers.contains_key(CONTENT_LENGTH);
        if !ends {
            // The answer would end with the connection, and a cut would look the same.
            return Err(ClientError::Unexpected {
                address,
                problem:
                    "an answer without a length, of which a part could not be told apart from \
                          the whole (is there a proxy that speaks HTTP/1.0?)"
                        .to_owned(),
            });
        }
        Ok(Self {
            address,
            incoming: response.into_body(),
            patience,
        })
    }

    /// The next piece; `None` at the proper end. A connection that is cut is an error.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            let frame = timeout(self.patience, self.incoming.frame()).await;
            let frame = frame.map_err(|_| ClientError::Timeout {
                address: self.address.clone(),
                patience: self.patience,
            })?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(fault::of_body(&self.address, &error)),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}
