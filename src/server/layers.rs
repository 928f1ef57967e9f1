//! The one layer stack that every request passes, matched or not, from the outside in; and the
//! layer of the routes that require a token ([`Door`]).

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

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

use super::drain::Drain;
use crate::api::AppState;

/// Puts the stack around a router, whose routes `lookup` knows. When `cut` is cancelled, requests in flight are refused.
pub(super) fn stack(
    router: Router<AppState>,
    lookup: Lookup,
    app: &AppState,
    cut: CancellationToken,
    drain: Drain,
) -> Router {
    let observed = (app.clone(), lookup, Arc::new(observe::quiet()));
    let stack = ServiceBuilder::new()
        .layer(from_fn_with_state(observed, observe::observe))
        .layer(from_fn_with_state(app.clone(), cors::cors))
        .layer(from_fn_with_state(drain, unread::unread))
        .layer(from_fn(panic::catch))
        .layer(from_fn_with_state(cut, stop::stop))
        .layer(from_fn_with_state(app.clone(), head::head))
        .layer(from_fn_with_state(app.clone(), host::host))
        .layer(from_fn_with_state((app.clone(), lookup), origin::origin));
    router.layer(stack).with_state(app.clone())
}
