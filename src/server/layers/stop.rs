//! When a stop has waited long enough, what is still in flight is refused with 503. Dropping the
//! endpoint loses nothing: a commit runs in its own task.

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
