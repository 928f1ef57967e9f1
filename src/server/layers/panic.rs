//! Panics in endpoints: each is a 500 for its request, not the end of its connection.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::response::{IntoResponse, Response};

use crate::api::error::ApiError;
use crate::vital;

pub(super) async fn catch(answer: impl Future<Output = Response>) -> Response {
    let mut answer = pin!(answer);
    let caught = std::future::poll_fn(|cx| {
        // Half-done state belongs to this request alone, and is dropped with it.
        match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(vital::text(panic.as_ref()))),
        }
    });
    match caught.await {
        Ok(response) => response,
        Err(text) => ApiError::internal(format!("panic: {text}")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Request;
    use axum::middleware::{Next, from_fn};
    use axum::response::Response;
    use axum::routing::get;
    use http::StatusCode;
    use tower::ServiceExt;

    use super::catch;
    use crate::api::{Dialect, dialect};

    async fn caught(request: Request, next: Next) -> Response {
        catch(next.run(request)).await
    }

    #[tokio::test]
    async fn a_panic_before_or_after_a_wait_is_a_500() {
        async fn at_once() -> StatusCode {
            panic!("at once")
        }
        async fn later() -> StatusCode {
            tokio::task::yield_now().await;
            panic!("{}", "later".to_owned())
        }
        let calm = || async { StatusCode::NO_CONTENT };
        let router = Router::new()
            .route("/at_once", get(at_once))
            .route("/later", get(later))
            .route("/calm", get(calm))
            .layer(from_fn(caught));
        for (path, status) in [("/at_once", 500), ("/later", 500), ("/calm", 204)] {
            let request = Request::get(path)
                .body(axum::body::Body::empty())
                .expect("a request");
            let answer = router.clone().oneshot(request).await.expect("infallible");
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
    }

    #[tokio::test]
    async fn a_panic_is_told_in_the_words_of_the_endpoint_and_without_its_text() {
        async fn at_once() -> StatusCode {
            panic!("secret")
        }
        let router = Router::new()
            .route("/", get(at_once))
            .layer(from_fn(caught));
        for (dialect, expected) in [
            (
                Dialect::V1,
                r#"{"error":"internal error","code":"internal error","message":"internal error"}"#,
            ),
            (
                Dialect::V2,
                r#"{"code":"internal error","message":"internal error"}"#,
            ),
            (Dialect::V3, r#"{"error":"internal error"}"#),
        ] {
            let request = Request::get("/").body(axum::body::Body::empty());
            let answer = router.clone().oneshot(request.expect("a request"));
            let answer = dialect::scope(dialect, answer).await.expect("infallible");
            let body = axum::body::to_bytes(answer.into_body(), 1000).await;
            assert_eq!(body.expect("a body"), expected);
        }
    }
}
