//! Handshakes: a client with a user and a password, of which the password is the token, sends from
//! then on the header that it gets here (query contract, on Flight SQL).

use std::time::Duration;

use arrow_flight::{HandshakeRequest, HandshakeResponse};
use futures_util::FutureExt;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::timeout;
use tonic::metadata::MetadataMap;
use tonic::{Response, Status, Streaming};

use super::call::Call;
use crate::auth::{Credentials, Forms};

/// The time in which a client may send what is echoed. Some send nothing and wait for the answer
/// (the one in Go, and with it ADBC).
const PATIENCE: Duration = Duration::from_millis(100);

pub(super) type Answers = BoxStream<'static, Result<HandshakeResponse, Status>>;

/// Answers a handshake. The header leaves at once: clients wait for it before they send anything.
pub(super) fn answer(call: &Call, mut requests: Streaming<HandshakeRequest>) -> Response<Answers> {
    let echo = async move {
        let first = timeout(PATIENCE, requests.message()).await;
        let first = first
            .ok()
            .and_then(Result::ok)
            .flatten()
            .unwrap_or_default();
        Ok(HandshakeResponse {
            protocol_version: first.protocol_version,
            payload: first.payload,
        })
    };
    let mut response = Response::new(stream::once(echo.boxed()).boxed());
    let credentials = Credentials {
        headers: &call.headers,
        query: None,
        forms: Forms::Header,
    };
    // Without authentication there may be none.
    if let Some(bearer) = credentials.bearer() {
        let headers = http::HeaderMap::from_iter([(http::header::AUTHORIZATION, bearer)]);
        *response.metadata_mut() = MetadataMap::from_headers(headers);
    }
    response
}
