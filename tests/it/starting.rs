//! Contract sections 1.2 and 3: a server that is starting, held there by the callback that shows
//! the operator's token.

use crate::client::Request;
use crate::server::{Server, export, write};

#[tokio::test]
async fn while_it_starts_writes_wait_elsewhere_and_probes_are_answered() {
    let (server, go_on) = Server::held().await;
    // Never 404 or 401 now: agents drop their batch on these.
    for request in [
        write("bucket=b").body("m f=1 1"),
        Request::post("/api/v2/write?bucket=b").body("m f=1 1"),
        write("").body("m f=1 1"),
        export("bucket=b"),
    ] {
        let answer = server.ask(request).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("5"))
        );
        answer.is_error(
            503,
            "unavailable",
            "the server is starting: the log is being replayed",
        );
    }
    for path in ["/ready", "/api/v2/ready"] {
        server
            .ask(Request::get(path))
            .await
            .is(503, r#"{"status":"starting"}"#);
    }
    for path in ["/health", "/api/v2/health"] {
        let answer = server.ask(Request::get(path)).await;
        assert_eq!(
            (answer.status, answer.json()["status"].as_str()),
            (503, Some("fail"))
        );
        assert_eq!(answer.json()["name"], "tidegate");
    }
    assert_eq!(server.ask(Request::get("/ping")).await.status, 204);
    assert_eq!(server.ask(Request::get("/nowhere")).await.status, 404);
    assert!(server.metric("tidegate_ready").await < 0.5);
    go_on.send(()).expect("it waits");
    server.ready().await;
    assert!(server.metric("tidegate_ready").await > 0.5);
    assert_eq!(
        server.ask(write("bucket=b").body("m f=1 1")).await.status,
        401,
        "another token"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_stopped_while_it_starts_stops() {
    let (server, go_on) = Server::held().await;
    assert_eq!(server.ask(Request::get("/ping")).await.status, 204);
    server.stop().await;
    drop(go_on);
}
