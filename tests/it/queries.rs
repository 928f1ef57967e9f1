//! What a server tells about the questions that it was asked: `system.queries`, `/metrics`, the log.

use serde_json::json;

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token};

fn ask(token: &str, text: &str, params: &serde_json::Value) -> Request {
    let body = json!({"db": "b", "q": text, "params": params});
    let request = Request::post("/api/v3/query_sql").token(token);
    request.body(body.to_string())
}

async fn with_tokens() -> (Server, Vec<String>) {
    let mut tokens = Vec::new();
    let folder = Folder::prepared(|catalog| {
        catalog.create_bucket("b", None).expect("created");
        tokens.push(token(catalog, &["b"], &["b"], None));
        tokens.push(token(catalog, &["b"], &[], None));
    });
    let server = Server::over(folder, |_| ()).await;
    server
        .write("bucket=b", "m,host=a v=1 1\nm,host=b v=2 2")
        .await
        .is_written();
    (server, tokens)
}

#[tokio::test]
async fn a_token_sees_its_own_questions_and_an_operator_all() {
    let (server, tokens) = with_tokens().await;
    let text = "SELECT v FROM m WHERE host = 'hunter2' OR host = $p";
    let answer = server
        .ask(ask(&tokens[0], text, &json!({"p": "swordfish"})))
        .await;
    answer.is(200, "[]");
    let shown = "SELECT text, outcome, protocol, bucket FROM system.queries \
                 WHERE text LIKE '%hunter%' OR text LIKE '% OR host%' ORDER BY time LIMIT 1";
    let see = async |token: &str| {
        let answer = server.ask(ask(token, shown, &json!({}))).await;
        answer.text().to_owned()
    };
    let own = see(&tokens[0]).await;
    assert!(own.contains("'hunter2' OR host = $p"), "{own}");
    assert!(
        own.contains(r#""outcome":"done","protocol":"http","bucket":"b""#),
        "{own}"
    );
    let other = see(&tokens[1]).await;
    assert!(!other.contains("hunter2' OR"), "{other}");
    let all = see(TOKEN).await;
    assert!(all.contains("host = ? OR host = $p"), "{all}");
    for told in [own, other, all] {
        assert!(!told.contains("swordfish"), "{told}");
        assert!(!tokens.iter().any(|token| told.contains(token)), "{told}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_information_schema_lists_what_the_token_may_read_of_one_bucket() {
    let (server, tokens) = with_tokens().await;
    let tables = "SELECT table_schema AS s, table_name AS t FROM information_schema.tables \
                  WHERE table_schema <> 'information_schema' ORDER BY t";
    let answer = server.ask(ask(&tokens[1], tables, &json!({}))).await;
    answer.is(200, r#"[{"s":"iox","t":"m"},{"s":"system","t":"queries"}]"#);
    let columns = "SELECT count(*) AS n FROM information_schema.columns WHERE table_schema = 'iox'";
    let answer = server.ask(ask(&tokens[1], columns, &json!({}))).await;
    answer.is(200, r#"[{"n":3}]"#);
    server.stop().await;
}

#[tokio::test]
async fn metrics_count_questions_by_protocol_and_outcome() {
    let (server, tokens) = with_tokens().await;
    for text in [
        "SELECT * FROM m",
        "SELECT * FROM m WHERE v > 1",
        "SELEC",
        "DROP TABLE m",
    ] {
        server.ask(ask(&tokens[0], text, &json!({}))).await;
    }
    let answer = server.ask(Request::get("/metrics").token(TOKEN)).await;
    let text = answer.text();
    for line in [
        r#"tidegate_queries_total{protocol="http",outcome="done"} 2"#,
        r#"tidegate_queries_total{protocol="http",outcome="invalid"} 2"#,
        r#"tidegate_query_duration_seconds_count{protocol="http"} 4"#,
        r#"tidegate_query_rows_total{protocol="http"} 3"#,
        "# TYPE tidegate_query_answer_bytes_total counter",
        "# TYPE tidegate_query_memory_bytes histogram",
        "tidegate_queries_running 0",
        "tidegate_queries_max 8",
        "tidegate_queries_waiting 0",
        "tidegate_query_memory_used_bytes 0",
        "# TYPE tidegate_query_memory_bytes_max gauge",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}: {text}");
    }
    server.stop().await;
}
