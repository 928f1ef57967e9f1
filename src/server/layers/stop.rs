//! The end of requests in a stop: once it has waited long enough, requests that are still in flight
//! are refused with 503. Dropping the endpoint loses nothing: a commit runs in its own task.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use crate::api::error::ApiError;

pub(super) async fn stop(
    State(cut): State<CancellationToken>,
    request: Request,
    next: Next,
) -> Response {
    tokio::select! {
        biased;
        response = next.run(request) => response,
        () = cut.cancelled() => ApiError::stopping().into_response(),
    }
}
