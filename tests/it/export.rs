//! Contract section 3.4: `GET /api/v1/export`.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_ipc::reader::StreamReader;

use crate::client::Request;
use crate::server::{Server, export, until};

const LINES: &str = "b,t=2 f=1,e=2i 3\nb,t=1 f=2 9\nb,t=1 f=3,e=1i -1\nb f=4 5\n\
                     a,z=1,y=2 s=\"x y\" 1\nb,t=1,u=1 f=5 2\nb,t=1\\ \\,\\=1 f=6 1\nc\\ d b=t 1\n";

#[tokio::test]
async fn lines_come_by_measurement_day_tag_set_and_time() {
    let server = Server::start().await;
    server.write("bucket=x", LINES).await.is_written();
    let expected = "a,y=2,z=1 s=\"x y\" 1\nb,t=1 e=1i,f=3.0 -1\nb f=4.0 5\nb,t=1 f=2.0 9\n\
                    b,t=1,u=1 f=5.0 2\nb,t=1\\ \\,\\=1 f=6.0 1\nb,t=2 e=2i,f=1.0 3\nc\\ d b=true 1\n";
    let answer = server.ask(export("bucket=x")).await;
    assert_eq!(answer.text(), expected);
    assert_eq!(
        answer.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    for query in [
        "bucket=x&format=lp",
        "bucket=x&format=",
        "bucket=x&measurement=",
        "bucket=0000000000000001",
    ] {
        assert_eq!(server.ask(export(query)).await.text(), expected, "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_measurement_and_a_time_range_narrow_it() {
    let server = Server::start().await;
    server.write("bucket=x", LINES).await.is_written();
    for (query, expected) in [
        ("measurement=a", "a,y=2,z=1 s=\"x y\" 1\n"),
        ("measurement=c+d", "c\\ d b=true 1\n"),
        ("measurement=b&start=5", "b f=4.0 5\nb,t=1 f=2.0 9\n"),
        ("measurement=b&start=5&end=9", "b f=4.0 5\n"),
        ("measurement=b&end=0", "b,t=1 e=1i,f=3.0 -1\n"),
        (
            "measurement=b&start=1970-01-01T00:00:00.000000005Z",
            "b f=4.0 5\nb,t=1 f=2.0 9\n",
        ),
        (
            "measurement=b&start=1970-01-01T01:00:00.000000005%2B01:00&end=9",
            "b f=4.0 5\n",
        ),
        ("start=100", ""),
        ("start=5&end=5", ""),
    ] {
        let answer = server.ask(export(&format!("bucket=x&{query}"))).await;
        assert_eq!((answer.status, answer.text()), (200, expected), "{query}");
    }
    server.stop().await;
}

fn batches(bytes: &[u8]) -> Vec<RecordBatch> {
    let reader = StreamReader::try_new(bytes, None).expect("a stream");
    reader.map(|batch| batch.expect("a batch")).collect()
}

#[tokio::test]
async fn an_arrow_stream_holds_one_measurement() {
    let server = Server::start().await;
    server.write("bucket=x", LINES).await.is_written();
    let answer = server
        .ask(export("bucket=x&measurement=b&format=arrow"))
        .await;
    assert_eq!(
        answer.header("content-type"),
        Some("application/vnd.apache.arrow.stream")
    );
    let batches = batches(&answer.body);
    assert_eq!(batches.len(), 1);
    let schema = batches[0].schema();
    let names: Vec<&str> = schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    assert_eq!(names, ["time", "t", "u", "e", "f"]);
    let times = batches[0]
        .column(0)
        .as_primitive::<TimestampNanosecondType>();
    assert_eq!(times.values().to_vec(), [-1, 5, 9, 2, 1, 3]);
    let tag = batches[0].column(1).as_dictionary::<Int32Type>();
    assert!(tag.is_valid(0) && tag.is_null(1));
    let field = batches[0].column(4).as_primitive::<Float64Type>();
    assert_eq!(field.values().to_vec(), [3.0, 4.0, 2.0, 5.0, 6.0, 1.0]);
    let empty = server
        .ask(export("bucket=x&measurement=b&format=arrow&start=100"))
        .await;
    assert_eq!(
        self::batches(&empty.body)
            .iter()
            .map(RecordBatch::num_rows)
            .sum::<usize>(),
        0
    );
    server.stop().await;
}

#[tokio::test]
async fn csv_has_a_header_and_tells_absent_from_empty() {
    let server = Server::start().await;
    let lines = "m,t=a s=\"\",f=-0.0 1\nm,t=b\\,c s=\"say \\\"hi\\\"\n\",n=18446744073709551615u 2\nm b=t 3";
    server.write("bucket=x", lines).await.is_written();
    let answer = server
        .ask(export("bucket=x&measurement=m&format=csv"))
        .await;
    assert_eq!(
        answer.header("content-type"),
        Some("text/csv; charset=utf-8; header=present")
    );
    assert_eq!(
        answer.text(),
        "time,t,b,f,n,s\r\n3,,true,,,\r\n1,a,,-0.0,,\"\"\r\n\
         2,\"b,c\",,,18446744073709551615,\"say \"\"hi\"\"\n\"\r\n"
    );
    let refused = server.ask(export("bucket=x&format=csv")).await;
    let message = "missing measurement value: format=csv writes one measurement";
    refused.is_error(400, "invalid", message);
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_exported_is_told() {
    let server = Server::start().await;
    server.write("bucket=x", LINES).await.is_written();
    let fields = "failed to deserialize bucket/measurement/start/end/format in request: ";
    for (query, status, code, message) in [
        ("", 400, "invalid", "missing bucket value"),
        ("bucket=y", 404, "not found", "bucket \"y\" not found"),
        (
            "bucket=x&measurement=zz",
            404,
            "not found",
            "measurement \"zz\" not found",
        ),
        (
            "bucket=x&format=arrow",
            400,
            "invalid",
            "missing measurement value: format=arrow writes one measurement",
        ),
        (
            "bucket=x&format=json",
            400,
            "invalid",
            &format!("{fields}unknown variant `json`, expected one of `lp`, `arrow`, `csv`"),
        ),
        (
            "bucket=x&start=now",
            400,
            "invalid",
            &format!("{fields}`now` is no time, expected RFC 3339 or nanoseconds since 1970"),
        ),
        (
            "bucket=x&bucket=x",
            400,
            "invalid",
            &format!("{fields}duplicate field `bucket`"),
        ),
    ] {
        server
            .ask(export(query))
            .await
            .is_error(status, code, message);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_point_longer_than_the_limit_comes_as_several_lines_that_write_the_same() {
    let server = Server::with(|config| config.limits.point_bytes_max = 100).await;
    for n in 0..20 {
        server
            .write(
                "bucket=x",
                format!("m,t=1 field_{n:02}=\"{}\" 5", "v".repeat(20)),
            )
            .await
            .is_written();
    }
    let exported = server.export("x").await;
    assert!(
        exported.lines().count() > 1 && exported.lines().all(|line| line.len() <= 100),
        "{exported}"
    );
    server.write("bucket=y", &exported).await.is_written();
    assert_eq!(server.export("y").await, exported);
    server.stop().await;
}

/// The result of `cat a.lp b.lp` if both files begin with a mark.
#[tokio::test]
async fn a_byte_order_mark_makes_no_second_measurement() {
    let server = Server::start().await;
    server
        .write("bucket=x", "\u{feff}m f=1 1\n\u{feff}m f=2 2")
        .await
        .is_written();
    assert_eq!(server.export("x").await, "m f=1.0 1\nm f=2.0 2\n");
    server.stop().await;
}

#[tokio::test]
async fn a_large_export_is_whole() {
    let server = Server::start().await;
    let lines: String = (0..40_000)
        .map(|n| format!("m,t=t{} f={n}i {n}\n", n % 3))
        .collect();
    server.write("bucket=x", &lines).await.is_written();
    let exported = server.export("x").await;
    assert_eq!(exported.lines().count(), 40_000);
    let answer = server
        .ask(export("bucket=x&measurement=m&format=arrow"))
        .await;
    let rows: usize = batches(&answer.body)
        .iter()
        .map(RecordBatch::num_rows)
        .sum();
    assert_eq!(rows, 40_000);
    server.stop().await;
}

#[tokio::test]
async fn so_many_exports_run_at_once_and_a_reader_that_hangs_up_frees_its_place() {
    let server = Server::with(|config| config.export.concurrent_max = 1).await;
    let lines: String = (0..200_000)
        .map(|n| format!("m,t=t{} f={n}i {n}\n", n % 3))
        .collect();
    server.write("bucket=x", &lines).await.is_written();
    let mut slow = server.connect().await;
    slow.send(export("bucket=x").bytes()).await;
    // It has begun, and nobody takes what it says.
    slow.exactly(1000).await;
    let busy = server.ask(export("bucket=x&measurement=m&end=10")).await;
    busy.is_error(
        503,
        "unavailable",
        "1 exports are running already (export.concurrent_max)",
    );
    drop(slow);
    until("its place is free", || async {
        let answer = server.ask(export("bucket=x&end=1")).await;
        let is_free = answer.status == 200;
        assert!(!is_free || answer.text() == "m,t=t0 f=0i 0\n");
        is_free
    })
    .await;
    server.stop().await;
}

#[tokio::test]
async fn head_of_an_export_is_the_head_of_its_answer() {
    let server = Server::start().await;
    server.write("bucket=x", LINES).await.is_written();
    let mut client = server.connect().await;
    let request = Request::new("HEAD", "/api/v1/export?bucket=x").token(crate::server::TOKEN);
    let answer = client.ask(&request).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/plain; charset=utf-8"))
    );
    assert_eq!(client.ask(&Request::get("/ping")).await.status, 204);
    server.stop().await;
}
