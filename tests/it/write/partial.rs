//! Contract section 1.3: what is written, what is rejected, and that a rejected line leaves no
//! trace.

use crate::client::Request;
use crate::server::{Server, TOKEN};

const PARTIAL: &str = "2 of 4 lines written; rejected line(s):";
const NOTHING: &str = "no data written, errors encountered on line(s):";

#[tokio::test]
async fn the_answer_to_a_partial_write_byte_for_byte() {
    let server = Server::start().await;
    let lines = "home temp=1 1\nhome temp= 2\nhome temp=3 3\nhome temp=\"warm\" 4\n";
    let answer = server.write("bucket=b", lines).await;
    let syntax = "expected a field value (a number, a boolean, or a string in double quotes) \
                  after `=`, found a space";
    let clash = r#"field \"temp\" of \"home\" is float, got string"#;
    answer.is(
        400,
        &format!(
            r#"{{"code":"invalid","message":"{PARTIAL}\n  error parsing line 2 (1-based): {syntax}\n  error writing line 4 (1-based): {clash}","line":2,"accepted":2,"rejected":2,"errors":[{{"line":2,"column":11,"code":"syntax","message":"{syntax}"}},{{"line":4,"column":6,"code":"type_conflict","message":"{clash}"}}]}}"#
        ),
    );
    assert_eq!(
        server.export("b").await,
        "home temp=1.0 1\nhome temp=3.0 3\n"
    );
    server.stop().await;
}

