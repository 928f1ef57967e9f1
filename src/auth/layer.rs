//! The tower layer in front of every route that requires a token.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::Response;
use http::HeaderMap;
use tower::{Layer, Service};

use super::identity::Identity;
use super::refusal::Refusal;

/// Decides about requests, and writes the refusals.
pub trait Gate: Clone + Send + Sync + 'static {
    /// Returns the sender of the request, or why it is refused.
    fn admit(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Identity, Refusal>;

    /// The answer to a refused request.
    fn refuse(&self, refusal: Refusal) -> Response;
}

/// Passes on the requests that a [`Gate`] admits, with their [`Identity`] as an extension.
#[derive(Clone, Debug)]
pub struct AuthLayer<G> {
    gate: G,
}

impl<G: Gate> AuthLayer<G> {
    /// A layer with this gate.
    pub fn new(gate: G) -> Self {
        Self { gate }
    }
}

impl<G: Gate, S> Layer<S> for AuthLayer<G> {
    type Service = Authenticated<G, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticated {
            gate: self.gate.clone(),
            inner,
        }
    }
}

/// A service wrapped in an [`AuthLayer`].
#[derive(Clone, Debug)]
pub struct Authenticated<G, S> {
    gate: G,
    inner: S,
}

impl<G, S> Service<Request> for Authenticated<G, S>
where
    G: Gate,
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        match self.gate.admit(request.headers(), request.uri().query()) {
            Ok(identity) => {
                request.extensions_mut().insert(identity);
                Box::pin(self.inner.call(request))
            }
            Err(refusal) => Box::pin(std::future::ready(Ok(self.gate.refuse(refusal)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;
    use axum::response::{IntoResponse, Response};
    use http::header::AUTHORIZATION;
    use http::{HeaderMap, StatusCode};
    use tower::{Layer, ServiceExt, service_fn};

    use super::{AuthLayer, Gate};
    use crate::auth::{Identity, Refusal};

    #[derive(Clone)]
    struct Doorman;

    impl Gate for Doorman {
        fn admit(&self, headers: &HeaderMap, _: Option<&str>) -> Result<Identity, Refusal> {
            headers
                .get(AUTHORIZATION)
                .map(|_| Identity::Anyone)
                .ok_or(Refusal::Unauthorized)
        }

        fn refuse(&self, _: Refusal) -> Response {
            StatusCode::UNAUTHORIZED.into_response()
        }
    }

    async fn status_of(request: Request) -> StatusCode {
        let inner = service_fn(|request: Request| async move {
            assert!(
                request.extensions().get::<Identity>().is_some(),
                "who it is, is known"
            );
            Ok(StatusCode::NO_CONTENT.into_response())
        });
        let answer = AuthLayer::new(Doorman).layer(inner).oneshot(request).await;
        answer.expect("infallible").status()
    }

    #[tokio::test]
    async fn only_who_is_admitted_reaches_what_lies_behind() {
        let request = Request::new(Body::empty());
        assert_eq!(status_of(request).await, StatusCode::UNAUTHORIZED);
        let mut request = Request::new(Body::empty());
        request
            .headers_mut()
            .insert(AUTHORIZATION, "Token x".parse().expect("a header value"));
        assert_eq!(status_of(request).await, StatusCode::NO_CONTENT);
    }
}
