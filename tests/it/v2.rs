//! Contract section 3: the read-only resources of v2.

use tidegate::merge::DAY_NS;

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token};

#[tokio::test]
async fn buckets_are_listed_to_who_may_see_them() {
    let mut reader = String::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        catalog.create_bucket("a", Some(DAY_NS)).expect("created");
        catalog.create_bucket("secret", None).expect("created");
        reader = token(catalog, &["a"], &["b"], None);
    });
    let server = Server::over(folder, |_| ()).await;
    let list = |query: &str| Request::get(format!("/api/v2/buckets{query}")).token(&reader);
    let a = r#"{"id":"0000000000000002","orgID":"0000000000000001","name":"a","type":"user","retentionRules":[{"type":"expire","everySeconds":86400}]}"#;
    let b = r#"{"id":"0000000000000001","orgID":"0000000000000001","name":"b","type":"user","retentionRules":[]}"#;
    for (query, buckets) in [
        ("", format!("{a},{b}")),
        ("?org=any&name=", format!("{a},{b}")),
        ("?org=any&name=b&limit=1", b.to_owned()),
        ("?id=0000000000000002", a.to_owned()),
        ("?limit=1", a.to_owned()),
        ("?limit=1&offset=1", b.to_owned()),
        ("?limit=20&offset=2", String::new()),
        ("?after=0000000000000002&limit=20", b.to_owned()),
        ("?after=0000000000000001", String::new()),
        ("?after=0000000000000003", String::new()),
        ("?name=secret", String::new()),
        ("?name=nowhere", String::new()),
    ] {
        let answer = server.ask(list(query)).await;
        answer.is(200, &format!(r#"{{"buckets":[{buckets}]}}"#));
    }
    let all = server
        .ask(Request::get("/api/v2/buckets").token(TOKEN))
        .await;
    assert_eq!(all.json()["buckets"].as_array().map(Vec::len), Some(3));
    let twice = server.ask(list("?name=a&name=b")).await;
    let text =
        "failed to deserialize name/id/after/offset/limit in request: duplicate field `name`";
    twice.is_error(400, "invalid", text);
    server.stop().await;
}

#[tokio::test]
async fn there_is_one_organization_and_nothing_to_set_up() {
    let server = Server::start().await;
    let orgs = server
        .ask(Request::get("/api/v2/orgs?org=mine").token(TOKEN))
        .await;
    orgs.is(
        200,
        r#"{"orgs":[{"id":"0000000000000001","name":"tidegate"}]}"#,
    );
    let setup = server.ask(Request::get("/api/v2/setup")).await;
    setup.is(200, r#"{"allowed":false}"#);
    server.stop().await;
}
