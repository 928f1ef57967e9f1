//! Contract sections 1.2, 3.1 and 3.2: whichever part refuses a request, from the guard before the routes
//! to the disk behind them, does it in the words of the endpoint that was meant.

use tidegate::config::Config;

use crate::client::{Answer, Request};
use crate::server::{Folder, Server, TOKEN, token};
use crate::write::gzip::gzip;

/// A write on each of the three APIs; the body is missing.
const WRITES: [&str; 3] = [
    "/api/v2/write?bucket=b",
    "/write?db=b",
    "/api/v3/write_lp?db=b",
];

/// An error of this status and text in the shape of the API.
#[track_caller]
fn is(answer: &Answer, target: &str, status: u16, text: &str) {
    let code = answer.header("x-platform-error-code").expect("a code");
    let text = serde_json::to_string(text).expect("text");
    let body = match target {
        _ if target.starts_with("/api/v3/") => format!(r#"{{"error":{text}}}"#),
        _ if target.starts_with("/api/") => format!(r#"{{"code":"{code}","message":{text}}}"#),
        _ if target.starts_with("/query") => {
            format!(r#"{{"code":"{code}","message":{text},"error":{text}}}"#)
        }
        _ => format!(r#"{{"error":{text},"code":"{code}","message":{text}}}"#),
    };
    assert_eq!((answer.status, answer.text().trim_end()), (status, &*body));
}

#[tokio::test]
async fn a_head_that_is_refused_before_the_routes_is_refused_in_the_words_of_its_path() {
    let server = Server::with(|config| config.server.path_prefix = "/influx".to_owned()).await;
    for target in [&WRITES[..], &["/query?q=x", "/influx/write?db=b"]].concat() {
        let plain = target.trim_start_matches("/influx");
        let malformed = Request::post(target).token(TOKEN).header("Bad Name", "x");
        let text = "malformed request: a header line is not `name: value`";
        is(&server.ask(malformed).await, plain, 400, text);
        let twice = Request::post(target)
            .token(TOKEN)
            .header("Content-Length", "5")
            .header("Content-Length", "6");
        let text = "malformed request: Content-Length is no number, or stands twice";
        is(&server.ask(twice).await, plain, 400, text);
        let large = Request::post(format!("{target}&x={}", "x".repeat(40_000)));
        let text = "the request's head is larger than the server allows \
                    (connection.head_bytes_max)";
        is(&server.ask(large).await, plain, 431, text);
        let mut many = Request::post(target);
        for n in 0..101 {
            many = many.header(&format!("X-{n}"), "x");
        }
        let text = "the request has more headers than the server allows (connection.headers_max)";
        is(&server.ask(many).await, plain, 431, text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_host_that_is_not_let_in_is_told_so_in_the_words_of_its_path() {
    let server = Server::with(|config| config.server.without_auth = true).await;
    for target in [&WRITES[..], &["/query?q=x", "/api/v3/nowhere"]].concat() {
        let request = Request::post(target).header("Host", "evil.example");
        let text = "this host name is not allowed while authentication is off: add it to \
                    server.allowed_hosts, or turn authentication on";
        is(
            &server.ask(request.body("m f=1 1")).await,
            target,
            403,
            text,
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn while_it_starts_every_write_is_told_to_come_back() {
    let (server, go_on) = Server::held().await;
    for target in [&WRITES[..], &["/query?q=x", "/api/v1/buckets"]].concat() {
        for request in [Request::post(target), Request::post(target).token(TOKEN)] {
            let answer = server.ask(request.body("m f=1 1")).await;
            let text = "the server is starting: the log is being replayed";
            is(&answer, target, 503, text);
            assert_eq!(answer.header("retry-after"), Some("5"));
        }
    }
    drop(go_on);
    server.stop().await;
}

#[tokio::test]
async fn a_stop_that_waits_no_longer_says_so_in_the_words_of_the_path() {
    let change = |config: &mut Config| {
        config.server.shutdown_grace = std::time::Duration::from_millis(300);
    };
    let server = Server::with(change).await;
    let mut clients = Vec::new();
    for target in WRITES {
        let mut client = server.connect().await;
        let request = Request::post(target)
            .token(TOKEN)
            .header("Expect", "100-continue")
            .header("Content-Length", "7");
        client.send(request.bytes()).await;
        let asked = client.exactly(b"HTTP/1.1 100 Continue\r\n\r\n".len()).await;
        assert!(asked.starts_with(b"HTTP/1.1 100"), "it is being read");
        clients.push((target, client));
    }
    let answers = async {
        let mut answers = Vec::new();
        for (target, client) in &mut clients {
            answers.push((*target, client.answer(false).await));
        }
        answers
    };
    let (_, answers) = tokio::join!(server.stop(), answers);
    for (target, answer) in answers {
        is(&answer, target, 503, "the server is stopping");
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
}

#[tokio::test]
async fn too_often_too_much_and_too_slowly_are_told_in_the_words_of_the_path() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| agent = token(catalog, &[], &["*"], None));
    let server = Server::over(folder, |config| {
        config.limits.wire_bytes_max = 2000;
        config.connection.token_requests_per_second = 2;
        config.connection.body_idle_timeout = std::time::Duration::from_millis(200);
    })
    .await;
    for target in WRITES {
        // All at once, and none goes to the disk, so that they come faster than that anywhere.
        let request = Request::post(target).token(&agent).body("# nothing");
        let mut client = server.connect().await;
        client.send(request.bytes().repeat(12)).await;
        let mut limited = None;
        for _ in 0..12 {
            let answer = client.answer(false).await;
            if answer.status == 429 {
                limited = Some(answer);
                break;
            }
        }
        let limited = limited.expect("too often");
        let text = "more than 2 requests per second with this token \
                    (connection.token_requests_per_second)";
        is(&limited, target, 429, text);
        assert_eq!(limited.header("retry-after"), Some("1"));
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        // Nothing of the body is sent: its length is enough.
        let mut client = server.connect().await;
        let request = Request::post(target).token(&agent);
        client
            .send(request.header("Content-Length", "2001").bytes())
            .await;
        let answer = client.answer(false).await;
        assert_eq!(answer.status, 413, "{target}");
        let short = answer.header("x-influxdb-error");
        let text = "unable to read data: points batch is too large";
        assert_eq!(short, Some(text));
        match target.starts_with("/api/v3") {
            true => is(&answer, target, 413, text),
            false => assert_eq!(answer.json()["maxLength"], 2000),
        }
        let mut client = server.connect().await;
        let request = Request::post(target).token(&agent);
        client
            .send(request.header("Content-Length", "20").bytes())
            .await;
        let text = "no byte of the body arrived for 200 ms (connection.body_idle_timeout_ms)";
        is(&client.answer(false).await, target, 408, text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_form_that_is_large_is_refused_by_its_length() {
    let server = Server::start().await;
    let form = Request::post("/query?q=SHOW+DATABASES")
        .token(TOKEN)
        .header("Content-Type", "application/x-www-form-urlencoded");
    let mut client = server.connect().await;
    client
        .send(form.clone().header("Content-Length", "1048577").bytes())
        .await;
    let text = "the body has more than 1048576 bytes";
    let body = format!(
        r#"{{"code":"request too large","message":"{text}","error":"{text}","maxLength":1048576}}"#
    );
    let is = |answer: &Answer| {
        assert_eq!((answer.status, answer.text().trim_end()), (413, &*body));
    };
    is(&client.answer(false).await);
    // Nor does it become large in the decoder.
    let bomb = form
        .header("Content-Encoding", "gzip")
        .body(gzip(&vec![b'a'; 10_000_000]));
    is(&server.ask(bomb).await);
    server.stop().await;
}

#[tokio::test]
async fn a_full_share_and_a_full_catalog_are_told_in_the_words_of_the_path() {
    let server = Server::with(|config| {
        config.memory.budget_bytes = 20_000_000;
        config.memory.bucket_percent = 1;
        config.limits.buckets_max = 1;
    })
    .await;
    let lines: String = (0..2000).map(|n| format!("m,h=h{n} f={n} {n}\n")).collect();
    server.write("bucket=b", &lines).await.is_written();
    for target in WRITES {
        let ask = |target: String| server.ask(Request::post(target).token(TOKEN).body("m f=1 1"));
        let answer = ask(target.to_owned()).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, Some("1"))
        );
        let text = answer
            .header("x-influxdb-error")
            .expect("a text")
            .to_owned();
        is(&answer, target, 503, &text);
        assert!(text.contains("memory.bucket_percent"), "{text}");
        let answer = ask(format!("{target}ucket")).await;
        let text = "there are 1 buckets already (limits.buckets_max)";
        is(&answer, target, 400, text);
    }
    let create = Request::post("/query?q=CREATE+DATABASE+c").token(TOKEN);
    let text = "there are 1 buckets already (limits.buckets_max)";
    let told = format!(r#"{{"results":[{{"statement_id":0,"error":"{text}"}}]}}"#);
    let answer = server.ask(create).await;
    assert_eq!((answer.status, answer.text().trim_end()), (200, &*told));
    let create = Request::post("/api/v1/buckets").token(TOKEN);
    let answer = server.ask(create.body(r#"{"name":"c"}"#)).await;
    answer.is_error(400, "invalid", text);
    assert!(!server.has_bucket("c").await && !server.has_bucket("bucket").await);
    server.stop().await;
}

#[tokio::test]
async fn what_there_is_not_of_v3_is_told_in_its_words() {
    let server = Server::start().await;
    for target in ["/api/v3/query", "/api/v3/write_lp/"] {
        let answer = server.ask(Request::post(target).token(TOKEN)).await;
        answer.is(404, r#"{"error":"path not found"}"#);
    }
    let answer = server.ask(Request::get("/api/v3")).await;
    answer.is_error(404, "not found", "path not found");
    server.stop().await;
}
