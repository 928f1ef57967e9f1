use super::{body_of, start};

/// Requests that two readers could understand differently, each of which would hide another
/// request.
const SMUGGLED: &[&str] = &[
    "POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /ping HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
    "POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
    "POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 4, 4\r\n\r\nabcd",
    "GET /ping HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "GET /ping HTTP/1.1\nHost: a\n\n",
    "GET /ping HTTP/1.1\r\nHost: a\n\r\n",
    "GET /ping HTTP/1.1\r\nHost : a\r\n\r\n",
    "POST /ping HTTP/1.1\r\nHost: a\r\nContent-Length : 4\r\n\r\nabcd",
    "POST /ping HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "GET /ping HTTP/1.1\r\n\r\n",
    "GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
];

#[tokio::test]
async fn ambiguous_requests_are_refused_with_an_answer_like_any_other() {
    let server = start(|_| ()).await;
    for request in SMUGGLED {
        let answer = server.ask(request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
            "{request:?}: {answer}"
        );
        assert!(body_of(&answer).starts_with(r#"{"code":"invalid","message":"malformed request"#));
        assert!(answer.contains("x-request-id: "), "{answer}");
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "nothing after it is served"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_good_request_before_a_bad_one_is_answered() {
    let server = start(|_| ()).await;
    let good = "GET /ping HTTP/1.1\r\nHost: a\r\n\r\n";
    let answer = server
        .ask(format!("{good}{good}GET /ping HTTP/1.1\n\n{good}"))
        .await;
    assert_eq!(answer.matches("HTTP/1.1 204 ").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400 ").count(), 1, "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn heads_beyond_the_limits_are_told_so() {
    let server = start(|_| ()).await;
    let long = format!(
        "GET /ping HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n",
        "x".repeat(40_000)
    );
    let many = format!(
        "GET /ping HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "X: y\r\n".repeat(100)
    );
    for request in [long, many] {
        let answer = server.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let most = format!("GET /ping HTTP/1.0\r\n{}\r\n", "X: y\r\n".repeat(100));
    assert!(server.ask(most).await.starts_with("HTTP/1.0 204 "));
    let filler = "x".repeat(32_768 - 30);
    let largest = format!("GET /ping HTTP/1.0\r\nX: {filler}\r\n\r\n");
    assert!(
        server.ask(&largest[..]).await.starts_with("HTTP/1.0 204 "),
        "{}",
        largest.len()
    );
    server.stop().await;
}

#[tokio::test]
async fn nobody_can_ask_for_a_refusal() {
    let server = start(|_| ()).await;
    let answer = server.ask("TIDEGATE-REFUSED /ping HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 405 "), "{answer}");
    server.stop().await;
}
