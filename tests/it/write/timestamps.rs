//! Contract section 4.

use tidegate::clock::Clock;

use crate::server::Server;

/// Nanoseconds of a unit.
const UNITS: [(&str, i64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];
const MIN: i64 = -9_223_372_036_854_775_806;
const MAX: i64 = 9_223_372_036_854_775_806;

#[tokio::test]
async fn times_are_scaled_and_what_does_not_fit_rejects_the_line() {
    let server = Server::start().await;
    for (unit, ns) in UNITS {
        let (first, last) = (MIN / ns, MAX / ns);
        let query = format!("bucket={unit}&precision={unit}");
        let lines = format!("m f=1 {first}\nm f=2 -1\nm f=3 0\nm f=4 1\nm f=5 {last}\n");
        server.write(&query, &lines).await.is_written();
        let stored = format!(
            "m f=1.0 {}\nm f=2.0 {}\nm f=3.0 0\nm f=4.0 {ns}\nm f=5.0 {}\n",
            first * ns,
            -ns,
            last * ns
        );
        assert_eq!(server.export(unit).await, stored);
        for time in [i128::from(last) + 1, i128::from(first) - 1] {
            let answer = server.write(&query, format!("m f=9 {time}")).await;
            let json = answer.json();
            assert_eq!(json["errors"][0]["code"], "timestamp", "{unit} {time}");
            assert!(
                answer
                    .message()
                    .contains("  error parsing line 1 (1-based): "),
                "{json}"
            );
        }
        assert_eq!(server.export(unit).await, stored);
    }
    server.stop().await;
}

#[tokio::test]
async fn only_integers_are_times() {
    let server = Server::start().await;
    for time in [
        "1.0",
        "1e3",
        "+1",
        "1i",
        "--1",
        "0x1",
        "2024-01-01T00:00:00Z",
        "-",
        "1_000",
        "NaN",
        "\"1\"",
    ] {
        let answer = server.write("bucket=b", format!("m f=1 {time}")).await;
        assert_eq!(answer.status, 400, "{time}");
        let code = answer.json()["errors"][0]["code"].clone();
        assert!(code == "timestamp" || code == "syntax", "{time}: {code}");
    }
    for time in ["007", "-0", "-007", "00000000000000000000000000001"] {
        server
            .write("bucket=b", format!("m,t={time} f=1 {time}"))
            .await
            .is_written();
    }
    for time in ["99999999999999999999", "-99999999999999999999"] {
        let json = server
            .write("bucket=b", format!("m f=1 {time}"))
            .await
            .json();
        assert_eq!(json["errors"][0]["code"], "timestamp", "{time}");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_time_the_server_s_counts_once_a_request_and_truncated() {
    let server = Server::start().await;
    for (unit, ns) in UNITS {
        let before = Clock::system().now_ns();
        let query = format!("bucket={unit}&precision={unit}");
        // Two lines of one series without times are one point, the last wins; others are others.
        server
            .write(&query, "m f=1\nm,t=x f=7\nm f=2,g=3\n")
            .await
            .is_written();
        let after = Clock::system().now_ns();
        let stored = server.export(unit).await;
        let lines: Vec<&str> = stored.lines().collect();
        assert_eq!(lines.len(), 2, "{stored}");
        let time = lines[0]
            .strip_prefix("m f=2.0,g=3.0 ")
            .expect("the last wins");
        assert_eq!(
            lines[1],
            format!("m,t=x f=7.0 {time}"),
            "one reading of the clock"
        );
        let time: i64 = time.parse().expect("a time");
        assert_eq!(time % ns, 0);
        assert!(
            time > before - ns && time <= after,
            "{before} {time} {after}"
        );
    }
    server.stop().await;
}
