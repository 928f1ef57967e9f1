//! Contract sections 1.2 and 3: unknown and unimplemented paths, `OPTIONS`, CORS, host names.

use tidegate::config::Config;

use crate::client::{Answer, Request};
use crate::server::{Server, TOKEN};

#[tokio::test]
async fn what_is_not_implemented_says_what_to_use_instead() {
    let server = Server::start().await;
    for (path, word) in [
        ("/api/v2/delete", "retention"),
        ("/api/v2/query", "/api/v1/export"),
    ] {
        let answer = server
            .ask(Request::post(path).token(TOKEN).body("{}"))
            .await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (501, Some("not implemented"))
        );
        assert!(answer.message().contains(word), "{}", answer.message());
    }
    let mut paths = vec!["/api/v2/query"];
    if cfg!(not(feature = "query")) {
        paths.extend(["/api/v3/query_sql", "/api/v3/query_influxql"]);
    }
    for path in paths {
        for request in [Request::get(path), Request::post(path).body("{}")] {
            let answer = server.ask(request.token(TOKEN)).await;
            assert_eq!(answer.status, 501, "{path}");
            let told = answer.text();
            assert!(told.contains("/api/v1/export"), "{told}");
            let sql = told.contains("/api/v3/query_sql");
            assert_eq!(sql, cfg!(feature = "query"), "{told}");
            let without = told.contains("built without queries");
            assert_eq!(without, cfg!(not(feature = "query")), "{told}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_elsewhere_is_pointed_to() {
    let server = Server::start().await;
    for (request, status, hint) in [
        (Request::post("/api/v2/buckets"), 405, "/api/v1/buckets"),
        (
            Request::new("PATCH", "/api/v2/buckets/0123"),
            404,
            "/api/v1/buckets",
        ),
        (
            Request::get("/api/v2/authorizations"),
            404,
            "/api/v1/tokens",
        ),
        (Request::post("/api/v2/setup"), 405, "operator's token"),
        (Request::post("/api/v2/orgs"), 405, "no organizations"),
        (
            Request::post("/api/v3/configure/database"),
            404,
            "/api/v1/buckets",
        ),
    ] {
        let target = request.target.clone();
        let answer = server.ask(request.token(TOKEN)).await;
        assert_eq!(answer.status, status, "{target}");
        assert!(answer.text().contains(hint), "{target}: {}", answer.text());
    }
    let answer = server.ask(Request::get("/api/v2/bucketsful")).await;
    assert_eq!(answer.message(), "path not found");
    server.stop().await;
}

/// OpenTelemetry's exporter, for one: it was told how to query.
#[tokio::test]
async fn a_call_of_another_grpc_service_is_not_told_of_queries() {
    let server = Server::start().await;
    let service = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let call = Request::post(service).header("Content-Type", "application/grpc");
    let answer = server.ask(call.body("\0\0\0\0\0")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("grpc-status"), Some("12"));
    let told = answer.header("grpc-message").expect("a sentence");
    assert!(
        told.contains("no gRPC") && told.contains("/api/v2/write"),
        "{told}"
    );
    server.stop().await;
}

/// Calls of a service that there is not. Clients show a 404 as "unexpected HTTP status".
#[tokio::test]
async fn a_call_of_grpc_is_told_so_as_grpc_does() {
    let server = Server::start().await;
    let call = Request::post("/arrow.flight.protocol.OtherService/DoGet")
        .token(TOKEN)
        .header("Content-Type", "application/grpc");
    let answer = server.ask(call.body("\0\0\0\0\0")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/grpc"));
    assert_eq!(answer.header("grpc-status"), Some("12"));
    let message = answer.header("grpc-message").expect("a sentence");
    let instead = match cfg!(feature = "query") {
        true => "arrow.flight.protocol.FlightService",
        false => "/api/v1/export",
    };
    assert!(message.contains(instead), "{message}");
    server.stop().await;
}

/// `http://host:8086/` as a client's base.
#[tokio::test]
async fn a_base_that_ends_in_a_slash_is_no_other_path() {
    let server = Server::start().await;
    for target in [
        "//api/v2/write?bucket=b",
        "//write?db=b",
        "//api/v3/write_lp?db=b",
    ] {
        let write = Request::post(target).token(TOKEN).body("m f=1 1");
        server.ask(write).await.is_written();
    }
    let answer = server
        .ask(Request::post("//write?db=b").body("m f=1 1"))
        .await;
    assert_eq!(answer.status, 401, "and no way around the door");
    server.stop().await;
}

/// `Access-Control-Allow-Origin` of an answer, and whether caches are told of the origin.
fn allowed(answer: &Answer) -> (Option<&str>, bool) {
    (
        answer.header("access-control-allow-origin"),
        answer.header("vary").is_some(),
    )
}

#[tokio::test]
async fn options_are_answered_before_authentication_on_every_path() {
    let server = Server::start().await;
    for target in ["/api/v2/write", "/api/v1/export", "/ping", "/nowhere", "*"] {
        let request = Request::new("OPTIONS", target)
            .header("Origin", "https://grafana.example")
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization");
        let answer = server.ask(request).await;
        answer.is_written();
        assert_eq!(allowed(&answer), (Some("*"), false));
        let named = answer
            .header("access-control-allow-headers")
            .expect("headers");
        for header in ["Authorization", "Content-Type", "Content-Encoding"] {
            assert!(named.split(", ").any(|name| name == header), "{named}");
        }
        let methods = answer
            .header("access-control-allow-methods")
            .expect("methods");
        assert!(methods.contains("POST") && methods.contains("GET"));
    }
    server.stop().await;
}

/// Answers of many kinds.
async fn some_of_each(server: &Server, origin: Option<&str>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for request in [
        Request::get("/ping"),
        Request::get("/metrics"),
        Request::get("/nowhere"),
        Request::get("/api/v2/write"),
        Request::post("/api/v2/write"),
        Request::post("/api/v2/write?bucket=b")
            .token(TOKEN)
            .body("m f=1 1"),
        Request::post("/api/v2/write?bucket=b")
            .token(TOKEN)
            .body("bad"),
        Request::post("/api/v2/write?bucket=b")
            .token(TOKEN)
            .header("Content-Encoding", "br")
            .body("x"),
        Request::get("/api/v1/export?bucket=b").token(TOKEN),
        Request::get("/ping").header("Bad Name", "x"),
    ] {
        let request = match origin {
            Some(origin) => request.header("Origin", origin),
            None => request,
        };
        answers.push(server.ask(request).await);
    }
    answers
}

#[tokio::test]
async fn every_answer_may_be_read_by_every_page_while_authentication_is_on() {
    let server = Server::start().await;
    for origin in [None, Some("https://any.example")] {
        for answer in some_of_each(&server, origin).await {
            assert_eq!(allowed(&answer), (Some("*"), false), "{answer:?}");
            // A request refused for its head is answered without looking at it.
            let read = answer.status != 400 || !answer.text().contains("malformed");
            let exposed = answer.header("access-control-expose-headers");
            let retry = exposed.is_some_and(|named| named.contains("Retry-After"));
            assert_eq!(retry, origin.is_some() && read, "{answer:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_authentication_no_page_may_read() {
    let server = Server::with(|config| config.server.without_auth = true).await;
    for answer in some_of_each(&server, Some("https://any.example")).await {
        assert_eq!(allowed(&answer).0, None, "{answer:?}");
    }
    let options = server
        .ask(Request::new("OPTIONS", "/api/v2/write").header("Origin", "https://any.example"))
        .await;
    options.is_written();
    assert_eq!(options.header("access-control-allow-headers"), None);
    server.stop().await;
}

#[tokio::test]
async fn listed_pages_may_read_and_others_not() {
    let listed = |config: &mut Config| {
        config.server.cors_origins = vec!["https://a".to_owned(), "https://b".to_owned()]
    };
    let server = Server::with(listed).await;
    for (origin, named) in [
        (Some("https://b"), Some("https://b")),
        (Some("https://c"), None),
        (None, None),
    ] {
        for answer in some_of_each(&server, origin).await {
            // A request refused for its head is answered without looking at it.
            if answer.status != 400 || !answer.text().contains("malformed") {
                assert_eq!(allowed(&answer), (named, true), "{answer:?}");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn without_authentication_only_loopback_and_configured_hosts_are_let_in() {
    let server = Server::with(|config| {
        config.server.without_auth = true;
        config.server.allowed_hosts = vec!["tide.example".to_owned()];
    })
    .await;
    let told = "this host name is not allowed while authentication is off: add it to \
                server.allowed_hosts, or turn authentication on";
    for (host, status) in [
        ("localhost", 204),
        ("localhost:8086", 204),
        ("127.0.0.1", 204),
        ("127.1.2.3:80", 204),
        ("[::1]:8086", 204),
        ("Tide.Example:8086", 204),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("10.0.0.1", 403),
        ("0.0.0.0", 403),
        ("", 403),
    ] {
        for request in [
            Request::post("/api/v2/write?bucket=b").body("m f=1 1"),
            Request::get("/ping"),
        ] {
            let answer = server.ask(request.header("Host", host)).await;
            assert_eq!(answer.status, status, "{host}");
            if status == 403 {
                answer.is_error(403, "forbidden", told);
            }
        }
    }
    server.stop().await;
    let server = Server::start().await;
    assert_eq!(
        server
            .ask(Request::get("/ping").header("Host", "any.example"))
            .await
            .status,
        204
    );
    server.stop().await;
}

#[tokio::test]
async fn everything_is_served_under_the_prefix_too() {
    let server = Server::with(|config| config.server.path_prefix = "/influx".to_owned()).await;
    let write = |path: &str| {
        Request::post(format!("{path}?bucket=b"))
            .token(TOKEN)
            .body("m f=1 1")
    };
    server.ask(write("/influx/api/v2/write")).await.is_written();
    server.ask(write("/api/v2/write")).await.is_written();
    assert_eq!(server.ask(Request::get("/influx/health")).await.status, 200);
    for path in [
        "/influxx/ping",
        "/influx",
        "/influx/influx/ping",
        "/x/influx/ping",
    ] {
        assert_eq!(server.ask(Request::get(path)).await.status, 404, "{path}");
    }
    server.stop().await;
}
