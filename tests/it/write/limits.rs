//! Contract section 6: each limit with a small value, at it and past it. The text names the
//! limit, its value and what came.

use tidegate::config::Config;

use super::gzip::gzip;
use crate::client::Answer;
use crate::server::{Server, write};

fn small(config: &mut Config) {
    let limits = &mut config.limits;
    limits.point_bytes_max = 200;
    limits.string_bytes_max = 10;
    limits.name_bytes_max = 8;
    limits.tag_value_bytes_max = 8;
    limits.columns_max = 4;
    limits.tables_max = 3;
    limits.series_max = 5;
}

/// The one entry of the answer.
#[track_caller]
fn entry(answer: &Answer) -> String {
    let json = answer.json();
    let errors = json["errors"].as_array().expect("a list");
    assert_eq!(errors.len(), 1, "{json}");
    assert_eq!(json["rejected"], 1);
    assert_eq!(errors[0]["code"], "limit");
    format!(
        "{} {}",
        errors[0]["column"],
        errors[0]["message"].as_str().expect("a text")
    )
}

#[tokio::test]
async fn sizes_of_points_strings_and_names() {
    let server = Server::with(small).await;
    let at_limit = [
        "m s=\"1234567890\" 1",
        "m s=\"12345\\\"\\\"890\" 1",
        "12345678 f=1 1",
        "m,tag=12345678 f=1 1",
        "m,tag=1234567\\  f=1 1",
        "m 12345678=1 1",
    ];
    for lines in at_limit {
        // A bucket each: together they would have too many columns.
        let bucket = format!("bucket={}", lines.len());
        server.write(&bucket, lines).await.is_written();
    }
    let string =
        "3 the string value's length in bytes is 11, the limit is 10 (limits.string_bytes_max)";
    let names = "the limit is 8 (limits.name_bytes_max)";
    let point = format!("m f=1 {}1", "0".repeat(193));
    server.write("bucket=c", &point).await.is_written();
    let longer = format!("m f=1 {}1", "0".repeat(194));
    for (lines, told) in [
        ("m s=\"12345678901\" 1", string.to_owned()),
        (
            "123456789 f=1 1",
            format!("1 the measurement's length in bytes is 9, {names}"),
        ),
        (
            "m,123456789=1 f=1 1",
            format!("3 the tag key's length in bytes is 9, {names}"),
        ),
        (
            "m,t=123456789 f=1 1",
            "3 the tag value's length in bytes is 9, the limit is 8 (limits.tag_value_bytes_max)"
                .to_owned(),
        ),
        (
            "m 123456789=1 1",
            format!("3 the field key's length in bytes is 9, {names}"),
        ),
        (
            "m a=1,123456789=1 1",
            format!("7 the field key's length in bytes is 9, {names}"),
        ),
        (
            &longer,
            "1 the point's length in bytes is 201, the limit is 200 (limits.point_bytes_max)"
                .to_owned(),
        ),
    ] {
        let answer = server.write("bucket=d", lines).await;
        assert_eq!(entry(&answer), told, "{lines}");
        assert!(
            answer
                .message()
                .contains("\n  error writing line 1 (1-based): ")
        );
    }
    assert!(!server.has_bucket("d").await);
    server.stop().await;
}

#[tokio::test]
async fn numbers_of_columns_tables_and_series() {
    let server = Server::with(|config| {
        small(config);
        // What a stop flushes is no longer in memory.
        config.lake.stop_max = std::time::Duration::ZERO;
    })
    .await;
    server
        .write("bucket=b", "m,t=1 a=1,b=1,c=1 1")
        .await
        .is_written();
    let columns = "1 the number of tags and fields is 5, the limit is 4 (limits.columns_max)";
    assert_eq!(entry(&server.write("bucket=b", "m d=1 1").await), columns);
    assert_eq!(
        entry(&server.write("bucket=b", "m,u=1 a=1 1").await),
        columns
    );
    assert_eq!(
        entry(&server.write("bucket=x", "m a=1,b=1,c=1,d=1,e=1 1").await),
        columns
    );
    server
        .write("bucket=b", "n f=1 1\no f=1 1")
        .await
        .is_written();
    let tables =
        "1 the number of measurements of the bucket is 4, the limit is 3 (limits.tables_max)";
    assert_eq!(entry(&server.write("bucket=b", "p f=1 1").await), tables);
    server.write("bucket=other", "p f=1 1").await.is_written();
    // Three series so far; one batch may add two, and each bucket counts its own.
    let answer = server
        .write(
            "bucket=b",
            "m,t=2 a=1 1\nm,t=3 a=1 1\nm,t=4 a=1 1\nm,t=2 a=2 2",
        )
        .await;
    let series =
        "1 the number of series of the bucket in memory is 6, the limit is 5 (limits.series_max)";
    assert_eq!(entry(&answer), series);
    assert_eq!(
        (&answer.json()["line"], &answer.json()["accepted"]),
        (&3.into(), &3.into())
    );
    server
        .write("bucket=b", "m,t=1 a=5 5\nn f=2 2")
        .await
        .is_written();
    server
        .write("bucket=other", "p,t=1 f=1 1\np,t=2 f=1 1")
        .await
        .is_written();
    // A restart counts the same; one series more is left for the table that is too many.
    let server = Server::over(server.stop().await, |config| {
        small(config);
        config.limits.series_max = 6;
    })
    .await;
    assert_eq!(
        entry(&server.write("bucket=b", "m,t=1 d=1 1").await),
        columns
    );
    assert_eq!(entry(&server.write("bucket=b", "p f=1 1").await), tables);
    server.write("bucket=b", "n,t=9 f=1 1").await.is_written();
    let told = series.replace('6', "7").replace('5', "6");
    assert_eq!(entry(&server.write("bucket=b", "n,t=10 f=1 1").await), told);
    server.stop().await;
}

