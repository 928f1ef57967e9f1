//! Contract section 1.2: which error is told first. Path and method, authentication, parameters,
//! bucket and permission, encoding and size, parsing: a request that is wrong in every respect
//! from some point on is told the first.

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token};

/// A request with a body that is too large, of an unknown encoding, and nonsense.
fn wrong(method: &'static str, target: &str) -> Request {
    Request::new(method, target)
        .header("Content-Encoding", "br")
        .body("x".repeat(3000))
}

#[tokio::test]
async fn a_request_that_is_wrong_in_many_ways_is_told_the_first() {
    let mut writer = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        writer = token(catalog, &[], &["b", "absent"], None);
    });
    let server = Server::over(folder, |config| {
        config.limits.wire_bytes_max = 2000;
        config.server.auto_create_buckets = false;
    })
    .await;
    let path = |query: &str| format!("/api/v2/write?{query}");
    let all_wrong = path("precision=u&org=");
    let steps = [
        (wrong("GET", "/nowhere"), 404, "path not found"),
        (
            wrong("PUT", &all_wrong),
            405,
            "method not allowed on this path",
        ),
        (wrong("POST", &all_wrong), 401, "unauthorized access"),
        (
            wrong("POST", &all_wrong).token(&writer),
            400,
            "failed to deserialize org/bucket/precision in request: unknown variant `u`, \
             expected one of `s`, `ms`, `us`, `ns`",
        ),
        (
            wrong("POST", &path("org=")).token(&writer),
            400,
            "missing bucket value",
        ),
        (
            wrong("POST", &path("org=&bucket=other")).token(&writer),
            400,
            "missing org value: set a non-empty organization in the client (Telegraf: \
             organization, influxdb3-go: Organization, or INFLUX_ORG), or \
             server.allow_empty_org = true on the server",
        ),
        (
            wrong("POST", &path("bucket=other")).token(&writer),
            403,
            "insufficient permissions for write",
        ),
        (
            wrong("POST", &path("bucket=absent")).token(&writer),
            404,
            "bucket \"absent\" not found",
        ),
        (
            wrong("POST", &path("bucket=b")).token(&writer),
            415,
            "unacceptable content-encoding: br",
        ),
        (
            Request::post(path("bucket=b"))
                .token(&writer)
                .body("x".repeat(3000)),
            413,
            "unable to read data: points batch is too large",
        ),
        (
            Request::post(path("bucket=b"))
                .token(&writer)
                .header("Content-Encoding", "gzip")
                .body("x"),
            400,
            "error decoding gzip stream: it ends too early; the body looks like plain text: \
             compress it, or leave Content-Encoding away",
        ),
    ];
    for (request, status, message) in steps {
        let answer = server.ask(request).await;
        assert_eq!(
            (answer.status, answer.message().as_str()),
            (status, message)
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_of_a_refused_body_is_awaited() {
    let server = Server::over(Folder::with_buckets(&["there"]), |config| {
        config.limits.wire_bytes_max = 2000;
        config.server.auto_create_buckets = false;
    })
    .await;
    for (target, token, status) in [
        ("/nowhere", TOKEN, 404),
        ("/ping", TOKEN, 405),
        ("/api/v2/write?bucket=b", "wrong", 401),
        ("/api/v2/write?precision=u", TOKEN, 400),
        ("/api/v2/write?bucket=b", TOKEN, 404),
        ("/api/v2/delete", TOKEN, 501),
        ("/api/v2/write?bucket=there", TOKEN, 413),
        ("/write?db=b", "wrong", 401),
        ("/write?precision=x", TOKEN, 400),
        ("/write?db=b", TOKEN, 404),
        ("/write?db=there", TOKEN, 413),
        ("/api/v3/write_lp?db=b", "wrong", 401),
        ("/api/v3/write_lp?precision=x", TOKEN, 400),
        ("/api/v3/write_lp?db=b", TOKEN, 404),
        ("/api/v3/write_lp?db=there", TOKEN, 413),
        ("/query?q=SHOW+DATABASES", "wrong", 401),
        ("/query?q=SHOW+DATABASES", TOKEN, 200),
        ("/api/v1/tokens", "wrong", 401),
        ("/api/v1/tokens", TOKEN, 413),
        ("/api/v1/buckets", TOKEN, 413),
    ] {
        let mut client = server.connect().await;
        let request = Request::post(target)
            .token(token)
            .header("Content-Length", "2000000");
        client.send(request.bytes()).await;
        let answer = client.answer(false).await;
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(answer.header("connection"), Some("close"));
        client.ends().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn the_other_write_endpoints_keep_the_same_order() {
    let mut writer = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        writer = token(catalog, &[], &["b", "absent"], None);
    });
    let server = Server::over(folder, |config| {
        config.limits.wire_bytes_max = 2000;
        config.server.auto_create_buckets = false;
    })
    .await;
    for (path, fields) in [
        ("/write", "db/rp/precision"),
        ("/api/v3/write_lp", "db/precision/accept_partial/no_sync"),
    ] {
        let ask = |query: &str| wrong("POST", &format!("{path}?{query}"));
        let failed = |what: &str| format!("failed to deserialize {fields} in request: {what}");
        let body = |text: String| Request::post(format!("{path}?db=b")).body(text);
        let gzip = body("x".to_owned()).header("Content-Encoding", "gzip");
        for (request, status, message) in [
            (
                wrong("PUT", path),
                405,
                "method not allowed on this path".to_owned(),
            ),
            (ask("db=b"), 401, "unauthorized access".to_owned()),
            (
                ask("precision=x").token(&writer),
                400,
                failed("unknown variant `x`, expected one of"),
            ),
            (ask("").token(&writer), 400, failed("missing field `db`")),
            (
                ask("db=other").token(&writer),
                403,
                "insufficient permissions for write".to_owned(),
            ),
            (
                ask("db=absent").token(&writer),
                404,
                "database not found: \"absent\"".to_owned(),
            ),
            (
                ask("db=b").token(&writer),
                415,
                "unacceptable content-encoding: br".to_owned(),
            ),
            (
                body("x".repeat(3000)).token(&writer),
                413,
                "unable to read data: points batch is too large".to_owned(),
            ),
            (
                gzip.token(&writer),
                400,
                "error decoding gzip stream: it ends too early".to_owned(),
            ),
        ] {
            let answer = server.ask(request).await;
            let told = answer.header("x-influxdb-error").unwrap_or_default();
            assert_eq!(answer.status, status, "{path}: {told}");
            assert!(told.starts_with(&message), "{path}: {told}");
        }
    }
    server.stop().await;
}
