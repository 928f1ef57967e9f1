//! Work on threads that may block.

use super::error::ApiError;

/// Runs work that blocks on the disk; a client that hangs up does not stop it halfway.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ApiError::internal(error.to_string()))
}
