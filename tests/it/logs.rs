//! The log of the real program, as an operator reads it.

use crate::client::Request;
use crate::program::Program;
use crate::server::{Folder, TOKEN, token};

/// Few agents show the answers that they get: the server's log is where the one that sends bad lines is
/// found.
#[tokio::test]
async fn an_agent_that_sends_bad_lines_can_be_found() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| agent = token(catalog, &[], &["*"], None));
    let program = Program::start(&folder, &[]).await;
    for (bucket, token) in [
        ("a", &agent),
        ("a", &agent),
        ("b", &agent),
        ("a", &TOKEN.to_owned()),
    ] {
        let write = Request::post(format!("/api/v2/write?bucket={bucket}"));
        let answer = program
            .ask(write.token(token).body("m f=1 1\nm f=\x1b 2\n"))
            .await;
        assert_eq!(answer.status, 400);
    }
    let log = program.stop();
    let told: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("lines were rejected"))
        .collect();
    assert_eq!(told.len(), 3, "one per token and bucket: {log}");
    for (line, bucket, token) in [(told[0], "a", 2), (told[1], "b", 2), (told[2], "a", 1)] {
        for part in [
            " WARN ",
            &format!("bucket=\"{bucket}\" token={token} line=2"),
            "peer=127.0.0.1",
            "is not a field value",
            "rejected=1 accepted=1",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(
            !line.contains('\x1b'),
            "nothing of a body acts on a terminal: {line:?}"
        );
    }
}

/// Seconds that are sent without `precision=s` are points of January 1970, and nobody noticed.
#[tokio::test]
async fn lines_that_are_probably_not_meant_so_are_warned_about_once() {
    let folder = Folder::prepared(|_| ());
    let program = Program::start(&folder, &[]).await;
    for _ in 0..3 {
        let write = Request::post("/api/v2/write?bucket=a").token(TOKEN);
        let body = "m f=1 1700000000\n#m f=1 2\nm f=1 1700000000000000000\n";
        program.ask(write.body(body)).await.is_written();
    }
    let metrics = program
        .ask(Request::get("/metrics"))
        .await
        .text()
        .to_owned();
    for counted in [
        "tidegate_lines_in_january_1970_total 3",
        "tidegate_lines_commented_out_total 3",
    ] {
        assert!(metrics.contains(counted), "{metrics}");
    }
    let log = program.stop();
    let odd: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("January 1970"))
        .collect();
    assert_eq!(odd.len(), 1, "{log}");
    for part in [
        " WARN ",
        "points in January 1970: 1; is the precision right?",
        "comments that would be points without their #: 1",
        "bucket=\"a\" token=1",
    ] {
        assert!(odd[0].contains(part), "{}", odd[0]);
    }
}

/// Of a store that cannot be used nothing was said before the first flush, and then not why (issue 9, B5
/// and B9).
#[tokio::test]
async fn a_store_that_cannot_be_reached_is_told_at_the_start_with_its_cause() {
    let folder = Folder::prepared(|_| {});
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = listener.local_addr().expect("an address");
    drop(listener);
    let variables = [
        ("TIDEGATE_LAKE__URL", "s3://tables/here"),
        ("AWS_ENDPOINT", &*format!("http://{nobody}")),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];
    // It is ready all the same.
    let program = Program::start_with(&folder, &[], &variables).await;
    let write = Request::post("/api/v2/write?bucket=b").token(TOKEN);
    let written = program.ask(write.body("m f=1 1\n")).await;
    assert_eq!(written.status, 204);
    let asked = program.ask(Request::get("/api/v1/lake").token(TOKEN)).await;
    assert_eq!(asked.status, 503);
    let told = asked.message();
    assert!(told.contains("Connection refused"), "{told}");
    // A stop would cut the try short.
    program.until_logged("lake.url = ").await;
    let log = program.stop();
    let told = log
        .lines()
        .find(|line| line.contains("lake.url = \"s3://tables/here\""));
    let told = told.unwrap_or_else(|| panic!("nothing is told: {log}"));
    for part in [
        " WARN ",
        "Connection refused",
        "points stay in memory and log",
    ] {
        assert!(told.contains(part), "no {part}: {told}");
    }
    assert!(!log.contains("secret"), "{log}");
}

/// A slow query is found by its text, and literals in it may be secrets.
#[cfg(feature = "query")]
#[tokio::test]
async fn a_slow_query_is_logged_without_its_literals() {
    let mut reader = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        reader = token(catalog, &["b"], &[], None);
    });
    let program = Program::start_with(&folder, &[], &[("TIDEGATE_QUERY__SLOW_MS", "1")]).await;
    let text = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'hunter2'";
    let body = serde_json::json!({ "db": "b", "q": text }).to_string();
    let request = Request::post("/api/v3/query_sql").token(&reader).body(body);
    assert_eq!(program.ask(request).await.status, 200);
    let log = program.stop();
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("a query was slow"))
        .collect();
    let [line] = lines[..] else {
        panic!("one line: {log}");
    };
    for part in [
        " WARN ",
        "protocol=\"http\" outcome=\"done\" bucket=\"b\" token=2",
        "rows=1",
        "WHERE table_name = ?\"",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!log.contains("hunter2") && !log.contains(&reader), "{log}");
}
