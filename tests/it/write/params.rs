//! Contract section 1.1: query parameters.

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token, write};

const PREFIX: &str = "failed to deserialize org/bucket/precision in request: ";

#[tokio::test]
async fn a_missing_bucket_is_told_with_the_page_s_body() {
    let server = Server::start().await;
    let page = r#"{"code":"invalid","message":"missing bucket value"}"#;
    for target in [
        "/api/v2/write",
        "/api/v2/write?",
        "/api/v2/write?bucket=",
        "/api/v2/write?bucket",
        "/api/v2/write?org=o",
        "/api/v2/write?org=o&bucket=&precision=s",
        "/api/v2/write?Bucket=b",
        "/api/v2/write?db=b",
    ] {
        let answer = server
            .ask(Request::post(target).token(TOKEN).body("m f=1"))
            .await;
        answer.is(400, page);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bucket_is_found_by_its_name_as_it_is_written_and_then_by_its_id() {
    let folder = Folder::with_buckets(&["Home", "0000000000000003", "third"]);
    let server = Server::over(folder, |config| config.server.auto_create_buckets = false).await;
    for (query, found) in [
        ("bucket=Home", true),
        ("bucket=home", false),
        ("bucket=HOME", false),
        ("bucket=0000000000000001", true),
        ("bucket=0000000000000009", false),
        ("bucket=1", false),
        ("bucket=00000000000000001", false),
    ] {
        let answer = server.write(query, "m f=1 1").await;
        assert_eq!(answer.status, if found { 204 } else { 404 }, "{query}");
    }
    // A name that looks like another bucket's id is a name first.
    server
        .write("bucket=0000000000000003", "named f=1 1")
        .await
        .is_written();
    assert_eq!(server.export("0000000000000003").await, "named f=1.0 1\n");
    assert_eq!(server.export("third").await, "");
    assert_eq!(server.export("Home").await, "m f=1.0 1\n");
    server.stop().await;
}

#[tokio::test]
async fn names_of_buckets_keep_the_rule() {
    let server = Server::start().await;
    let longest = "x".repeat(255);
    for query in [
        "bucket=a+b",
        "bucket=a%20b%2Fc",
        "bucket=a/b",
        "bucket=db/autogen",
        "bucket=%C3%A4%E6%BC%A2",
        "bucket=a_b",
        "bucket=%22",
        &format!("bucket={longest}"),
    ] {
        server.write(query, "m f=1 1").await.is_written();
        assert_eq!(
            server.export(&query["bucket=".len()..]).await,
            "m f=1.0 1\n"
        );
    }
    // `+` and `%20` are the same blank.
    assert_eq!(server.export("a%20b").await, "m f=1.0 1\n");
    for (query, message) in [
        (
            "bucket=_internal",
            "bucket name starts with \"_\", which is reserved",
        ),
        ("bucket=a%0Ab", "bucket name contains a control character"),
        ("bucket=a%7F", "bucket name contains a control character"),
        ("bucket=%C2%85", "bucket name contains a control character"),
        (
            &format!("bucket={longest}x"),
            "bucket name has 256 bytes, expected 1 to 255",
        ),
    ] {
        server
            .write(query, "m f=1 1")
            .await
            .is_error(400, "invalid", message);
    }
    server.stop().await;
}

#[tokio::test]
async fn there_are_at_most_so_many_buckets() {
    let server = Server::with(|config| config.limits.buckets_max = 2).await;
    server.write("bucket=a", "m f=1 1").await.is_written();
    server.write("bucket=b", "m f=1 1").await.is_written();
    let told = "there are 2 buckets already (limits.buckets_max)";
    server
        .write("bucket=c", "m f=1 1")
        .await
        .is_error(400, "invalid", told);
    server.write("bucket=a", "m f=1 2").await.is_written();
    assert!(!server.has_bucket("c").await);
    server.stop().await;
}

#[tokio::test]
async fn an_organization_is_ignored_but_must_not_be_empty() {
    let server = Server::start().await;
    let told = "missing org value: set a non-empty organization in the client (Telegraf: \
             organization, influxdb3-go: Organization, or INFLUX_ORG), or \
             server.allow_empty_org = true on the server";
    for query in [
        "bucket=b&org=",
        "org=&bucket=b",
        "org&bucket=b",
        "bucket=b&org=&orgID=x",
    ] {
        server
            .write(query, "m f=1 1")
            .await
            .is_error(400, "invalid", told);
    }
    for query in [
        "bucket=b",
        "bucket=b&org=any+thing",
        "bucket=b&orgID=",
        "bucket=b&orgID=0000000000000001",
        "bucket=b&org=o&orgID=",
    ] {
        server.write(query, "m f=1 1").await.is_written();
    }
    server.stop().await;
    let server = Server::with(|config| config.server.allow_empty_org = true).await;
    server.write("bucket=b&org=", "m f=1 1").await.is_written();
    server.stop().await;
}

#[tokio::test]
async fn six_precisions_are_known_and_others_get_the_page_s_body() {
    let server = Server::start().await;
    for precision in ["", "ns", "us", "ms", "s", "m", "h"] {
        let query = format!("bucket=b&precision={precision}");
        server.write(&query, "m f=1 1").await.is_written();
    }
    let page = r#"{"code":"invalid","message":"failed to deserialize org/bucket/precision in request: unknown variant `u`, expected one of `s`, `ms`, `us`, `ns`"}"#;
    server
        .write("bucket=b&precision=u", "m f=1 1")
        .await
        .is(400, page);
    for precision in ["n", "NS", "µs", "d", "w", "auto", "nanosecond", "s "] {
        let query = format!(
            "bucket=b&precision={}",
            precision.replace(' ', "+").replace('µ', "%C2%B5")
        );
        let told =
            format!("{PREFIX}unknown variant `{precision}`, expected one of `s`, `ms`, `us`, `ns`");
        server
            .write(&query, "m f=1 1")
            .await
            .is_error(400, "invalid", &told);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_parameter_twice_is_named_and_unknown_ones_are_ignored() {
    let server = Server::start().await;
    for (name, value) in [
        ("bucket", "b"),
        ("org", "o"),
        ("orgID", "x"),
        ("precision", "s"),
        ("accept_partial", "true"),
    ] {
        let query = format!("bucket=b&org=o&{name}={value}&{name}={value}");
        let answer = server.write(&query, "m f=1 1").await;
        let told = format!("{PREFIX}duplicate field `{name}`");
        answer.is_error(400, "invalid", &told);
    }
    for query in [
        "bucket=b&consistency=all&u=x&p=y&db=z&rp=w&consistency=one",
        "bucket=b&&&=&x",
        "&bucket=b&",
        "b%75cket=b",
    ] {
        server.write(query, "m f=1 1").await.is_written();
    }
    server.stop().await;
}

#[tokio::test]
async fn accept_partial_is_yes_or_no() {
    let server = Server::start().await;
    for value in ["true", "false"] {
        let query = format!("bucket=b&accept_partial={value}");
        server.write(&query, "m f=1 1").await.is_written();
    }
    let told = format!("{PREFIX}unknown variant `no`, expected `true` or `false`");
    let answer = server.write("bucket=b&accept_partial=no", "m f=1 1").await;
    answer.is_error(400, "invalid", &told);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_text_after_decoding_is_refused() {
    let server = Server::start().await;
    for query in [
        "bucket=%ff",
        "bucket=b&org=%C3",
        "bucket=b&%ff=x",
        "bucket=b&x=%ed%a0%80",
    ] {
        let answer = server.write(query, "m f=1 1").await;
        answer.is_error(400, "invalid", &format!("{PREFIX}invalid UTF-8"));
    }
    // A percent sign that starts no byte stands for itself.
    server.write("bucket=100%", "m f=1 1").await.is_written();
    assert_eq!(server.export("100%25").await, "m f=1.0 1\n");
    server.stop().await;
}

#[tokio::test]
async fn which_fault_is_told_first() {
    let server = Server::start().await;
    let variant = format!("{PREFIX}unknown variant `u`, expected one of `s`, `ms`, `us`, `ns`");
    for (query, told) in [
        ("precision=u", variant.as_str()),
        ("org=&precision=u", &variant),
        ("org=&org=", &format!("{PREFIX}duplicate field `org`")),
        ("org=&x=%ff", &format!("{PREFIX}invalid UTF-8")),
        ("org=", "missing bucket value"),
        ("org=&bucket=", "missing bucket value"),
    ] {
        server
            .write(query, "m f=1 1")
            .await
            .is_error(400, "invalid", told);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bucket_is_made_by_writing_only_if_the_token_may_and_the_server_does() {
    let mut tokens = Vec::new();
    let folder = Folder::prepared(|catalog| {
        tokens.push(token(catalog, &[], &["*"], None));
        tokens.push(token(catalog, &[], &["mine"], None));
    });
    let server = Server::over(folder, |_| ()).await;
    let ask = async |token: &str, bucket: &str| {
        let request = Request::post(format!("/api/v2/write?bucket={bucket}")).token(token);
        server.ask(request.body("m f=1 1")).await
    };
    ask(&tokens[1], "mine").await.is_written();
    ask(&tokens[0], "any").await.is_written();
    let refused = ask(&tokens[1], "other").await;
    refused.is_error(403, "forbidden", "insufficient permissions for write");
    assert!(!server.has_bucket("other").await);
    let folder = server.stop().await;
    let server = Server::over(folder, |config| config.server.auto_create_buckets = false).await;
    assert_eq!(server.export("mine").await, "m f=1.0 1\n");
    let absent = server.ask(write("bucket=gone+%22x").body("m f=1 1")).await;
    absent.is_error(404, "not found", "bucket \"gone \"x\" not found");
    server.stop().await;
}
