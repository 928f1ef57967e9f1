//! What an answer looks like, in every format: the same from memory, from files and after a restart.

use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use arrow_array::RecordBatch;
use arrow_cast::pretty::pretty_format_batches;
use arrow_ipc::reader::StreamReader;

use super::{LINES, get, question, server};
use crate::client::{Answer, Request};
use crate::server::{Server, TOKEN};

/// Format, type of the answer, and the answer to [`ALL`].
const EXPECTED: &[(&str, &str, &str)] = &[
    (
        "json",
        "application/json",
        concat!(
            r#"[{"n":-1,"note":"say \"hi\",\ntwice","ok":true,"room":"a","temp":20.5,"#,
            r#""time":"2023-11-14T22:13:20","u":18446744073709551615},"#,
            r#"{"room":"b","temp":30.0,"time":"2023-11-14T22:13:30"},"#,
            r#"{"temp":5.0,"time":"2023-11-14T22:13:40.000000001"}]"#
        ),
    ),
    (
        "jsonl",
        "application/jsonl",
        concat!(
            r#"{"n":-1,"note":"say \"hi\",\ntwice","ok":true,"room":"a","temp":20.5,"#,
            r#""time":"2023-11-14T22:13:20","u":18446744073709551615}"#,
            "\n",
            r#"{"room":"b","temp":30.0,"time":"2023-11-14T22:13:30"}"#,
            "\n",
            r#"{"temp":5.0,"time":"2023-11-14T22:13:40.000000001"}"#,
            "\n",
        ),
    ),
    (
        "csv",
        "text/csv",
        "n,note,ok,room,temp,time,u\n\
         -1,\"say \"\"hi\"\",\ntwice\",true,a,20.5,2023-11-14T22:13:20,18446744073709551615\n\
         ,,,b,30.0,2023-11-14T22:13:30,\n\
         ,,,,5.0,2023-11-14T22:13:40.000000001,\n",
    ),
    (
        "pretty",
        "text/plain; charset=utf-8",
        "+----+-----------+------+------+------+-------------------------------+----------------------+\n\
         | n  | note      | ok   | room | temp | time                          | u                    |\n\
         +----+-----------+------+------+------+-------------------------------+----------------------+\n\
         | -1 | say \"hi\", | true | a    | 20.5 | 2023-11-14T22:13:20           | 18446744073709551615 |\n\
         |    | twice     |      |      |      |                               |                      |\n\
         |    |           |      | b    | 30.0 | 2023-11-14T22:13:30           |                      |\n\
         |    |           |      |      | 5.0  | 2023-11-14T22:13:40.000000001 |                      |\n\
         +----+-----------+------+------+------+-------------------------------+----------------------+",
    ),
];

/// All columns, by name: what a wildcard gives is not what is tested here.
const ALL: &str = "SELECT n, note, ok, room, temp, time, u FROM boiler ORDER BY time";

#[track_caller]
fn rows(answer: &Answer) -> Vec<RecordBatch> {
    assert_eq!(
        answer.header("content-type"),
        Some("application/vnd.apache.parquet")
    );
    let file = Bytes::from(answer.body.clone());
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("a file");
    let reader = reader.build().expect("readable");
    reader.map(|rows| rows.expect("rows")).collect()
}

async fn holds(server: &Server) {
    for (format, content_type, expected) in EXPECTED {
        let answer = server.ask(question(ALL, format)).await;
        assert_eq!((answer.status, answer.text()), (200, *expected), "{format}");
        assert_eq!(answer.header("content-type"), Some(*content_type));
    }
    let answer = server.ask(question(ALL, "parquet")).await;
    let table = pretty_format_batches(&rows(&answer)).expect("it prints");
    assert_eq!(table.to_string(), EXPECTED[3].2);
    let answer = server.ask(question(ALL, "arrow")).await;
    let content_type = Some("application/vnd.apache.arrow.stream");
    assert_eq!(answer.header("content-type"), content_type);
    let rows = StreamReader::try_new(answer.body.as_slice(), None).expect("a stream");
    let rows: Vec<RecordBatch> = rows.map(|rows| rows.expect("rows")).collect();
    let table = pretty_format_batches(&rows).expect("it prints");
    assert_eq!(table.to_string(), EXPECTED[3].2);
}

#[tokio::test]
async fn the_rows_are_the_same_in_every_format_from_memory_from_files_and_after_a_restart() {
    let server = server().await;
    holds(&server).await;
    if cfg!(feature = "lake") {
        let flush = Request::post("/api/v1/lake/flush").token(TOKEN);
        assert_eq!(server.ask(flush).await.status, 200);
        holds(&server).await;
    }
    let server = Server::over(server.stop().await, |_| ()).await;
    holds(&server).await;
    // Written again, in memory over what is in files: nothing comes twice.
    server.write("bucket=plant", LINES).await.is_written();
    holds(&server).await;
    server.stop().await;
}

