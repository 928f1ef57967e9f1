use super::client::TOKEN;
use super::{body_of, start};

/// Returns true if an answer has this header line, in any case.
fn has(answer: &str, line: &str) -> bool {
    answer.lines().any(|found| found.eq_ignore_ascii_case(line))
}

#[tokio::test]
async fn a_write_is_acknowledged_and_every_answer_names_us() {
    let server = start(|_| ()).await;
    let answer = server.write("bucket=b&org=o", "", b"m f=1\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 204 No Content\r\n"),
        "{answer}"
    );
    assert!(!answer.to_lowercase().contains("content-type"), "{answer}");
    assert_eq!(body_of(&answer), "");
    for request in [
        "GET /ping HTTP/1.0\r\n\r\n",
        "GET /x HTTP/1.0\r\n\r\n",
        "BREW / HTTP/1.0\r\n\r\n",
    ] {
        let answer = server.ask(request).await.to_lowercase();
        for header in [
            "x-influxdb-version: 0",
            "x-influxdb-build: tidegate",
            "x-request-id: ",
        ] {
            assert!(answer.contains(header), "{request}: {answer}");
        }
        assert!(has(&answer, "access-control-allow-origin: *"), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn checks_come_in_the_order_of_the_contract() {
    let server = start(|config| config.server.auto_create_buckets = false).await;
    let ask = async |head: String| {
        let request = format!("{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = server.ask(request.replace("TOKEN", TOKEN)).await;
        format!("{} {}", &answer[9..12], body_of(&answer))
    };
    for (request, told) in [
        (
            "POST /x HTTP/1.1",
            r#"404 {"code":"not found","message":"path not found"}"#,
        ),
        (
            "GET /api/v2/write HTTP/1.1",
            r#"405 {"code":"method not allowed","message":"method not allowed on this path"}"#,
        ),
        (
            "POST /api/v2/write HTTP/1.1",
            r#"401 {"code":"unauthorized","message":"unauthorized access"}"#,
        ),
        (
            "POST /api/v2/write?precision=u HTTP/1.1\r\nAuthorization: Token nobody",
            r#"401 {"code":"unauthorized","message":"unauthorized access"}"#,
        ),
        (
            "POST /api/v2/write?precision=u HTTP/1.1\r\nAuthorization: Token TOKEN",
            r#"400 {"code":"invalid","message":"failed to deserialize org/bucket/precision in request: unknown variant `u`, expected one of `s`, `ms`, `us`, `ns`"}"#,
        ),
        (
            "POST /api/v2/write HTTP/1.1\r\nContent-Encoding: br\r\nAuthorization: Token TOKEN",
            r#"400 {"code":"invalid","message":"missing bucket value"}"#,
        ),
        (
            "POST /api/v2/write?bucket=b%22 HTTP/1.1\r\nContent-Encoding: br\r\nAuthorization: Token TOKEN",
            r#"404 {"code":"not found","message":"bucket \"b\"\" not found"}"#,
        ),
    ] {
        assert_eq!(ask(request.to_owned()).await, told, "{request}");
    }
    let answer = server.ask("DELETE /ping HTTP/1.0\r\n\r\n").await;
    assert!(has(&answer, "allow: GET,HEAD"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn encodings_and_sizes_are_refused_before_the_body_is_read() {
    let server = start(|config| config.limits.wire_bytes_max = 1024).await;
    let answer = server
        .write("bucket=b", "Content-Encoding: br\r\n", b"x")
        .await;
    assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    let answer = server.write("bucket=b", "", &[b'x'; 1025]).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        body_of(&answer).ends_with(r#","maxLength":1024}"#),
        "{answer}"
    );
    let answer = server
        .write("bucket=b", "Content-Encoding: gzip\r\n", b"not gzip")
        .await;
    assert!(
        body_of(&answer).contains("error decoding gzip stream: "),
        "{answer}"
    );
    let chunked = format!(
        "POST /api/v2/write?bucket=b HTTP/1.1\r\nHost: a\r\nAuthorization: Token {TOKEN}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n{}\r\n0\r\n\r\n",
        "x".repeat(1025)
    );
    let answer = server.ask(chunked).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.stop().await;
}

/// From a bug: it got 204, and nothing was stored.
#[tokio::test]
async fn a_write_over_http_1_0_without_a_length_is_refused_and_with_one_is_stored() {
    let server = start(|_| ()).await;
    let write = |length: &str| {
        format!(
            "POST /api/v2/write?bucket=b HTTP/1.0\r\nAuthorization: Token {TOKEN}\r\n{length}\r\nm f=1 1\n"
        )
    };
    let answer = server.ask(write("")).await;
    assert!(answer.starts_with("HTTP/1.1 411 "), "{answer}");
    let body = body_of(&answer);
    assert!(
        body.starts_with(r#"{"code":"invalid","message":"the body has no length"#),
        "{body}"
    );
    let answer = server.ask(write("Content-Length: 8\r\n")).await;
    assert!(answer.starts_with("HTTP/1.0 204 "), "{answer}");
    let export =
        format!("GET /api/v1/export?bucket=b HTTP/1.0\r\nAuthorization: Token {TOKEN}\r\n\r\n");
    assert_eq!(body_of(&server.ask(export).await), "m f=1.0 1\n");
    server.stop().await;
}

#[tokio::test]
async fn options_are_answered_before_anybody_is_asked_who_they_are() {
    let server = start(|_| ()).await;
    let answer = server
        .ask("OPTIONS /api/v2/write HTTP/1.0\r\nOrigin: https://a\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.0 204 "), "{answer}");
    assert!(has(&answer, "access-control-allow-origin: *"), "{answer}");
    assert!(answer.contains("Authorization, "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn without_authentication_only_known_host_names_are_let_in() {
    let server = start(|config| config.server.without_auth = true).await;
    let write = |host: &str| {
        format!(
            "POST /api/v2/write?bucket=b HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 5\r\n\r\nm f=1"
        )
    };
    let answer = server.ask(write("localhost:8086")).await;
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");
    let answer = server.ask(write("evil.example")).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(
        body_of(&answer).starts_with(r#"{"code":"forbidden","#),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_prefix_is_accepted_and_not_required() {
    let server = start(|config| config.server.path_prefix = "/influx".to_owned()).await;
    for path in ["/ping", "/influx/ping"] {
        let answer = server.ask(format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.0 204 "), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_to_wait() {
    let server = start(|config| config.connection.token_requests_per_second = 1).await;
    let first = server.write("bucket=b", "", b"m f=1").await;
    assert!(first.starts_with("HTTP/1.1 204 "), "{first}");
    let second = server.write("bucket=b", "", b"m f=1").await;
    assert!(second.starts_with("HTTP/1.1 429 "), "{second}");
    assert!(has(&second, "retry-after: 1"), "{second}");
    server.stop().await;
}

#[tokio::test]
async fn probes_answer_without_a_token() {
    let server = start(|_| ()).await;
    let ask = async |path: &str| {
        let answer = server.ask(format!("GET {path} HTTP/1.0\r\n\r\n")).await;
        format!("{} {}", &answer[9..12], body_of(&answer))
    };
    assert_eq!(ask("/ping").await, "204 ");
    assert!(
        ask("/ping?verbose=true")
            .await
            .starts_with(r#"200 {"version":"#)
    );
    assert!(
        ask("/health")
            .await
            .starts_with(r#"200 {"name":"tidegate","message":"ready for"#)
    );
    assert!(ask("/api/v2/health").await.starts_with("200 "));
    let ready = ask("/api/v2/ready").await;
    assert!(
        ready.starts_with(r#"200 {"status":"ready","started":"20"#) && ready.ends_with(r#"s"}"#),
        "{ready}"
    );
    assert!(ask("/metrics").await.contains("tidegate_ready 1"));
    let answer = server.ask("HEAD /health HTTP/1.0\r\n\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.0 200 ") && body_of(&answer).is_empty(),
        "{answer}"
    );
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_there_yet_says_what_to_use_instead() {
    let server = start(|_| ()).await;
    for path in ["/api/v2/delete", "/api/v2/query"] {
        let request = format!(
            "POST {path} HTTP/1.0\r\nAuthorization: Token {TOKEN}\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = server.ask(request).await;
        assert!(answer.starts_with("HTTP/1.0 501 "), "{answer}");
        assert!(
            body_of(&answer).starts_with(r#"{"code":"not implemented","#),
            "{answer}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn what_was_written_is_exported_also_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    for lines in ["home,room=a temp=1 1\n", "home,room=b temp=2 2\n"] {
        let server = start(|config| config.storage.data_dir = folder.path().join("data")).await;
        let answer = server.write("bucket=b", "", lines.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
        server.stop().await;
    }
    let server = start(|config| config.storage.data_dir = folder.path().join("data")).await;
    let auth = format!("Authorization: Token {TOKEN}\r\n");
    let ask = async |query: &str| {
        let request = format!("GET /api/v1/export?{query} HTTP/1.0\r\n{auth}\r\n");
        server.ask(request).await
    };
    let answer = ask("bucket=b").await;
    let both = "home,room=a temp=1.0 1\nhome,room=b temp=2.0 2\n";
    assert_eq!(body_of(&answer), both, "{answer}");
    assert_eq!(
        body_of(&ask("bucket=b&start=2").await),
        "home,room=b temp=2.0 2\n"
    );
    assert!(ask("bucket=none").await.starts_with("HTTP/1.0 404 "));
    assert!(
        ask("bucket=b&format=xml")
            .await
            .starts_with("HTTP/1.0 400 ")
    );
    server.stop().await;
}

#[tokio::test]
async fn rejected_lines_are_named_and_the_others_are_written() {
    let server = start(|_| ()).await;
    let answer = server
        .write("bucket=b", "", b"m f=1 1\nm f=\"x\" 2\nnonsense\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    let told = r#"{"code":"invalid","message":"1 of 3 lines written; rejected line(s):\n  error writing line 2 (1-based): "#;
    assert!(body_of(&answer).starts_with(told), "{answer}");
    assert!(body_of(&answer).contains(r#""line":2,"accepted":1,"rejected":2,"errors":["#));
    let answer = server
        .write("bucket=b&accept_partial=false", "", b"m f=3 3\nnonsense\n")
        .await;
    let told = r#"{"code":"invalid","message":"no data written, errors encountered on line(s):\n  error parsing line 2 (1-based): "#;
    assert!(body_of(&answer).starts_with(told), "{answer}");
    server.stop().await;
}

/// From a bug: the statement was carried out for the head of its answer.
#[tokio::test]
async fn a_request_for_a_head_creates_no_database() {
    let server = start(|_| ()).await;
    let ask = async |line: &str| {
        let host = "Host: localhost\r\nConnection: close";
        let request = format!("{line} HTTP/1.1\r\n{host}\r\nAuthorization: Token {TOKEN}\r\n\r\n");
        server.ask(request).await
    };
    let head = ask("HEAD /query?q=CREATE+DATABASE+x").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let shown = ask("GET /query?q=SHOW+DATABASES").await;
    assert!(!shown.contains(r#"["x"]"#), "{shown}");
    ask("GET /query?q=CREATE+DATABASE+x").await;
    let shown = ask("GET /query?q=SHOW+DATABASES").await;
    assert!(shown.contains(r#"["x"]"#), "{shown}");
    server.stop().await;
}
