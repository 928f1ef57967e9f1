//! Contract section 3.1 and the v1 forms of section 2.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::{Answer, Request};
use crate::server::{Folder, Server, TOKEN, token};
use crate::write::gzip::gzip;

fn post(target: &str, body: &str) -> Request {
    Request::post(target).token(TOKEN).body(body)
}

/// An error in the shape of v1, with both texts the same.
#[track_caller]
fn is_error(answer: &Answer, status: u16, code: &str, text: &str) {
    let text = serde_json::to_string(text).expect("text");
    answer.is(
        status,
        &format!(r#"{{"error":{text},"code":"{code}","message":{text}}}"#),
    );
}

/// An error of `/query`: as [`is_error`], with `error` last, since Grafana's reader stumbles otherwise.
#[track_caller]
fn is_query_error(answer: &Answer, status: u16, code: &str, text: &str) {
    let text = serde_json::to_string(text).expect("text");
    let body = format!(r#"{{"code":"{code}","message":{text},"error":{text}}}"#);
    assert_eq!((answer.status, answer.text().trim_end()), (status, &*body));
}

/// An answer of `/query`.
#[track_caller]
fn is_results(answer: &Answer, results: &str) {
    let body = format!(r#"{{"results":[{results}]}}"#);
    assert_eq!((answer.status, answer.text().trim_end()), (200, &*body));
}

#[tokio::test]
async fn a_database_and_its_policies_are_buckets() {
    let buckets = ["plain", "auto/autogen", "both", "both/autogen", "db/week"];
    let server = Server::over(Folder::with_buckets(&buckets), |_| ()).await;
    // Database, policy, the bucket that it means. Those at the end are made.
    for (db, rp, bucket) in [
        ("plain", "", "plain"),
        ("plain", "autogen", "plain"),
        ("plain", "default", "plain"),
        ("auto", "", "auto/autogen"),
        ("auto", "default", "auto/autogen"),
        ("both", "", "both"),
        ("both", "autogen", "both/autogen"),
        ("both", "default", "both"),
        ("db", "week", "db/week"),
        ("plain", "week", "plain/week"),
        ("new", "", "new"),
        ("newer", "autogen", "newer"),
        ("newest", "default", "newest"),
    ] {
        let line = format!("from,db={db},rp={rp}x f=1 1");
        let target = format!("/write?db={db}&rp={rp}&consistency=any");
        server.ask(post(&target, &line)).await.is_written();
        let stored = server.export(&bucket.replace('/', "%2F")).await;
        let wanted = format!("from,db={db},rp={rp}x f=1.0 1");
        assert!(
            stored.lines().any(|line| line == wanted),
            "{bucket}: {stored}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn every_precision_of_v1_is_scaled() {
    let server = Server::start().await;
    for (precision, ns) in [
        ("", 1_i64),
        ("n", 1),
        ("ns", 1),
        ("u", 1_000),
        ("us", 1_000),
        ("%C2%B5", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ] {
        let line = format!("m,p=x{} f=1 1", ns);
        let target = format!("/write?db=b&precision={precision}");
        server.ask(post(&target, &line)).await.is_written();
        let stored = server.export("b").await;
        assert!(
            stored.contains(&format!("m,p=x{ns} f=1.0 {ns}\n")),
            "{stored}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn errors_have_both_shapes_byte_for_byte() {
    let server = Server::with(|config| config.server.auto_create_buckets = false).await;
    let missing = server.ask(post("/write?precision=s", "m f=1 1")).await;
    missing.is(
        400,
        r#"{"error":"failed to deserialize db/rp/precision in request: missing field `db`","code":"invalid","message":"failed to deserialize db/rp/precision in request: missing field `db`"}"#,
    );
    let unknown = server.ask(post("/write?db=nowhere", "m f=1 1")).await;
    unknown.is(
        404,
        r#"{"error":"database not found: \"nowhere\"","code":"not found","message":"database not found: \"nowhere\""}"#,
    );
    let with_policy = server.ask(post("/write?db=no&rp=where", "m f=1 1")).await;
    is_error(&with_policy, 404, "not found", "database not found: \"no\"");
    let nobody = server
        .ask(Request::post("/write?db=b").body("m f=1 1"))
        .await;
    is_error(&nobody, 401, "unauthorized", "unauthorized access");
    let encoded = post("/write?db=b", "x").header("Content-Encoding", "br");
    let folder = server.stop().await;
    let server = Server::over(folder, |_| ()).await;
    is_error(
        &server.ask(encoded).await,
        415,
        "unsupported media type",
        "unacceptable content-encoding: br",
    );
    let twice = server.ask(post("/write?db=b&db=c", "m f=1 1")).await;
    let text = "failed to deserialize db/rp/precision in request: duplicate field `db`";
    is_error(&twice, 400, "invalid", text);
    let invalid = server.ask(post("/write?db=_b", "m f=1 1")).await;
    let text = "bucket name starts with \"_\", which is reserved";
    is_error(&invalid, 400, "invalid", text);
    server.stop().await;
}

#[tokio::test]
async fn rejected_lines_are_told_in_both_shapes() {
    let server = Server::start().await;
    let answer = server
        .ask(post("/write?db=b", "m f=1 1\nbad\nm f=2 2"))
        .await;
    assert_eq!(answer.status, 400);
    let json = answer.json();
    assert_eq!(json["error"], json["message"]);
    let text = answer.message();
    let first =
        "partial write has occurred, unable to parse or store line(s):\n  error parsing line 2";
    assert!(text.starts_with(first), "{text}");
    assert_eq!((&json["line"], &json["accepted"]), (&2.into(), &2.into()));
    assert_eq!(server.export("b").await, "m f=1.0 1\nm f=2.0 2\n");
    server.stop().await;
}

/// influxdb-java repeats a batch for ever, and all that come after it wait, unless the error has one
/// of the texts that InfluxDB 1.x has for lines that no repetition makes better.
#[tokio::test]
async fn whatever_is_wrong_with_a_line_is_told_as_not_worth_repeating() {
    let server = Server::start().await;
    let bucket = r#"{"name":"day","retention_seconds":86400}"#;
    let created = server.ask(post("/api/v1/buckets", bucket)).await;
    assert_eq!(created.status, 201);
    server
        .ask(post("/write?db=b", "m f=1 1"))
        .await
        .is_written();
    let long = format!("m,{}=a f=1 1", "k".repeat(5000));
    for (db, line, code, text) in [
        ("b", "bad", "syntax", "unable to parse"),
        ("b", "m f=1 1x", "timestamp", "unable to parse"),
        ("b", "m,time=a f=1 1", "reserved_name", "unable to parse"),
        ("b", "m f=2,time=1 2", "field_dropped", "unable to parse"),
        ("b", long.as_str(), "limit", "unable to parse"),
        (
            "b",
            "m f=\"a\" 1",
            "type_conflict",
            r#": field type conflict: field "f" of "m" is float"#,
        ),
        (
            "day",
            "m f=1 1",
            "retention",
            ": points beyond retention policy: ",
        ),
    ] {
        let answer = server.ask(post(&format!("/write?db={db}"), line)).await;
        let (json, told) = (answer.json(), answer.message());
        assert_eq!((answer.status, &json["error"]), (400, &told.clone().into()));
        assert_eq!(json["errors"][0]["code"], code, "{told}");
        assert!(told.contains(text), "{code}: {told}");
        // Only an answer of v1 repeats the words of 1.x.
        let plain = json["errors"][0]["message"].as_str().expect("a message");
        assert!(
            !plain.contains("policy: ") && !plain.contains("conflict: "),
            "{plain}"
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn a_line_end_alone_is_written_and_leaves_no_bucket() {
    let server = Server::start().await;
    server.ask(post("/write?db=probe", "\n")).await.is_written();
    assert!(!server.has_bucket("probe").await);
    server.stop().await;
}

#[tokio::test]
async fn every_v1_form_of_a_credential_is_taken() {
    let server = Server::start().await;
    let basic = STANDARD.encode(format!("me:{TOKEN}"));
    let write = |query: &str| Request::post(format!("/write?db=b{query}")).body("m f=1 1");
    for request in [
        write("").header("Authorization", &format!("Token me:{TOKEN}")),
        write("").header("Authorization", &format!("Token {TOKEN}")),
        write("").header("Authorization", &format!("Bearer {TOKEN}")),
        write("").header("Authorization", &format!("Basic {basic}")),
        write(&format!("&u=me&p={TOKEN}")),
        write(&format!("&p={TOKEN}")),
        // A header that cannot be read does not hide the query string.
        write(&format!("&p={TOKEN}")).header("Authorization", "Digest x"),
    ] {
        server.ask(request).await.is_written();
    }
    for request in [
        write(""),
        write("&u=me&p=wrong"),
        write(&format!("&u={TOKEN}")),
        write(&format!("&p={TOKEN}&p={TOKEN}")),
        // One that can be read wins, even if it is wrong.
        write(&format!("&p={TOKEN}")).header("Authorization", "Token wrong"),
        write("").header("Authorization", &format!("Bearer me:{TOKEN}")),
        Request::post(format!("/api/v2/write?bucket=b&u=me&p={TOKEN}")).body("m f=1 1"),
        Request::post("/api/v2/write?bucket=b")
            .header("Authorization", &format!("Token me:{TOKEN}"))
            .body("m f=1 1"),
        Request::post(format!("/api/v3/write_lp?db=b&p={TOKEN}")).body("m f=1 1"),
    ] {
        let target = request.target.clone();
        assert_eq!(server.ask(request).await.status, 401, "{target}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_telegraf_of_v1_starts_and_writes() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| agent = token(catalog, &[], &["telegraf"], None));
    let server = Server::over(folder, |_| ()).await;
    let mut client = server.connect().await;
    let basic = format!("Basic {}", STANDARD.encode(format!("agent:{agent}")));
    let create = Request::post("/query")
        .header("Authorization", &basic)
        .header("User-Agent", "Telegraf/1.30.0 Go/1.22.2")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body("q=CREATE+DATABASE+%22telegraf%22");
    let created = client.ask(&create).await;
    is_results(&created, r#"{"statement_id":0}"#);
    assert_eq!(created.header("content-type"), Some("application/json"));
    assert!(server.has_bucket("telegraf").await);
    let write = Request::post("/write?consistency=any&db=telegraf")
        .header("Authorization", &basic)
        .header("Content-Type", "text/plain; charset=utf-8")
        .header("Transfer-Encoding", "chunked")
        .header("Content-Encoding", "gzip")
        .body(gzip(b"cpu,host=a usage_idle=98.5 1721548800000000000\n"));
    client.ask(&write).await.is_written();
    let stored = "cpu,host=a usage_idle=98.5 1721548800000000000\n";
    assert_eq!(server.export("telegraf").await, stored);
    // Again, as after every restart of the agent.
    assert_eq!(client.ask(&create).await.status, 200);
    let other = create.clone().body("q=CREATE+DATABASE+%22other%22");
    let text = "insufficient permissions for write";
    is_query_error(&client.ask(&other).await, 403, "forbidden", text);
    assert!(!server.has_bucket("other").await);
    server.stop().await;
}

#[tokio::test]
async fn databases_are_shown_to_who_may_see_them() {
    let mut reader = String::new();
    let folder = Folder::prepared(|catalog| {
        for name in ["a", "b", "c/autogen", "d/week"] {
            catalog.create_bucket(name, None).expect("created");
        }
        reader = token(catalog, &["b"], &["d/week"], None);
    });
    let server = Server::over(folder, |_| ()).await;
    let show = |token: &str| Request::get("/query?q=SHOW%20DATABASES&db=").token(token);
    let shown = |names: &str| {
        format!(
            r#"{{"statement_id":0,"series":[{{"name":"databases","columns":["name"],"values":[{names}]}}]}}"#
        )
    };
    let all = server.ask(show(TOKEN)).await;
    is_results(&all, &shown(r#"["a"],["b"],["c"],["d"]"#));
    let seen = server.ask(show(&reader)).await;
    is_results(&seen, &shown(r#"["b"],["d"]"#));
    server.stop().await;
}

/// A 501 made the JavaScript client drop its host, and lose the next write.
#[tokio::test]
async fn statements_that_are_not_offered_say_so_in_their_result() {
    let server = Server::start().await;
    for (q, there_is) in [
        ("DELETE+FROM+m", "retention period"),
        ("CREATE+USER+a+WITH+PASSWORD+%27b%27", "tidegate token"),
    ] {
        let answer = server.ask(post(&format!("/query?q={q}"), "")).await;
        assert_eq!(answer.status, 200, "{q}");
        let start = r#"{"results":[{"statement_id":0,"error":""#;
        let text = answer.text();
        assert!(text.starts_with(start) && text.contains(there_is), "{text}");
    }
    let typo = server
        .ask(post("/query?q=SHOW+DATABASES%3BSELEKT+1", ""))
        .await;
    let text = "error parsing query: found SELEKT, expected SELECT, DELETE, SHOW, CREATE, DROP, \
                EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL at line 1, char 16";
    is_query_error(&typo, 400, "invalid", text);
    server.stop().await;
}

/// influxdb-java, Ruby's client and every old tutorial do so.
#[tokio::test]
async fn a_database_is_made_by_get_too_with_a_warning() {
    let server = Server::start().await;
    let get = |q: &str| server.ask(Request::get(format!("/query?q={q}")).token(TOKEN));
    let warning = |created: &str| {
        format!(
            r#""messages":[{{"level":"warning","text":"deprecated use of 'CREATE DATABASE {created}' in a read only context, please use a POST request instead"}}]"#
        )
    };
    let told = format!(r#"{{"statement_id":0,{}}}"#, warning("x"));
    is_results(&get("CREATE+DATABASE+x").await, &told);
    assert!(server.has_bucket("x").await);
    let answer = get("CREATE+DATABASE+%22a-b%22").await;
    assert!(
        answer.text().contains(&warning(r#"\"a-b\""#)),
        "{}",
        answer.text()
    );
    server.stop().await;
}

#[tokio::test]
async fn statements_run_in_order_until_one_fails() {
    let server = Server::start().await;
    let q = "CREATE+DATABASE+x%3BDROP+SERIES+FROM+m%3BCREATE+DATABASE+y";
    let answer = server.ask(post(&format!("/query?q={q}"), "")).await;
    assert_eq!(answer.status, 200);
    let text = answer.text().trim_end();
    let start = r#"{"results":[{"statement_id":0},{"statement_id":1,"error":""#;
    assert!(text.starts_with(start), "{text}");
    let end = r#"},{"statement_id":2,"error":"not executed"}]}"#;
    assert!(text.ends_with(end), "{text}");
    assert!(server.has_bucket("x").await && !server.has_bucket("y").await);
    server.stop().await;
}

#[tokio::test]
async fn without_automatic_creation_only_an_operator_makes_databases() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("there", None).expect("created");
        agent = token(catalog, &[], &["*"], None);
    });
    let server = Server::over(folder, |config| config.server.auto_create_buckets = false).await;
    let create = |token: &str, name: &str| {
        Request::post(format!("/query?q=CREATE+DATABASE+{name}")).token(token)
    };
    assert_eq!(server.ask(create(&agent, "there")).await.status, 200);
    let refused = server.ask(create(&agent, "new")).await;
    assert_eq!(refused.status, 403);
    assert!(refused.message().contains("auto_create_buckets"));
    assert_eq!(server.ask(create(TOKEN, "new")).await.status, 200);
    assert!(server.has_bucket("new").await);
    server.stop().await;
}

#[tokio::test]
async fn a_token_with_signs_in_it_is_taken_in_every_form() {
    let secret = "with:a+colon%2Band&more=0123456789abcdef";
    let server = Server::with(|config| {
        config.init_token = tidegate::config::InitToken::new(secret).ok();
    })
    .await;
    let encoded = "with%3Aa%2Bcolon%252Band%26more%3d0123456789abcdef";
    let write = |query: &str| Request::post(format!("/write?db=b{query}")).body("m f=1 1");
    for request in [
        write("").header("Authorization", &format!("Token {secret}")),
        write("").header("Authorization", &format!("Token me:{secret}")),
        write("").header("Authorization", &format!("Token :{secret}")),
        write("").header(
            "Authorization",
            &format!("Basic {}", STANDARD.encode(format!("me:{secret}"))),
        ),
        write(&format!("&u=me&p={encoded}")),
        write(&format!("&%70={encoded}")),
        write(&format!("&p=+{encoded}%20")),
    ] {
        let target = request.target.clone();
        assert_eq!(server.ask(request).await.status, 204, "{target}");
    }
    for request in [
        // A plus is a blank, and the rest is another parameter.
        write(&format!("&p={secret}")),
        write(&format!("&P={encoded}")),
        write("").header("Authorization", &format!("Token you:me:{secret}")),
    ] {
        let target = request.target.clone();
        assert_eq!(server.ask(request).await.status, 401, "{target}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_is_there_under_its_default_policy_is_not_made_once_more() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("old/autogen", None).expect("created");
        agent = token(catalog, &["old/autogen"], &["old/autogen"], None);
    });
    let server = Server::over(folder, |_| ()).await;
    for token in [TOKEN, &agent] {
        let create = Request::post("/query?q=CREATE+DATABASE+old").token(token);
        assert_eq!(server.ask(create).await.status, 200);
        // Another bucket would take the writes from now on, and split the points.
        assert!(!server.has_bucket("old").await);
    }
    let write = Request::post("/write?db=old").token(&agent).body("m f=1 1");
    server.ask(write).await.is_written();
    assert_eq!(server.export("old%2Fautogen").await, "m f=1.0 1\n");
    server.stop().await;
}
