//! Contract section 5: fields of one point are merged, and the last write of each wins.

use crate::server::Server;

#[tokio::test]
async fn the_last_write_of_each_field_wins_within_and_across_requests_and_after_a_restart() {
    let server = Server::start().await;
    server
        .write("bucket=b", "m,t=1 a=1,b=1 5\nm,t=1 a=2,c=2 5\n")
        .await
        .is_written();
    assert_eq!(server.export("b").await, "m,t=1 a=2.0,b=1.0,c=2.0 5\n");
    server
        .write("bucket=b", "m,t=1 b=9,d=\"x\" 5")
        .await
        .is_written();
    let merged = "m,t=1 a=2.0,b=9.0,c=2.0,d=\"x\" 5\n";
    assert_eq!(server.export("b").await, merged);
    let server = Server::over(server.stop().await, |_| ()).await;
    assert_eq!(server.export("b").await, merged);
    server.write("bucket=b", "m,t=1 a=0 5").await.is_written();
    let server = Server::over(server.stop().await, |_| ()).await;
    assert_eq!(server.export("b").await, merged.replace("a=2.0", "a=0.0"));
    server.stop().await;
}

#[tokio::test]
async fn a_batch_again_changes_nothing() {
    let server = Server::start().await;
    let batch = "m,t=1 a=1 1\nm,t=1 a=2 1\nm,t=2 a=3,s=\"x\" 1\nn b=t 2\n";
    server.write("bucket=b", batch).await.is_written();
    let stored = server.export("b").await;
    for _ in 0..3 {
        server.write("bucket=b", batch).await.is_written();
        assert_eq!(server.export("b").await, stored);
    }
    server.stop().await;
}

#[tokio::test]
async fn the_order_of_tags_does_not_make_another_series() {
    let server = Server::start().await;
    server
        .write(
            "bucket=b",
            "m,a=1,b=2 f=1 1\nm,b=2,a=1 f=2 1\nm,b=2 f=3 1\n",
        )
        .await
        .is_written();
    assert_eq!(
        server.export("b").await,
        "m,b=2 f=3.0 1\nm,a=1,b=2 f=2.0 1\n"
    );
    server.stop().await;
}

#[tokio::test]
async fn new_tags_and_fields_may_come_at_any_time() {
    let server = Server::start().await;
    server.write("bucket=b", "m a=1 1").await.is_written();
    server
        .write("bucket=b", "m,new=x a=2,late=1i 2")
        .await
        .is_written();
    let server = Server::over(server.stop().await, |_| ()).await;
    server
        .write("bucket=b", "m,newer=y later=t 3")
        .await
        .is_written();
    assert_eq!(
        server.export("b").await,
        "m a=1.0 1\nm,newer=y later=true 3\nm,new=x a=2.0,late=1i 2\n"
    );
    // The kind of a column was fixed by the first write, also for those after a restart.
    assert_eq!(server.write("bucket=b", "m late=2 4").await.status, 400);
    server.stop().await;
}

#[tokio::test]
async fn every_value_comes_back_as_it_was_written() {
    let server = Server::start().await;
    let values = [
        ("f", "0", "0.0"),
        ("f", "-0", "-0.0"),
        ("f", "0.1", "0.1"),
        ("f", "1e300", "1e300"),
        ("f", "5e-324", "5e-324"),
        ("f", "1e-400", "0.0"),
        ("f", "1.7976931348623157e308", "1.7976931348623157e308"),
        (
            "f",
            "123456789012345678901234567890",
            "1.2345678901234568e29",
        ),
        ("f", ".5", "0.5"),
        ("i", "9223372036854775807i", "9223372036854775807i"),
        ("i", "-9223372036854775808i", "-9223372036854775808i"),
        ("i", "-0i", "0i"),
        ("i", "007i", "7i"),
        ("u", "18446744073709551615u", "18446744073709551615u"),
        ("b", "T", "true"),
        ("b", "FALSE", "false"),
        ("s", r#""""#, r#""""#),
        ("s", r#""a\"b\\c\nd""#, r#""a\"b\\c\\nd""#),
        ("s", "\"a\nb\r\n\tc\"", "\"a\nb\r\n\tc\""),
        ("s", "\"ä漢🦀,= #\"", "\"ä漢🦀,= #\""),
    ];
    for (field, written, stored) in values {
        server
            .write("bucket=b", format!("m {field}={written} 1"))
            .await
            .is_written();
        let query = "bucket=b&measurement=m";
        let answer = server.ask(crate::server::export(query)).await;
        assert!(
            answer.text().contains(&format!("{field}={stored}")),
            "{written}: {}",
            answer.text()
        );
    }
    server.stop().await;
}