#[tokio::test]
async fn the_worked_body_of_the_contract_is_what_comes() {
    let server = server().await;
    let text = "SELECT room, temp, time FROM boiler WHERE temp < 21 ORDER BY time LIMIT 1";
    let answer = server.ask(question(text, "")).await;
    answer.is(
        200,
        r#"[{"room":"a","temp":20.5,"time":"2023-11-14T22:13:20"}]"#,
    );
    server.stop().await;
}

#[tokio::test]
async fn an_answer_without_rows_is_whole_in_every_format() {
    let server = server().await;
    let text = "SELECT room, u FROM boiler WHERE temp > 1000";
    for (format, expected) in [
        ("json", "[]"),
        ("jsonl", ""),
        ("csv", "room,u\n"),
        (
            "pretty",
            "+------+---+\n| room | u |\n+------+---+\n+------+---+",
        ),
    ] {
        server.ask(question(text, format)).await.is(200, expected);
    }
    let none = server.ask(question(text, "parquet")).await;
    assert!(rows(&none).is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_number_that_json_does_not_have_is_null_and_a_null_is_left_out() {
    let server = server().await;
    let text = "SELECT CAST('NaN' AS DOUBLE) a, CAST('-inf' AS DOUBLE) b, CAST(NULL AS DOUBLE) c, \
                CAST(2 AS DOUBLE) d";
    for (format, expected) in [
        ("json", "[{\"a\":null,\"b\":null,\"d\":2.0}]"),
        ("jsonl", "{\"a\":null,\"b\":null,\"d\":2.0}\n"),
        ("csv", "a,b,c,d\nNaN,-inf,,2.0\n"),
    ] {
        server.ask(question(text, format)).await.is(200, expected);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_time_has_a_zone_where_its_type_has_one() {
    let server = server().await;
    let text =
        "SELECT arrow_cast('2024-01-01T00:00:00.5Z', 'Timestamp(Nanosecond, Some(\"+01:00\"))') t";
    server
        .ask(question(text, "json"))
        .await
        .is(200, r#"[{"t":"2024-01-01T01:00:00.500+01:00"}]"#);
    server.stop().await;
}

#[tokio::test]
async fn without_a_format_the_accept_header_decides() {
    let server = server().await;
    let ask = |accept: Option<&str>, format: &str| {
        let request = get(&[("db", "plant"), ("q", "SELECT 1 AS n"), ("format", format)]);
        match accept {
            Some(accept) => request.header("Accept", accept),
            None => request,
        }
    };
    for (accept, format, expected) in [
        (None, "", "[{\"n\":1}]"),
        (Some("*/*"), "", "[{\"n\":1}]"),
        (Some("text/html,application/xml;q=0.9"), "", "[{\"n\":1}]"),
        (Some("application/json"), "", "[{\"n\":1}]"),
        (Some("application/jsonl"), "", "{\"n\":1}\n"),
        (Some("text/csv"), "", "n\n1\n"),
        (Some("text/plain"), "", "+---+\n| n |\n+---+\n| 1 |\n+---+"),
        (Some("text/csv"), "json_lines", "{\"n\":1}\n"),
        (Some("image/png"), "csv", "n\n1\n"),
    ] {
        server.ask(ask(accept, format)).await.is(200, expected);
    }
    let accept = Some("application/vnd.apache.parquet");
    let file = server.ask(ask(accept, "")).await;
    assert_eq!(
        rows(&file).iter().map(RecordBatch::num_rows).sum::<usize>(),
        1
    );
    let refused = server.ask(ask(Some("image/png"), "")).await;
    assert!(super::error(&refused, 400).starts_with("invalid mime"));
    server.stop().await;
}

#[tokio::test]
async fn a_long_answer_streams_whole_in_every_format() {
    let server = server().await;
    let text =
        "SELECT value AS n, 'a text that takes some room' AS s FROM generate_series(1, 100000)";
    let text_of = async |format| server.ask(question(text, format)).await;
    let json = text_of("json").await.json();
    assert_eq!(json.as_array().map(Vec::len), Some(100_000));
    assert_eq!(json[99_999]["n"], 100_000);
    assert_eq!(text_of("jsonl").await.text().lines().count(), 100_000);
    assert_eq!(text_of("csv").await.text().lines().count(), 100_001);
    assert_eq!(text_of("pretty").await.text().lines().count(), 100_004);
    let file = rows(&text_of("parquet").await);
    assert_eq!(
        file.iter().map(RecordBatch::num_rows).sum::<usize>(),
        100_000
    );
    let answer = text_of("csv").await;
    assert_eq!(answer.header("content-length"), None, "it streams");
    server.stop().await;
}
