//! Errors in the form of gRPC: an answer that is nothing but headers ("trailers-only"). With an HTTP
//! status other than 200, clients would show that status and not the text.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};

use crate::certain::Certain;

/// The answer with this status, a number of gRPC's own, and this text.
pub(super) fn answer(status: u16, message: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/grpc")),
        (
            HeaderName::from_static("grpc-status"),
            HeaderValue::from(status),
        ),
        (HeaderName::from_static("grpc-message"), encoded(message)),
    ];
    (StatusCode::OK, headers).into_response()
}

/// The text with everything but visible ASCII as `%` and two digits.
fn encoded(message: &str) -> HeaderValue {
    let mut text = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => text.push(char::from(byte)),
            _ => write!(text, "%{byte:02X}").certain("a string takes everything"),
        }
    }
    HeaderValue::from_str(&text).certain("blanks and visible ASCII are all that is left")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::encoded;
    use crate::api::error::{ApiError, Code};
    use crate::api::{Dialect, dialect};

    #[tokio::test]
    async fn an_error_of_grpc_is_in_the_headers_of_an_answer_without_a_body() {
        for (code, status) in [
            (Code::Unauthorized, "16"),
            (Code::Forbidden, "7"),
            (Code::Unavailable, "14"),
            (Code::Internal, "13"),
        ] {
            let error = async { ApiError::new(code, "so what").into_response() };
            let answer = dialect::scope(Dialect::Grpc, error).await;
            assert_eq!(answer.status(), 200);
            assert_eq!(answer.headers()["content-type"], "application/grpc");
            assert_eq!(answer.headers()["grpc-status"], status);
            assert_eq!(answer.headers()["grpc-message"], "so what");
            assert_eq!(answer.extensions().get(), Some(&code), "for the metrics");
            let body = axum::body::to_bytes(answer.into_body(), 1000).await;
            assert!(body.expect("a body").is_empty());
        }
    }

    #[test]
    fn a_message_may_hold_any_text() {
        assert_eq!(encoded("5 % ü\n"), "5 %25 %C3%BC%0A");
    }
}
