//! Databases and retention policies: statements that show, make, change and delete them. The bodies are
//! those of InfluxDB 1.6.7 unless a test says otherwise.

use super::{ask, fails, is, post, target};
use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token};

const DONE: &str = r#"{"statement_id":0}"#;

/// The policies that are shown of a database.
fn policies(rows: &str) -> String {
    format!(
        r#"{{"statement_id":0,"series":[{{"columns":["name","duration","shardGroupDuration","replicaN","default"],"values":[{rows}]}}]}}"#
    )
}

#[tokio::test]
async fn a_retention_policy_is_a_bucket_from_its_creation_to_its_end() {
    let server = Server::start().await;
    for q in [
        "CREATE DATABASE d",
        "CREATE DATABASE d",
        "CREATE RETENTION POLICY w ON d DURATION 1d REPLICATION 1 SHARD DURATION 1h",
        "CREATE RETENTION POLICY w ON d DURATION 24h REPLICATION 2",
        "CREATE RETENTION POLICY autogen ON d DURATION INF REPLICATION 1 DEFAULT",
    ] {
        is(&ask(&server, q).await, DONE);
    }
    let show = "SHOW RETENTION POLICIES ON d";
    let autogen = r#"["autogen","0s","168h0m0s",1,true]"#;
    let rows = format!(r#"{autogen},["w","24h0m0s","1h0m0s",1,false]"#);
    is(&ask(&server, show).await, &policies(&rows));
    let of_request = post("SHOW RETENTION POLICIES", &[("db", "d")]);
    is(&server.ask(of_request).await, &policies(&rows));
    assert!(server.has_bucket("d%2Fw").await);
    is(
        &ask(&server, "ALTER RETENTION POLICY w ON d DURATION 3d").await,
        DONE,
    );
    let rows = format!(r#"{autogen},["w","72h0m0s","24h0m0s",1,false]"#);
    is(&ask(&server, show).await, &policies(&rows));
    for _ in 0..2 {
        is(&ask(&server, "DROP RETENTION POLICY w ON d").await, DONE);
    }
    is(&ask(&server, show).await, &policies(autogen));
    server.stop().await;
}

/// As the statements of 1.x are written that keep points for a year, but for DEFAULT.
#[tokio::test]
async fn a_retention_policy_of_any_name_takes_writes_and_answers() {
    let server = Server::start().await;
    let create = r#"CREATE RETENTION POLICY "one_year" ON "db" DURATION 52w REPLICATION 1"#;
    is(&ask(&server, "CREATE DATABASE db").await, DONE);
    let refused = ask(&server, &format!("{create} DEFAULT")).await;
    assert!(refused.text().contains("DEFAULT is not supported"));
    assert!(!server.has_bucket("db%2Fone_year").await);
    is(&ask(&server, create).await, DONE);
    for (target, line) in [("db=db", "cpu f=1"), ("db=db&rp=one_year", "cpu f=2")] {
        let write = Request::post(format!("/write?{target}")).token(TOKEN);
        server.ask(write.body(line)).await.is_written();
    }
    for (q, others, count) in [
        (
            r#"SELECT sum(f) FROM "one_year"."cpu""#,
            &[("db", "db")][..],
            2,
        ),
        (r#"SELECT sum(f) FROM "db"."one_year"."cpu""#, &[], 2),
        (
            "SELECT sum(f) FROM cpu",
            &[("db", "db"), ("rp", "one_year")],
            2,
        ),
        ("SELECT sum(f) FROM cpu", &[("db", "db")], 1),
        (
            "SELECT sum(f) FROM autogen.cpu",
            &[("db", "db"), ("rp", "one_year")],
            1,
        ),
        (
            "SELECT sum(f) FROM autogen.cpu, one_year.cpu",
            &[("db", "db")],
            3,
        ),
    ] {
        let series = format!(
            r#"{{"name":"cpu","columns":["time","sum"],"values":[["1970-01-01T00:00:00Z",{count}]]}}"#
        );
        let answer = server.ask(post(q, others)).await;
        is(
            &answer,
            &format!(r#"{{"statement_id":0,"series":[{series}]}}"#),
        );
    }
    let of_other = server
        .ask(post("SELECT f FROM one_day.cpu", &[("db", "db")]))
        .await;
    fails(&of_other, "retention policy not found: one_day");
    server.stop().await;
}

#[tokio::test]
async fn a_database_is_dropped_with_all_its_policies_and_no_other_is() {
    let buckets = ["d", "d/w", "d/autogen", "dd", "e/w"];
    let server = Server::over(Folder::with_buckets(&buckets), |_| ()).await;
    is(
        &ask(&server, "DROP RETENTION POLICY autogen ON d").await,
        DONE,
    );
    assert!(!server.has_bucket("d%2Fautogen").await && server.has_bucket("d").await);
    for _ in 0..2 {
        is(&ask(&server, "DROP DATABASE d").await, DONE);
    }
    for (bucket, is_there) in [
        ("d", false),
        ("d%2Fw", false),
        ("dd", true),
        ("e%2Fw", true),
    ] {
        assert_eq!(server.has_bucket(bucket).await, is_there, "{bucket}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_database_may_be_made_with_a_duration() {
    let server = Server::start().await;
    let create = "CREATE DATABASE d WITH DURATION 3d REPLICATION 1 NAME autogen";
    for q in [
        create,
        create,
        "CREATE DATABASE d",
        "CREATE DATABASE d WITH REPLICATION 1",
    ] {
        is(&ask(&server, q).await, DONE);
    }
    let rows = r#"["autogen","72h0m0s","24h0m0s",1,true]"#;
    is(
        &ask(&server, "SHOW RETENTION POLICIES ON d").await,
        &policies(rows),
    );
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_told_in_the_words_of_influxdb() {
    let server = Server::over(Folder::with_buckets(&["d", "d/w"]), |_| ()).await;
    for (q, text) in [
        ("SHOW RETENTION POLICIES", "database name required"),
        ("SHOW RETENTION POLICIES ON x", "database not found: x"),
        ("CREATE DATABASE \"a/b\"", "invalid name"),
        ("CREATE DATABASE \".\"", "invalid name"),
        (
            "CREATE DATABASE e WITH DURATION 30m",
            "retention policy duration must be at least 1h0m0s",
        ),
        (
            "CREATE DATABASE d WITH DURATION 3d",
            "retention policy conflicts with an existing policy",
        ),
        (
            "CREATE RETENTION POLICY w ON d DURATION 2d REPLICATION 1",
            "retention policy already exists",
        ),
        (
            "CREATE RETENTION POLICY w ON x DURATION 2d REPLICATION 1",
            "database not found: x",
        ),
        (
            "CREATE RETENTION POLICY \"a/b\" ON d DURATION 2d REPLICATION 1",
            "invalid name",
        ),
        (
            "ALTER RETENTION POLICY n ON d DURATION 2d",
            "retention policy not found: n",
        ),
        (
            "ALTER RETENTION POLICY w ON x DURATION 2d",
            "database not found: x",
        ),
        (
            "ALTER RETENTION POLICY w ON d DURATION 2m",
            "retention policy duration must be at least 1h0m0s",
        ),
        ("SHOW GRANTS FOR x", "user not found"),
        ("KILL QUERY 77", "no such query id: 77"),
        // Ours.
        (
            "ALTER RETENTION POLICY w ON d DURATION 2d DEFAULT",
            "DEFAULT is not supported: the default retention policy of a database is autogen; \
             create it without, and name it in writes (rp) and queries (FROM \"policy\".\"measurement\")",
        ),
        (
            "CREATE DATABASE e WITH NAME week",
            "NAME is not supported: the default retention policy of a database is autogen; \
             create the database without, and the policy by CREATE RETENTION POLICY",
        ),
        ("SHOW SHARDS", "SHOW SHARDS is not supported"),
        ("SELECT v INTO x FROM m", "SELECT INTO is not supported"),
    ] {
        fails(&ask(&server, q).await, text);
    }
    for bucket in ["e", "a%2Fb", "d%2Fa%2Fb"] {
        assert!(!server.has_bucket(bucket).await, "{bucket}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_tools_only_look_at_is_empty() {
    let server = Server::start().await;
    let series = |series: &str| format!(r#"{{"statement_id":0,"series":[{series}]}}"#);
    let no_databases = series(r#"{"name":"databases","columns":["name"]}"#);
    is(&ask(&server, "SHOW DATABASES").await, &no_databases);
    is(
        &ask(&server, "SHOW USERS").await,
        &series(r#"{"columns":["user","admin"]}"#),
    );
    is(&ask(&server, "SHOW SUBSCRIPTIONS").await, DONE);
    is(&ask(&server, "SHOW CONTINUOUS QUERIES").await, DONE);
    is(&ask(&server, "CREATE DATABASE d").await, DONE);
    is(
        &ask(&server, "SHOW CONTINUOUS QUERIES").await,
        &series(r#"{"name":"d","columns":["name","query"]}"#),
    );
    server.stop().await;
}

#[tokio::test]
async fn only_operators_change_and_delete_and_only_writers_make() {
    let (mut writer, mut reader) = (String::new(), String::new());
    let folder = Folder::prepared(|catalog| {
        for name in ["d", "d/w", "secret"] {
            catalog.create_bucket(name, None).expect("created");
        }
        writer = token(catalog, &["d"], &["d", "d/new", "d/w"], None);
        reader = token(catalog, &["d"], &[], None);
    });
    let server = Server::over(folder, |_| ()).await;
    let by = async |token: &str, q: &str| {
        let request = Request::post(target(q, &[])).token(token);
        server.ask(request).await
    };
    for q in [
        "DROP DATABASE d",
        "DROP RETENTION POLICY w ON d",
        "ALTER RETENTION POLICY w ON d DURATION 2d",
    ] {
        for token in [&writer, &reader] {
            let text = by(token, q).await.text().to_owned();
            assert!(text.contains("needs an operator's token"), "{text}");
        }
    }
    let create =
        |name: &str| format!("CREATE RETENTION POLICY {name} ON d DURATION 2d REPLICATION 1");
    is(&by(&writer, &create("new")).await, DONE);
    for (token, name) in [(&writer, "other"), (&reader, "new"), (&reader, "other")] {
        fails(
            &by(token, &create(name)).await,
            "insufficient permissions for write",
        );
    }
    let hidden = by(&writer, "SHOW RETENTION POLICIES ON secret").await;
    fails(&hidden, "database not found: secret");
    let rows = r#"["autogen","0s","168h0m0s",1,true],["new","48h0m0s","24h0m0s",1,false],["w","0s","168h0m0s",1,false]"#;
    let all = by(TOKEN, "SHOW RETENTION POLICIES ON d").await;
    is(&all, &policies(rows));
    server.stop().await;
}
