//! The one layer that every request passes, matched or not, with its steps from the outside in
//! ([`Steps::pass`]); and the layer of the routes that require a token ([`Door`]).

mod authenticate;
mod cors;
mod head;
mod host;
mod matched;
mod observe;
mod origin;
mod panic;
mod stop;
mod unread;

pub(super) use authenticate::{Door, Refusals};
pub(super) use matched::{Lookup, Matched};
pub(super) use observe::Peer;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use tokio_util::sync::CancellationToken;
use tower::Service;
use tower::layer::layer_fn;

use super::drain::Drain;
use crate::api::AppState;
use crate::telemetry::Quiet;

/// Puts the layer around a router, whose routes `lookup` knows. When `cut` is cancelled, requests in flight are refused.
pub(super) fn stack(
    router: Router<AppState>,
    lookup: Lookup,
    app: &AppState,
    cut: CancellationToken,
    drain: Drain,
) -> Router {
    let steps = Arc::new(Steps {
        app: app.clone(),
        lookup,
        quiet: observe::quiet(),
        cut,
        drain,
    });
    let layer = layer_fn(move |route| Stack {
        steps: Arc::clone(&steps),
        route: Arc::new(route),
    });
    router.layer(layer).with_state(app.clone())
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The steps, with what they need.
#[derive(Debug)]
struct Steps {
    app: AppState,
    lookup: Lookup,
    quiet: Quiet<u16>,
    cut: CancellationToken,
    drain: Drain,
}

impl Steps {
    /// Passes a request through the steps, and on to its route. It is boxed, because each step holds
    /// a place for it.
    fn pass<'a>(
        &'a self,
        request: Box<Request>,
        route: &'a Route,
    ) -> impl Future<Output = Response> + Send + 'a {
        let app = &self.app;
        observe::observe(app, (self.lookup, &self.quiet), request, |request| {
            cors::cors(app, request, |request| {
                unread::unread(&self.drain, request, |request| {
                    panic::catch(stop::stop(&self.cut, self.checked(*request, route)))
                })
            })
        })
    }

    /// The steps that only look at a request. Boxed, because a step that takes a future holds it
    /// twice.
    fn checked<'a>(&'a self, request: Request, route: &'a Route) -> Boxed<'a, Response> {
        let check = |request: &Request| {
            head::check(&self.app, request)?;
            host::check(&self.app, request)?;
            origin::check(&self.app, self.lookup, request)
        };
        Box::pin(async move {
            match check(&request) {
                Err(error) => error.into_response(),
                Ok(()) => {
                    // Routes are always ready.
                    let answer = route.clone().call(request);
                    let Ok(response) = answer.await;
                    response
                }
            }
        })
    }
}

/// A route behind the steps. They are one service with one future: eight would copy themselves, the
/// route and the request eight times.
#[derive(Clone, Debug)]
struct Stack {
    steps: Arc<Steps>,
    route: Arc<Route>,
}

impl Service<Request> for Stack {
    type Response = Response;
    type Error = Infallible;
    type Future = Boxed<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let Self { steps, route } = self.clone();
        let request = Box::new(request);
        Box::pin(async move { Ok(steps.pass(request, &route).await) })
    }
}
