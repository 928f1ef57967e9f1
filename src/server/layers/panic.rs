//! A panic in an endpoint is a 500 of that request, not the end of its connection.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::api::error::ApiError;

pub(super) async fn catch(request: Request, next: Next) -> Response {
    let mut answer = pin!(next.run(request));
    let caught = std::future::poll_fn(|cx| {
        // What is left half done belongs to this request alone, and is dropped with it.
        match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(text(panic.as_ref()))),
        }
    });
    match caught.await {
        Ok(response) => response,
        Err(text) => ApiError::internal(format!("panic: {text}")).into_response(),
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".to_owned())
}
