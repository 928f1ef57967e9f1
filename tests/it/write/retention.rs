//! Contract section 1.3: points older than a bucket keeps them.

use tidegate::clock::Clock;

use crate::server::{Folder, Server, until};

const HOUR_NS: i64 = 3_600_000_000_000;

fn kept_for(retention_ns: i64) -> Folder {
    Folder::prepared(|catalog| {
        catalog
            .create_bucket("b", Some(retention_ns))
            .expect("created");
    })
}

#[tokio::test]
async fn a_point_that_is_too_old_is_rejected_by_line_and_the_future_is_fine() {
    let server = Server::over(kept_for(HOUR_NS), |_| ()).await;
    let now = Clock::system().now_ns();
    let old = now - HOUR_NS - 60_000_000_000;
    let lines = format!(
        "m f=1 {old}\nm f=2 {}\nm f=3 {}\nm f=4\n",
        now - HOUR_NS / 2,
        i64::MAX - 1
    );
    let answer = server.write("bucket=b", &lines).await;
    assert_eq!(answer.status, 400);
    let json = answer.json();
    assert_eq!(
        (&json["accepted"], &json["rejected"], &json["line"]),
        (&3.into(), &1.into(), &1.into())
    );
    let entry = &json["errors"][0];
    assert_eq!(
        (&entry["code"], &entry["line"]),
        (&"retention".into(), &1.into())
    );
    let message = entry["message"].as_str().expect("a text");
    let old = chrono::DateTime::from_timestamp_nanos(old);
    let old = old.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let told = format!("time {old} is older than the bucket's retention, which begins at ");
    let begins = message.strip_prefix(&told).expect("the text");
    let begins: chrono::DateTime<chrono::Utc> = begins.parse().expect("a time");
    let begins = begins.timestamp_nanos_opt().expect("in range");
    assert!(
        (now - HOUR_NS..now - HOUR_NS + 60_000_000_000).contains(&begins),
        "{begins}"
    );
    assert!(
        answer
            .message()
            .contains("\n  error writing line 1 (1-based): ")
    );
    assert_eq!(server.export("b").await.lines().count(), 3);
    let refused = server.write("bucket=b&accept_partial=false", &lines).await;
    assert!(
        refused.message().starts_with("no data written"),
        "{}",
        refused.message()
    );
    server.stop().await;
}

#[tokio::test]
async fn the_scaled_time_counts() {
    let server = Server::over(kept_for(HOUR_NS), |_| ()).await;
    let now_s = Clock::system().now_ns() / 1_000_000_000;
    let lines = format!("m f=1 {}\nm f=2 {}\n", now_s - 60, now_s - 7200);
    let json = server.write("bucket=b&precision=s", &lines).await.json();
    assert_eq!((&json["accepted"], &json["line"]), (&1.into(), &2.into()));
    server.stop().await;
}

#[tokio::test]
async fn points_that_expire_vanish_from_reads_and_a_restart_does_not_judge_again() {
    let clock = Clock::system();
    let future = clock.now_ns() + HOUR_NS;
    // On a busy machine a write and a read may take longer than the bucket keeps points: then
    // one that keeps them longer.
    for kept_s in [3, 9, 27] {
        let kept_ns = kept_s * 1_000_000_000;
        let server = Server::over(kept_for(kept_ns), |_| ()).await;
        let before_ns = clock.now_ns();
        server.write("bucket=b", "m f=1").await.is_written();
        let written_ns = clock.now_ns();
        let later = format!("m f=2 {future}");
        server.write("bucket=b", later).await.is_written();
        let both = server.export("b").await.lines().count();
        if clock.now_ns() < before_ns + kept_ns {
            assert_eq!(both, 2);
            until("it is too old", || async {
                clock.now_ns() > written_ns + kept_ns
            })
            .await;
            let left = format!("m f=2.0 {future}\n");
            assert_eq!(server.export("b").await, left);
            let server = Server::over(server.stop().await, |_| ()).await;
            assert_eq!(server.export("b").await, left);
            return drop(server.stop().await);
        }
        server.stop().await;
    }
    panic!("it took longer each time");
}
