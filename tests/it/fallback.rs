//! Contract sections 1.2 and 3: what is not there (yet), `OPTIONS`, CORS, host names.

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
            // What was refused for its head is answered without looking at it.
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
            // What was refused for its head is answered without looking at it.
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
