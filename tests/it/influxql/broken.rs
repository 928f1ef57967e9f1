//! Answers that fail once they have begun: a part of one is never mistaken for the whole.

use serde_json::Value;

use super::{ask, is, post};
use crate::client::Answer;
use crate::server::{Server, until};

/// The series of the measurement `m`, and the rows of each, which have texts of 1 KiB.
const SERIES: usize = 100;
const ROWS: usize = 100;

const ALL: &str = "SELECT text FROM m GROUP BY host";

async fn filled(server: &Server, series: usize) {
    let text = "x".repeat(1 << 10);
    for host in 0..series {
        let row = |row| format!("m,host={host:03} text=\"{text}\" {row}\n");
        let lines: String = (0..ROWS).map(row).collect();
        server.write("bucket=b", &lines).await.is_written();
    }
}

/// Asks for all rows, ends the statement while the first ones are on their way, and takes what comes.
async fn killed(server: &Server, others: &[(&str, &str)], accept: &str) -> Answer {
    let others = [&[("db", "b")], others].concat();
    let request = post(ALL, &others).header("Accept", accept);
    let mut client = server.connect().await;
    client.send(request.bytes()).await;
    let mut first = [0; 1];
    client
        .stream
        .peek(&mut first)
        .await
        .expect("the first rows");
    let shown = ask(server, "SHOW QUERIES").await.json();
    let rows = shown["results"][0]["series"][0]["values"].as_array();
    let runs = |row: &&Value| {
        row[1]
            .as_str()
            .is_some_and(|text| text.starts_with("SELECT"))
    };
    let row = rows.expect("rows").iter().find(runs);
    let id = &row.expect("it runs, as nobody takes its rows")[0];
    is(
        &ask(server, &format!("KILL QUERY {id}")).await,
        r#"{"statement_id":0}"#,
    );
    // It runs no longer, though its reader has taken nothing.
    let is_over = || async { !ask(server, "SHOW QUERIES").await.text().contains(ALL) };
    until("it is shown as running", is_over).await;
    client.answer(false).await
}

const INTERRUPTED: &str = "query interrupted";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_fails_midway_says_so_in_every_format() {
    let server = Server::start().await;
    filled(&server, SERIES).await;

    let answer = killed(&server, &[], "application/json").await;
    let result = &answer.json()["results"][0];
    assert_eq!(result["error"], INTERRUPTED);
    let series = result["series"].as_array().expect("the first series");
    assert!(
        !series.is_empty() && series.len() < SERIES,
        "{}",
        series.len()
    );
    assert_eq!(series.last().expect("the last")["partial"], true);

    let chunked = [("chunked", "true"), ("chunk_size", "50")];
    let answer = killed(&server, &chunked, "application/json").await;
    let lines: Vec<Value> = answer
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (last, before) = lines.split_last().expect("lines");
    assert_eq!(last["results"][0]["error"], INTERRUPTED, "{last}");
    assert!(
        !before.is_empty() && before.len() < 2 * SERIES,
        "{}",
        before.len()
    );
    for line in before {
        assert_eq!(line["results"][0]["partial"], true, "more is to come");
    }

    let answer = killed(&server, &[], "text/csv").await;
    let end = format!("\n\nerror\n{INTERRUPTED}\n");
    assert!(answer.text().starts_with("name,tags,time,text\n"));
    let rest = &answer.text()[answer.text().len() - 100..];
    assert!(answer.text().ends_with(&end), "{rest:?}");
    server.stop().await;
}

/// MessagePack says how many series there are before the first one, so a statement is held as a whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_in_message_pack_that_memory_does_not_hold_is_refused_and_chunks_are_not() {
    // The answer is of 40 MB, and a chunk of 2 MB, of which there are as many as are on their way.
    let server = Server::with(|config| config.query.memory_bytes_max = 16 << 20).await;
    let (series, columns) = (20, 20);
    filled(&server, series).await;
    let columns: Vec<String> = (0..columns).map(|n| format!("text AS t{n}")).collect();
    let wide = format!("SELECT {} FROM m GROUP BY host", columns.join(","));
    let request = |others: &[(&str, &str)]| {
        let others = [&[("db", "b"), ("epoch", "ns")], others].concat();
        let request = post(&format!("SHOW DATABASES; {wide}; SHOW DATABASES"), &others);
        request.header("Accept", "application/x-msgpack")
    };
    let has = |answer: &Answer, text: &str| {
        let mut windows = answer.body.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    };
    let refused = server.ask(request(&[])).await;
    assert_eq!(refused.status, 200);
    assert!(
        has(&refused, "query.memory_bytes_max"),
        "{:?}",
        refused.body
    );
    assert!(
        refused.body.len() < 1000,
        "none of its rows: {}",
        refused.body.len()
    );
    assert!(has(&refused, "databases") && has(&refused, "not executed"));
    // What it held is free again for the next one.
    let free = || async { server.metric("tidegate_query_memory_used_bytes").await == 0.0 };
    until("its memory is given back", free).await;
    let chunked = server.ask(request(&[("chunked", "true")])).await;
    let told = || {
        let place = chunked.body.windows(5).position(|text| text == b"error");
        let told = place.and_then(|place| chunked.body.get(place..));
        String::from_utf8_lossy(told.unwrap_or_default()).into_owned()
    };
    assert!(!has(&chunked, "error"), "{}", told());
    assert!(
        chunked.body.len() > series * ROWS * columns.len() * 1000,
        "all rows"
    );
    server.stop().await;
}