#[tokio::test]
async fn a_request_with_more_new_columns_than_there_may_be_keeps_those_of_its_first_lines() {
    let server = Server::with(small).await;
    let answer = server
        .write("bucket=b", "m a=1,b=1 1\nm c=1,d=1 2\nm e=1 3\nm a=2 4\n")
        .await;
    let told = "1 the number of tags and fields is 5, the limit is 4 (limits.columns_max)";
    assert_eq!(entry(&answer), told);
    assert_eq!(
        server.export("b").await,
        "m a=1.0,b=1.0 1\nm c=1.0,d=1.0 2\nm a=2.0 4\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_body_is_bounded_on_the_wire_and_decoded() {
    let server = Server::with(|config| {
        config.limits.wire_bytes_max = 2000;
        config.limits.decoded_bytes_max = 3000;
    })
    .await;
    let told = |limit: u32| {
        format!(
            r#"{{"code":"request too large","message":"unable to read data: points batch is too large","maxLength":{limit}}}"#
        )
    };
    let blank = |length: usize| "\n".repeat(length);
    server.write("bucket=b", blank(2000)).await.is_written();
    server
        .write("bucket=b", blank(2001))
        .await
        .is(413, &told(2000));
    let chunked = |length| {
        write("bucket=b")
            .header("Transfer-Encoding", "chunked")
            .body(blank(length))
    };
    server.ask(chunked(2000)).await.is_written();
    server.ask(chunked(2001)).await.is(413, &told(2000));
    let zipped = |length| {
        write("bucket=b")
            .header("Content-Encoding", "gzip")
            .body(gzip(blank(length).as_bytes()))
    };
    server.ask(zipped(3000)).await.is_written();
    server.ask(zipped(3001)).await.is(413, &told(3000));
    server.stop().await;
    // A body that is not encoded keeps the lower of both.
    let server = Server::with(|config| {
        config.limits.wire_bytes_max = 3000;
        config.limits.decoded_bytes_max = 2000;
    })
    .await;
    server
        .write("bucket=b", blank(2001))
        .await
        .is(413, &told(2000));
    server.stop().await;
}

#[tokio::test]
async fn a_length_over_the_limit_is_refused_before_the_body_comes() {
    let server = Server::with(|config| config.limits.wire_bytes_max = 2000).await;
    for length in ["2001", "99999999999", "9223372036854775807"] {
        let mut client = server.connect().await;
        client
            .send(write("bucket=b").header("Content-Length", length).bytes())
            .await;
        assert_eq!(client.answer(false).await.status, 413, "{length}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_defaults_are_the_contract_s() {
    let server = Server::start().await;
    let mut client = server.connect().await;
    client
        .send(
            write("bucket=b")
                .header("Content-Length", "50000001")
                .bytes(),
        )
        .await;
    assert_eq!(client.answer(false).await.json()["maxLength"], 50_000_000);
    let name = |length: usize| format!("m,t={} f=1 1", "x".repeat(length));
    server.write("bucket=b", name(65_536)).await.is_written();
    let answer = server.write("bucket=b", name(65_537)).await;
    assert!(entry(&answer).ends_with("is 65537, the limit is 65536 (limits.tag_value_bytes_max)"));
    let key = |length: usize| format!("{} f=1 1", "x".repeat(length));
    server.write("bucket=b", key(4096)).await.is_written();
    let answer = server.write("bucket=b", key(4097)).await;
    assert!(entry(&answer).ends_with("is 4097, the limit is 4096 (limits.name_bytes_max)"));
    let string = |length: usize| format!("m s=\"{}\" 1", "x".repeat(length));
    server.write("bucket=b", string(1 << 20)).await.is_written();
    let answer = server.write("bucket=b", string((1 << 20) + 1)).await;
    assert!(entry(&answer).ends_with("is 1048577, the limit is 1048576 (limits.string_bytes_max)"));
    let columns = |count: usize| {
        let fields: Vec<String> = (0..count).map(|n| format!("f{n}=1")).collect();
        format!("wide {} 1", fields.join(","))
    };
    server.write("bucket=b", columns(1000)).await.is_written();
    assert!(
        entry(&server.write("bucket=c", columns(1001)).await)
            .ends_with("is 1001, the limit is 1000 (limits.columns_max)")
    );
    let point = |strings: usize| {
        let fields: Vec<String> = (0..strings)
            .map(|n| format!("s{n}=\"{}\"", "x".repeat(1 << 20)))
            .collect();
        format!("big {} 1", fields.join(","))
    };
    server.write("bucket=b", point(3)).await.is_written();
    let answer = server.write("bucket=b", point(4)).await;
    assert!(entry(&answer).ends_with("the limit is 4194304 (limits.point_bytes_max)"));
    server.stop().await;
}
