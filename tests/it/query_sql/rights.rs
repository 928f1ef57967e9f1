//! Who may ask, and what the others learn: nothing.

use serde_json::json;

use super::error;
use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token};

fn ask(token: &str, db: &str, text: &str) -> Request {
    let body = json!({"db": db, "q": text});
    let request = Request::post("/api/v3/query_sql").body(body.to_string());
    match token {
        "" => request,
        token => request.token(token),
    }
}

#[tokio::test]
async fn only_a_token_that_may_read_a_bucket_learns_whether_it_exists() {
    let mut tokens = Vec::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        tokens.push(token(catalog, &["b", "missing"], &[], None));
        tokens.push(token(catalog, &["*"], &[], None));
        tokens.push(token(catalog, &[], &["*"], None));
        tokens.push(token(catalog, &["other"], &["b"], None));
        tokens.push(token(catalog, &["b"], &["b"], Some(1)));
    });
    let server = Server::over(folder, |_| ()).await;
    let stranger = "a-token-that-was-never-made".to_owned();
    for (token, there, missing) in [
        (&TOKEN.to_owned(), 200, 404),
        (&tokens[0], 200, 404),
        (&tokens[1], 200, 404),
        (&tokens[2], 403, 403),
        (&tokens[3], 403, 403),
        (&tokens[4], 401, 401),
        (&stranger, 401, 401),
        (&String::new(), 401, 401),
    ] {
        // A wrong question tells them no more.
        for (text, wrong) in [("SELECT 1", false), ("SELEC", true)] {
            for (db, status) in [("b", there), ("missing", missing)] {
                let status = if wrong && status == 200 { 400 } else { status };
                let answer = server.ask(ask(token, db, text)).await;
                assert_eq!(answer.status, status, "{db}: {}", answer.text());
                let told = match status {
                    200 | 400 => continue,
                    401 => "unauthorized access",
                    403 => "insufficient permissions for read",
                    _ => "database not found: \"missing\"",
                };
                assert_eq!(error(&answer, status), told);
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_question_does_not_reach_into_another_bucket() {
    let server = Server::over(Folder::with_buckets(&["a", "b"]), |_| ()).await;
    for bucket in ["a", "b"] {
        let line = format!("of_{bucket} f=1 1");
        server
            .write(&format!("bucket={bucket}"), line)
            .await
            .is_written();
    }
    let answer = server.ask(ask(TOKEN, "a", "SELECT f FROM of_a")).await;
    answer.is(200, r#"[{"f":1.0}]"#);
    for name in ["of_b", "b.of_b", "b.iox.of_b"] {
        let answer = server
            .ask(ask(TOKEN, "a", &format!("SELECT f FROM {name}")))
            .await;
        error(&answer, 400);
    }
    let tables = "SELECT table_name AS t FROM information_schema.tables WHERE table_schema = 'iox'";
    let answer = server.ask(ask(TOKEN, "a", tables)).await;
    answer.is(200, r#"[{"t":"of_a"}]"#);
    server.stop().await;
}