/// curl calls every body a form. From a bug: each rejection of a single line was blamed on lost line
/// ends.
#[tokio::test]
async fn a_single_line_is_blamed_on_lost_line_ends_only_if_it_could_be_several() {
    let server = Server::start().await;
    server.write("bucket=b", "m f=1 1").await.is_written();
    for (line, is_blamed) in [
        ("m f=1 1m f=2 2", true),
        ("m f=1m f=2", true),
        ("m,t=a f=1 1m,t=a f=2 2", true),
        ("m f=\"x\" 1", false),
        ("m f=1x 1", false),
        ("m", false),
        ("m f=1i,f=2.0 1", false),
        ("m,time=1 f=1 1", false),
        ("m f=1 99999999999999999999", false),
    ] {
        for path in [
            "/api/v2/write?bucket=b",
            "/write?db=b",
            "/api/v3/write_lp?db=b&precision=ns",
        ] {
            let form = "application/x-www-form-urlencoded";
            let request = Request::post(path)
                .token(TOKEN)
                .header("Content-Type", form);
            let answer = server.ask(request.body(line)).await;
            let text = answer.text();
            assert_eq!(answer.status, 400, "{line}: {text}");
            assert_eq!(text.contains("--data-binary"), is_blamed, "{line}: {text}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_written_is_told_as_such_and_costs_no_sync() {
    let server = Server::start().await;
    server.write("bucket=b", "home temp=1 1").await.is_written();
    let syncs = server
        .metric("tidegate_wal_sync_duration_seconds_count")
        .await;
    assert!(syncs >= 1.0);
    for query in ["bucket=b", "bucket=new", "bucket=b&accept_partial=false"] {
        let answer = server.write(query, "home temp=\nhome,x=1 x=1 1\n").await;
        assert_eq!(answer.status, 400);
        let message = answer.message();
        assert!(message.starts_with(NOTHING), "{message}");
        // The Go client swallows every error with one of these texts.
        assert!(!message.contains("partial write") && !message.contains("unable to parse"));
        let json = answer.json();
        assert_eq!(
            (&json["accepted"], &json["rejected"]),
            (&0.into(), &2.into())
        );
    }
    assert_eq!(
        server
            .metric("tidegate_wal_sync_duration_seconds_count")
            .await,
        syncs
    );
    server.stop().await;
}

#[tokio::test]
async fn all_or_nothing_writes_all_or_nothing() {
    let server = Server::start().await;
    let query = "bucket=b&accept_partial=false";
    let answer = server.write(query, "m f=1 1\nm f=\"x\" 2\nm f=3 3\n").await;
    let told = r#"field \"f\" of \"m\" is float, got string"#;
    answer.is(
        400,
        &format!(
            r#"{{"code":"invalid","message":"{NOTHING}\n  error writing line 2 (1-based): {told}","line":2,"accepted":0,"rejected":1,"errors":[{{"line":2,"column":3,"code":"type_conflict","message":"{told}"}}]}}"#
        ),
    );
    assert!(!server.has_bucket("b").await);
    server.write(query, "m f=1 1\nm f=3 3\n").await.is_written();
    let answer = server.write(query, "m f=4 4\nn g=1 1\nm f=true 5\n").await;
    assert_eq!(
        (answer.status, answer.json()["line"].as_u64()),
        (400, Some(3))
    );
    let answer = server.write(query, "m f=4 4\nm time=1,f=5 5\n").await;
    assert_eq!(answer.json()["errors"][0]["code"], "field_dropped");
    assert!(
        answer.message().starts_with(NOTHING),
        "{}",
        answer.message()
    );
    assert_eq!(server.export("b").await, "m f=1.0 1\nm f=3.0 3\n");
    server.stop().await;
}

#[tokio::test]
async fn what_was_rejected_leaves_no_trace() {
    let server = Server::start().await;
    // No bucket.
    for query in ["bucket=b", "bucket=b&accept_partial=false"] {
        for lines in [
            "m f=",
            "m,time=x f=1",
            "m,k=1 k=2",
            "m time=1",
            "m f=1,f=2i",
        ] {
            assert_eq!(server.write(query, lines).await.status, 400, "{lines}");
        }
    }
    assert!(!server.has_bucket("b").await);
    // No table, no column, no tag: each can come as anything afterwards.
    server.write("bucket=b", "m f=1 1").await.is_written();
    for query in ["bucket=b", "bucket=b&accept_partial=false"] {
        let answer = server
            .write(query, "m,t=1 f=\"x\",c=1i,d=true 2\nn,time=1 c=1 3\n")
            .await;
        assert_eq!(answer.json()["rejected"], 2);
        assert_eq!(answer.json()["accepted"], 0);
    }
    assert_eq!(server.export("b").await, "m f=1.0 1\n");
    server
        .write(
            "bucket=b",
            "m,d=now\\ a\\ tag t=2u,c=\"text\" 2\nn,c=a_tag time_=1 3",
        )
        .await
        .is_written();
    let answer = server.write("bucket=b", "m d=1 4").await;
    assert_eq!(
        answer.json()["errors"][0]["message"],
        r#""d" of "m" is a tag, got a float field"#
    );
    assert_eq!(
        server.export("b").await,
        "m f=1.0 1\nm,d=now\\ a\\ tag c=\"text\",t=2u 2\nn,c=a_tag time_=1.0 3\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_line_that_is_rejected_for_one_field_brings_none_of_its_others() {
    let server = Server::start().await;
    let lines = "m a=1 1\nm a=\"x\",b=1 2\nm b=\"text\" 3\nm b=2 4\n";
    let answer = server.write("bucket=b", lines).await;
    let errors = answer.json()["errors"].clone();
    assert_eq!(
        (&errors[0]["line"], &errors[1]["line"]),
        (&2.into(), &4.into())
    );
    assert_eq!(
        errors[1]["message"],
        r#"field "b" of "m" is string, got float"#
    );
    assert_eq!(server.export("b").await, "m a=1.0 1\nm b=\"text\" 3\n");
    server.stop().await;
}

#[tokio::test]
async fn a_large_body_is_partial_too_and_its_lines_are_counted_through() {
    let server = Server::start().await;
    let lines: String = (1..=60_000)
        .map(|line| match line % 20_000 {
            0 => format!("bad line {line}\n"),
            7 => format!("m f=\"x\" {line}\n"),
            _ => format!("m,host=h{} f={line} {line}\n", line % 50),
        })
        .collect();
    let answer = server.write("bucket=b&precision=s", &lines).await;
    let json = answer.json();
    assert_eq!(
        (&json["accepted"], &json["rejected"]),
        (&59_994.into(), &6.into())
    );
    let named: Vec<_> = json["errors"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|e| e["line"].as_u64())
        .collect();
    assert_eq!(named, [7, 20_000, 20_007, 40_000, 40_007, 60_000].map(Some));
    assert_eq!(server.export("b").await.lines().count(), 59_994);
    server.stop().await;
}
