//! The end of requests in a stop: once it has waited long enough, requests that are still in flight
//! are refused with 503. Dropping the endpoint loses nothing: a write that has begun goes on in a task.

use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;

use crate::api::error::ApiError;

pub(super) async fn stop(
    cut: &CancellationToken,
    answer: impl Future<Output = Response>,
) -> Response {
    tokio::select! {
        biased;
        response = answer => response,
        () = cut.cancelled() => ApiError::stopping().into_response(),
    }
}
