//! Contract section 3: `/ping`, `/health`, `/ready`, `/metrics`.

use crate::client::Request;
use crate::server::Server;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[tokio::test]
async fn ping_answers_with_nothing_or_with_the_version() {
    let server = Server::start().await;
    for method in ["GET", "HEAD"] {
        for target in ["/ping", "/ping?verbose=false", "/ping?x=y", "/ping?verbose"] {
            server.ask(Request::new(method, target)).await.is_written();
        }
    }
    for target in ["/ping?verbose=true", "/ping?a=b&verbose=true"] {
        let answer = server.ask(Request::get(target)).await;
        answer.is(200, &format!(r#"{{"version":"{VERSION}"}}"#));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    server.stop().await;
}

#[tokio::test]
async fn health_is_the_contract_s_body() {
    let server = Server::start().await;
    let commit = option_env!("TIDEGATE_COMMIT").unwrap_or("unknown");
    let body = format!(
        r#"{{"name":"tidegate","message":"ready for queries and writes","status":"pass","checks":[],"version":"{VERSION}","commit":"{commit}"}}"#
    );
    for target in ["/health", "/api/v2/health"] {
        let answer = server.ask(Request::get(target)).await;
        answer.is(200, &body);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let head = server.ask(Request::new("HEAD", target)).await;
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some(body.len().to_string().as_str()))
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn ready_tells_since_when() {
    let server = Server::start().await;
    for target in ["/ready", "/api/v2/ready"] {
        let answer = server.ask(Request::get(target)).await;
        assert_eq!(answer.status, 200);
        let text = answer.text();
        let rest = text
            .strip_prefix(r#"{"status":"ready","started":""#)
            .expect(text);
        let (started, up) = rest.split_once(r#"","up":""#).expect(text);
        let started = chrono::DateTime::parse_from_rfc3339(started).expect("RFC 3339");
        let age =
            tidegate::clock::Clock::system().now_ns() - started.timestamp_nanos_opt().expect("now");
        assert!((0..120_000_000_000).contains(&age), "{text}");
        assert!(
            up.ends_with(r#"s"}"#) && up.starts_with(|c: char| c.is_ascii_digit()),
            "{text}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn metrics_are_prometheus_text() {
    let server = Server::start().await;
    server.write("bucket=b", "m f=1 1\nm f=2 2\nbad\n").await;
    let answer = server.ask(Request::get("/metrics")).await;
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").expect("a type");
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text();
    assert!(!text.contains("# EOF"), "{text}");
    let open = Request::get("/metrics").header("Accept", "application/openmetrics-text");
    let open = server.ask(open).await;
    let kind = open.header("content-type").expect("a type");
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    assert!(open.text().ends_with("# EOF\n"), "{}", open.text());
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').expect("a name and a value");
        assert!(
            name.starts_with("tidegate_") || name.starts_with("process_"),
            "{line}"
        );
        value.parse::<f64>().expect("a number");
    }
    for (name, value) in [
        ("tidegate_lines_accepted_total", 2.0),
        (r#"tidegate_lines_rejected_total{code="syntax"}"#, 1.0),
        (
            r#"tidegate_http_requests_total{route="/api/v2/write",status="400"}"#,
            1.0,
        ),
        ("tidegate_ready", 1.0),
        ("tidegate_healthy", 1.0),
        ("tidegate_buckets", 1.0),
        ("tidegate_buffer_rows", 2.0),
    ] {
        assert!(
            (server.metric(name).await - value).abs() < 0.1,
            "{name}: {text}"
        );
    }
    // Paths that clients make up are no time series.
    for n in 0..3 {
        server.ask(Request::get(format!("/made/up/{n}"))).await;
    }
    let text = server.ask(Request::get("/metrics")).await;
    let unmatched = r#"tidegate_http_requests_total{route="unmatched",status="404"}"#;
    assert!(
        (server.metric(unmatched).await - 3.0).abs() < 0.1,
        "{}",
        text.text()
    );
    assert!(!text.text().contains("/made/"));
    server.stop().await;
}
