//! Retries: which requests are sent again, how, and which are not.

use std::time::{Duration, Instant};

use super::scripted::scripted;
use super::server::{Fed, Run, tidegate};

fn import(url: &str, flags: &[&str], text: &str) -> Run {
    let arguments = [
        &["import", "-", "--bucket", "a b", "--precision", "s"],
        flags,
    ]
    .concat();
    let mut import = Fed::new(tidegate(url, &arguments));
    import.feed(text);
    import.end()
}

#[test]
fn a_busy_server_is_given_the_time_it_asks_for_and_the_same_points_again() {
    let (url, server) = scripted(&[
        "HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 500 Fault\r\nContent-Length: 0\r\n\r\n",
        "",
        "HTTP/1.1 429 Often\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
    ]);
    let run = import(&url, &[], "m f=1\nm f=2 5\n");
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (Some(0), "accepted 2, rejected 0\n"),
        "{run:?}"
    );
    assert_eq!(run.stderr.matches("trying again").count(), 1, "{run:?}");
    let asked = server.join().expect("ends");
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(2));
    let head = "post /api/v2/write?bucket=a%20b&precision=s http/1.1\r\n";
    let body = String::from_utf8(asked[0].body.clone()).expect("text");
    let stamp = body
        .strip_prefix("m f=1 ")
        .and_then(|rest| rest.strip_suffix("\nm f=2 5\n"));
    let stamp: u64 = stamp.expect("a timestamp").parse().expect("a number");
    assert!((1_700_000_000..100_000_000_000).contains(&stamp), "{body}");
    for again in &asked {
        assert!(again.head.starts_with(head), "{}", again.head);
        assert_eq!(again.body, asked[0].body);
    }
}

/// From a bug: `m f=1.5` in the first batch and `m f=2i` in the second were a race for the type of `f`,
/// and every second import lost all floats of a file that a check had called sound.
#[test]
fn the_first_batch_decides_the_types_before_another_is_sent() {
    let (url, server) = scripted(&[
        "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
    ]);
    let lines = |unit: &str| -> String {
        let lines = (100..150).map(|number| format!("m,t=a f={number}{unit} {number}\n"));
        lines.collect()
    };
    let text = format!("{}{}", lines(".5"), lines("i"));
    let flags = ["--batch-bytes=1KiB", "--retry-for=20s"];
    let run = import(&url, &flags, &text);
    assert_eq!(run.code, Some(0), "{run:?}");
    let asked = server.join().expect("ends");
    assert!(asked[0].body.starts_with(b"m,t=a f=100.5 100\n"));
    assert_eq!(asked[1].body, asked[0].body);
}

#[test]
fn what_a_retry_does_not_change_ends_the_import_at_once() {
    for (answer, told) in [
        (
            "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n",
            "trailing newline",
        ),
        (
            "HTTP/1.1 403 x\r\nContent-Length: 0\r\n\r\n",
            "does not permit this",
        ),
        (
            "HTTP/1.1 404 x\r\nContent-Length: 16\r\n\r\n{\"message\":\"no\"}",
            "bucket create",
        ),
        (
            "HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n",
            "--batch-bytes",
        ),
        (
            "HTTP/1.1 400 x\r\nContent-Length: 16\r\n\r\n{\"message\":\"no\"}",
            "no (400 from",
        ),
        ("HTTP/1.1 501 x\r\nContent-Length: 0\r\n\r\n", "501"),
    ] {
        let (url, _server) = scripted(Box::leak(Box::new([answer])));
        let started = Instant::now();
        let run = import(&url, &[], "m f=1 1\n");
        assert_eq!(run.code, Some(1), "{run:?}");
        assert_eq!(run.stdout, "accepted 0, rejected 0\n");
        let error = run.stderr.lines().last().expect("an error");
        assert!(
            error.starts_with("tidegate: ") && error.contains(told),
            "{error}"
        );
        assert!(!error.contains("a-token-for-tests"), "{error}");
        // It would try for ten minutes.
        assert!(started.elapsed() < Duration::from_secs(120));
    }
}
