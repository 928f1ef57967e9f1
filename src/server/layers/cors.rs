//! Cross-origin requests: which web pages may read our answers, and the preflight request of a
//! browser (`OPTIONS`), which carries no credentials and is therefore answered before any are
//! required.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::api::AppState;
use crate::config::Cors;

/// The headers that scripts need: when to retry, the request's id for reports, and the status of a
/// call over gRPC-Web.
const EXPOSED: &str = "X-Request-Id, X-Platform-Error-Code, X-Influxdb-Error, \
    X-Influxdb-Version, Retry-After, Grpc-Status, Grpc-Message";

pub(super) async fn cors<F: Future<Output = Response>>(
    app: &AppState,
    request: Box<Request>,
    next: impl FnOnce(Box<Request>) -> F,
) -> Response {
    let origin = request.headers().get(ORIGIN).cloned();
    let asked = request.method() == Method::OPTIONS;
    let mut response = if asked {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next(request).await
    };
    let headers = response.headers_mut();
    let allowed = allow(app.config().server.cors(), origin.as_ref(), headers);
    match asked {
        true if allowed => describe(headers),
        // The headers that a page may read are named on the answer itself.
        false if allowed && origin.is_some() => {
            let exposed = HeaderValue::from_static(EXPOSED);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
        _ => {}
    }
    response
}

/// Sets the origin that may read the answer; returns false if the requesting one may not.
fn allow(cors: Cors<'_>, origin: Option<&HeaderValue>, headers: &mut HeaderMap) -> bool {
    match cors {
        Cors::Any => {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            true
        }
        Cors::Listed([]) => false,
        Cors::Listed(listed) => {
            // A cache must not return one origin's answer to another.
            headers.append(VARY, HeaderValue::from_static("Origin"));
            let known = |origin: &&HeaderValue| listed.iter().any(|known| *origin == known);
            let Some(origin) = origin.filter(known) else {
                return false;
            };
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            true
        }
    }
}

fn describe(headers: &mut HeaderMap) {
    for (name, value) in [
        (
            ACCESS_CONTROL_ALLOW_METHODS,
            "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
        ),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, Content-Encoding, Accept, User-Agent, Zap-Trace-Span, \
             X-Grpc-Web, X-User-Agent, Grpc-Timeout, Database",
        ),
        (ACCESS_CONTROL_MAX_AGE, "3600"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::{Cors, allow};

    fn allowed(cors: Cors<'_>, origin: Option<&str>) -> Option<String> {
        let mut headers = HeaderMap::new();
        let origin = origin.map(|origin| origin.parse().expect("a header value"));
        let may = allow(cors, origin.as_ref(), &mut headers);
        let named = headers.get("access-control-allow-origin");
        assert_eq!(may, named.is_some());
        named.map(|value| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn only_origins_that_may_read_are_named() {
        assert_eq!(allowed(Cors::Any, None).as_deref(), Some("*"));
        assert_eq!(allowed(Cors::Listed(&[]), Some("https://a")), None);
        let listed = ["https://a".to_owned(), "https://b".to_owned()];
        assert_eq!(
            allowed(Cors::Listed(&listed), Some("https://b")).as_deref(),
            Some("https://b")
        );
        assert_eq!(allowed(Cors::Listed(&listed), Some("https://c")), None);
        assert_eq!(allowed(Cors::Listed(&listed), None), None);
    }
}
