//! Contract section 1.2: the rows of its table, one by one.

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token, write};

#[tokio::test]
async fn what_has_nothing_to_write_is_written_and_makes_no_bucket() {
    let server = Server::start().await;
    for body in [
        "",
        "\n",
        "\r\n\n  \n",
        "# a comment",
        "#\n\n# two\r\n",
        "\u{feff}",
        "   ",
    ] {
        server.write("bucket=b", body).await.is_written();
    }
    server
        .write("bucket=b&accept_partial=false", "# none\n")
        .await
        .is_written();
    assert!(!server.has_bucket("b").await);
    server.stop().await;
}

#[tokio::test]
async fn an_unknown_bucket_is_not_found_even_for_an_empty_body() {
    let server = Server::with(|config| config.server.auto_create_buckets = false).await;
    for body in ["", "m f=1 1", "nonsense"] {
        let answer = server.write("bucket=X", body).await;
        answer.is(
            404,
            r#"{"code":"not found","message":"bucket \"X\" not found"}"#,
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bucket_made_by_a_write_is_there_after_a_restart() {
    let server = Server::start().await;
    server.write("bucket=b", "m f=1 1").await.is_written();
    let folder = server.stop().await;
    let server = Server::over(folder, |config| config.server.auto_create_buckets = false).await;
    server.write("bucket=b", "m f=2 2").await.is_written();
    assert_eq!(server.export("b").await, "m f=1.0 1\nm f=2.0 2\n");
    server.stop().await;
}

#[tokio::test]
async fn whoever_may_not_write_learns_nothing_about_the_bucket() {
    let mut reader = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("there", None).expect("created");
        reader = token(catalog, &["*"], &["mine"], None);
    });
    let server = Server::over(folder, |config| config.server.auto_create_buckets = false).await;
    for bucket in ["there", "absent", "_reserved", "0000000000000001"] {
        let request = Request::post(format!("/api/v2/write?bucket={bucket}")).token(&reader);
        let answer = server.ask(request.body("m f=1 1")).await;
        answer.is(
            403,
            r#"{"code":"forbidden","message":"insufficient permissions for write"}"#,
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones_and_an_unknown_path_is_not_found() {
    let server = Server::start().await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"] {
        let answer = server
            .ask(Request::new(method, "/api/v2/write?bucket=b"))
            .await;
        assert_eq!(answer.status, 405);
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    for path in [
        "/",
        "/api/v2",
        "/api/v2/write/",
        "/API/V2/WRITE",
        "/api//v2/write",
        "/x?bucket=b",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let answer = server.ask(Request::new(method, path)).await;
            answer.is(404, r#"{"code":"not found","message":"path not found"}"#);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_to_wait_and_others_are_not() {
    let mut other = String::new();
    let folder = Folder::prepared(|catalog| other = token(catalog, &[], &["b"], None));
    let server = Server::over(folder, |config| {
        config.connection.token_requests_per_second = 2
    })
    .await;
    let (mut limited, mut written) = (0, 0);
    for _ in 0..12 {
        let answer = server.write("bucket=b", "m f=1 1").await;
        if answer.status == 429 {
            limited += 1;
            assert_eq!(answer.header("retry-after"), Some("1"));
            let told = "more than 2 requests per second with this token \
                        (connection.token_requests_per_second)";
            answer.is_error(429, "too many requests", told);
        } else {
            written += 1;
            answer.is_written();
        }
    }
    assert!(limited >= 1 && written >= 2, "{limited} {written}");
    let request = Request::post("/api/v2/write?bucket=b").token(&other);
    server.ask(request.body("m f=1 1")).await.is_written();
    // Without a token nobody is limited, only refused.
    for _ in 0..5 {
        let answer = server.ask(Request::post("/api/v2/write?bucket=b")).await;
        assert_eq!(answer.status, 401);
    }
    server.stop().await;
}

#[tokio::test]
async fn errors_are_short_in_their_header_whatever_the_message_holds() {
    let server = Server::with(|config| config.server.auto_create_buckets = false).await;
    let query = format!("bucket=%0D%0A{}%C3%A4", "x".repeat(600));
    let answer = server.write(&query, "m f=1").await;
    assert_eq!(answer.status, 404);
    let short = answer.header("x-influxdb-error").expect("a text");
    assert!(short.starts_with("bucket \""), "{short}");
    assert!(
        answer.message().ends_with("ä\" not found"),
        "{}",
        answer.message()
    );
    server.stop().await;
}

#[tokio::test]
async fn an_empty_organization_is_worth_one_line_in_the_log_for_each_token() {
    use crate::program::Program;
    let mut other = String::new();
    let folder = Folder::prepared(|catalog| other = token(catalog, &[], &["b"], None));
    let program = Program::start(&folder, &["--log-format", "json"]).await;
    for _ in 0..3 {
        for token in [TOKEN, &other] {
            let request = Request::post("/api/v2/write?bucket=b&org=").token(token);
            assert_eq!(program.ask(request.body("m f=1")).await.status, 400);
        }
    }
    assert_eq!(
        program
            .ask(write("bucket=b&org=o").body("m f=1"))
            .await
            .status,
        204
    );
    let log = program.stop();
    let lines = log
        .lines()
        .filter(|line| line.contains("empty organization"));
    assert_eq!(
        lines.filter(|line| line.contains("\"WARN\"")).count(),
        2,
        "{log}"
    );
    for secret in [TOKEN, other.as_str()] {
        assert!(!log.contains(secret), "a token is in the log");
    }
}
