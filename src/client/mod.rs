//! A small HTTP client for the commands that talk to a server: one address, one token, requests of
//! a few megabytes, answers that are read whole or taken piece by piece.
//!
//! ```text
//! Address + Token + Roots > Client > Request > Answer (whole) | Download (piece by piece)
//!                                        └> ClientError, which says in words what to look at
//! ```
//!
//! Promises: every wait is bounded; an answer that was cut short is an error, never a short answer;
//! the token appears in no error and no `Debug`. It deliberately knows no endpoint, flag or
//! variable: the commands do.

mod address;
mod answer;
mod connector;
mod encode;
mod error;
mod fault;
mod request;
mod roots;
mod secret;
#[cfg(test)]
pub(crate) mod tests;

pub use address::{Address, AddressError};
pub use answer::{Answer, Download};
pub use encode::{path_segment, query_value};
pub use error::{ClientError, ConnectFault, Refusal};
pub use request::Request;
pub use roots::Roots;
pub use secret::{Token, TokenError};

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderValue, USER_AGENT};
use http_body_util::Full;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;

use crate::telemetry::VERSION;
use connector::Connector;

/// The age at which an idle connection is no longer used, well before the server closes it, so that
/// a request does not meet a connection that is being closed.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// A client of one server. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    address: Address,
    authorization: Option<HeaderValue>,
    inner: legacy::Client<Connector, Full<Bytes>>,
}

impl Client {
    /// A client of the server at `address`. Nothing is sent yet; certificates are read only if
    /// the address is `https`.
    pub fn new(
        address: Address,
        token: Option<&Token>,
        roots: &Roots,
    ) -> Result<Self, ClientError> {
        let connector = connector::new(&address, roots)?;
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .pool_idle_timeout(IDLE_MAX)
            .pool_timer(TokioTimer::new());
        Ok(Self {
            authorization: token.map(Token::header),
            inner: builder.build(connector),
            address,
        })
    }

    /// The address that it sends to.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub async fn send(&self, request: Request) -> Result<Answer, ClientError> {
        let patience = request.patience;
        let whole = async {
            let response = self.respond(request).await?;
            Answer::read(self.address.clone(), response).await
        };
        match timeout(patience, whole).await {
            Ok(answer) => answer,
            Err(_) => Err(self.too_late(patience)),
        }
    }

    /// Sends a request whose answer is taken piece by piece; an answer that is not a success is an
    /// error. The request's patience limits the wait for the head and then for each piece.
    pub async fn download(&self, request: Request) -> Result<Download, ClientError> {
        let patience = request.patience;
        let head = timeout(patience, self.respond(request)).await;
        let response = head.map_err(|_| self.too_late(patience))??;
        if response.status().is_success() {
            return Download::new(self.address.clone(), response, patience);
        }
        let answer = timeout(patience, Answer::read(self.address.clone(), response)).await;
        let answer = answer.map_err(|_| self.too_late(patience))??;
        Err(ClientError::Refused(Box::new(answer.refusal())))
    }

    async fn respond(
        &self,
        request: Request,
    ) -> Result<http::Response<hyper::body::Incoming>, ClientError> {
        let mut built = http::Request::new(Full::new(request.body));
        *built.method_mut() = request.method;
        *built.uri_mut() = self.address.uri(&request.path_and_query)?;
        let headers = built.headers_mut();
        headers.extend(request.headers);
        let agent = HeaderValue::try_from(format!("tidegate/{VERSION}"));
        headers.extend(agent.ok().map(|agent| (USER_AGENT, agent)));
        headers.extend(
            self.authorization
                .clone()
                .map(|value| (AUTHORIZATION, value)),
        );
        let response = self.inner.request(built).await;
        response.map_err(|error| fault::of_request(&self.address, &error))
    }

    fn too_late(&self, patience: Duration) -> ClientError {
        ClientError::Timeout {
            address: self.address.clone(),
            patience,
        }
    }
}
