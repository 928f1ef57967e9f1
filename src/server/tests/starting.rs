use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::api::AppState;
use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::engine::Environment;
use crate::memory::Budget;
use crate::server::drain::Drain;
use crate::server::{layers, routes};
use crate::telemetry::Metrics;

/// The answers while the log is being replayed.
fn starting(without_auth: bool) -> Router {
    let mut config = Config::load(&Sources::default()).expect("the defaults are valid");
    config.server.without_auth = without_auth;
    let (clock, budget) = (Clock::manual(0), Budget::new(config.memory.marks()));
    let metrics = Metrics::new(&clock);
    let app = AppState::new(Environment {
        config: Arc::new(config),
        clock,
        budget,
        metrics,
    });
    let never = CancellationToken::new();
    let drain = Drain::new(0, never.clone());
    layers::stack(routes::router(&app), routes::matched, &app, never, drain)
}

async fn ask(router: &Router, method: &str, path: &str) -> (u16, bool, String) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost")
        .header("authorization", "Token anything");
    let request = request.body(Body::empty()).expect("a request");
    let answer = router.clone().oneshot(request).await.expect("infallible");
    let (head, body) = answer.into_parts();
    let body = body.collect().await.expect("in memory").to_bytes();
    let text = String::from_utf8(body.to_vec()).expect("text");
    (
        head.status.as_u16(),
        head.headers.contains_key("retry-after"),
        text,
    )
}

#[tokio::test]
async fn while_the_log_is_replayed_nothing_is_dropped_and_probes_are_told() {
    for without_auth in [false, true] {
        let router = starting(without_auth);
        for (method, path) in [
            ("POST", "/api/v2/write?bucket=nobody-knows-yet"),
            ("GET", "/api/v1/export?bucket=b"),
        ] {
            let (status, retry, told) = ask(&router, method, path).await;
            assert_eq!((status, retry), (503, true), "{told}");
            assert!(told.contains("the log is being replayed"), "{told}");
        }
        for path in ["/ready", "/api/v2/ready"] {
            let told = ask(&router, "GET", path).await;
            assert_eq!(told, (503, false, r#"{"status":"starting"}"#.to_owned()));
        }
        let (status, _, told) = ask(&router, "GET", "/health").await;
        assert_eq!(status, 503);
        assert!(told.contains(r#""status":"fail","checks":[]"#), "{told}");
        assert_eq!(ask(&router, "GET", "/ping").await.0, 204);
        let (status, _, told) = ask(&router, "GET", "/metrics").await;
        assert_eq!(status, 200);
        assert!(told.contains("tidegate_ready 0"), "{told}");
    }
}

#[test]
fn every_route_says_who_may_call_it_once() {
    let mut paths: Vec<_> = routes::ROUTES.iter().map(|route| route.path).collect();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), routes::ROUTES.len());
    let open =
        |path: &str| path.ends_with("/health") || path.ends_with("/ready") || path == "/ping";
    let managed = |path: &str| {
        let below = ["/api/v1/tokens", "/api/v1/buckets", "/api/v1/lake"];
        below.iter().any(|parent| path.starts_with(parent))
    };
    for route in routes::ROUTES {
        let expected = match route.path {
            path if open(path) || path == "/api/v2/setup" => routes::Access::Open,
            "/metrics" => routes::Access::OpenUnlessConfigured,
            path if managed(path) => routes::Access::Operator,
            _ => routes::Access::Token,
        };
        assert_eq!(route.access, expected, "{}", route.path);
    }
}
