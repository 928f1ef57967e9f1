//! An answer in every format, read back; where it goes; how a statement is given.

use std::fs::File;
use std::process::Stdio;

use arrow_array::{RecordBatch, UInt64Array};
use arrow_ipc::reader::StreamReader;
use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::Server;
use crate::import::server::Run;
use crate::support::tidegate;

/// All columns, by name.
const ALL: &str = "SELECT floor, n, note, ok, temp, time, u FROM room ORDER BY time";

const CSV: &str = "floor,n,note,ok,temp,time,u\n\
                   1,-1,\"say \"\"hi\"\", \u{1b}[2J\",true,20.5,2023-11-14T22:13:20Z,18446744073709551615\n\
                   2,,,,30.0,2023-11-14T22:13:30.500Z,\n\
                   ,,,,5.0,2023-11-14T22:13:40.000000001Z,\n";

#[test]
fn a_pipe_gets_csv_and_a_table_if_it_asks_for_one() {
    let server = Server::start();
    for arguments in [&[ALL][..], &[ALL, "--format", "csv"], &[ALL, "-o", "-"]] {
        assert_eq!(server.answer(arguments), CSV, "{arguments:?}");
    }
    let table = server.answer(&["--format", "table", ALL]);
    let rows = [
        ["floor", "n", "note", "ok", "temp", "time", "u"],
        [
            "1",
            "-1",
            "say \"hi\", \\u{1b}[2J",
            "true",
            "20.5",
            "2023-11-14T22:13:20Z",
            "18446744073709551615",
        ],
        [
            "2",
            "NULL",
            "NULL",
            "NULL",
            "30.0",
            "2023-11-14T22:13:30.5Z",
            "NULL",
        ],
        [
            "NULL",
            "NULL",
            "NULL",
            "NULL",
            "5.0",
            "2023-11-14T22:13:40.000000001Z",
            "NULL",
        ],
    ];
    let rows = rows.map(|[floor, n, note, ok, temp, time, u]| {
        format!("{floor:5}  {n:>4}  {note:19}  {ok:4}  {temp:>4}  {time:30}  {u:>20}\n")
    });
    assert_eq!(table, rows.concat());
    let cut = server.run(&["--format", "table", "--rows", "2", ALL]);
    assert_eq!((cut.code, cut.stdout.lines().count()), (Some(0), 3));
    assert!(
        cut.stderr.contains("the first 2 rows") && cut.stderr.contains("--rows 0"),
        "{cut:?}"
    );
}

#[test]
fn json_keeps_types_and_leaves_nulls_out() {
    let server = Server::start();
    let rows: Value = serde_json::from_str(&server.answer(&[ALL, "-f", "json"])).expect("JSON");
    let first = json!({
        "floor": "1", "n": -1, "note": "say \"hi\", \u{1b}[2J", "ok": true, "temp": 20.5,
        "time": "2023-11-14T22:13:20Z", "u": u64::MAX
    });
    let last = json!({"temp": 5.0, "time": "2023-11-14T22:13:40.000000001Z"});
    assert_eq!((&rows[0], &rows[2]), (&first, &last));
    let lines = server.answer(&[ALL, "--format", "jsonl"]);
    let lines = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    assert_eq!(
        lines.collect::<Vec<Value>>(),
        *rows.as_array().expect("rows")
    );
}

#[track_caller]
fn is_all(batches: &[RecordBatch]) {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 3);
    let schema = batches[0].schema();
    let time = schema.field_with_name("time").expect("a column");
    assert_eq!(
        time.data_type(),
        &DataType::Timestamp(TimeUnit::Nanosecond, None)
    );
    let u = batches[0].column_by_name("u").expect("a column");
    let u = u.as_any().downcast_ref::<UInt64Array>().expect("unsigned");
    assert_eq!(u.value(0), u64::MAX);
}

#[test]
fn parquet_and_arrow_keep_every_type() {
    let server = Server::start();
    for name in ["a.parquet", "b.dat"] {
        let path = server.path(name);
        let arguments = ["-o", &path, ALL, "--format", "parquet"];
        let arguments = &arguments[..if name == "a.parquet" { 3 } else { 5 }];
        let run = server.run(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
        assert_eq!(run.stderr, format!("{path}: 3 rows\n"));
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).expect("there"));
        let reader = reader.expect("a file").build().expect("readable");
        is_all(&reader.map(|rows| rows.expect("rows")).collect::<Vec<_>>());
    }
    let piped = server
        .command(&[ALL, "--format", "arrow"])
        .output()
        .expect("runs");
    let path = server.path("a.arrow");
    assert_eq!(server.run(&["-o", &path, ALL]).code, Some(0));
    for bytes in [piped.stdout, std::fs::read(&path).expect("there")] {
        let reader = StreamReader::try_new(bytes.as_slice(), None).expect("a stream");
        is_all(&reader.map(|rows| rows.expect("rows")).collect::<Vec<_>>());
    }
}

#[test]
fn a_statement_comes_from_standard_input_too() {
    let server = Server::start();
    for statement in [ALL.to_owned(), format!("-- all\n{ALL};\n")] {
        let run = server.piped(&statement, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), CSV), "{run:?}");
    }
    // Some editors begin a file with a mark of the order of bytes: from a bug.
    let run = server.piped(&format!("\u{feff}{ALL}"), &[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), CSV), "{run:?}");
    for nothing in ["", "\u{feff}", " \n", "-- nothing\n"] {
        let run = server.piped(nothing, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        assert!(run.stderr.contains("there is no statement"), "{run:?}");
    }
    let run = server.piped(&"x".repeat((1 << 20) + 1), &[]);
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("1048576 bytes"), "{run:?}");
}

#[test]
fn an_answer_without_rows_has_its_heads() {
    let server = Server::start();
    let none = "SELECT floor, temp FROM room WHERE temp > 1000";
    for (format, expected) in [
        ("csv", "floor,temp\n"),
        ("table", "floor  temp\n"),
        ("json", "[]\n"),
        ("jsonl", ""),
    ] {
        assert_eq!(
            server.answer(&[none, "--format", format]),
            expected,
            "{format}"
        );
    }
}

/// A sibling of `tidegate check … | head`.
#[test]
fn a_reader_that_has_seen_enough_is_not_complained_about() {
    let server = Server::start();
    for format in ["csv", "table", "arrow"] {
        let many = "SELECT value, 'some text' FROM generate_series(1, 3000000)";
        let mut command = server.command(&["--format", format, many]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("runs");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("ends");
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(1), ""),
            "{format}"
        );
    }
}

#[test]
fn a_long_answer_is_whole() {
    let server = Server::start();
    let many = "SELECT value FROM generate_series(1, 100000)";
    let csv = server.answer(&[many]);
    assert_eq!(csv.lines().count(), 100_001);
    assert_eq!(csv.lines().last(), Some("100000"));
    let table = server.answer(&[many, "--format", "table"]);
    assert_eq!(
        table.lines().filter(|line| line.trim() == "value").count(),
        100
    );
}

/// From a bug: the file that standard output goes to was replaced, and what the shell had written
/// there was lost.
#[test]
fn what_a_process_has_open_is_written_to_where_it_is() {
    let server = Server::start();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/dev/stderr"] {
        let path = server.path("shared.csv");
        let query = server.command(&["SELECT 1 AS n", "-o", name]);
        let script = "(echo a; \"$@\"; echo b) > \"$0\" 2>&1";
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", script, &path]).arg(query.get_program());
        shell.args(query.get_args());
        for (name, value) in query.get_envs() {
            shell.env(name, value.expect("set"));
        }
        assert!(shell.status().expect("runs").success());
        let text = std::fs::read_to_string(&path).expect("there");
        assert_eq!(text, format!("a\nn\n1\n{name}: 1 row\nb\n"), "{name}");
    }
}

/// From a bug: these held plain CSV.
#[test]
fn a_name_that_promises_another_format_is_refused() {
    let server = Server::start();
    for (arguments, told) in [
        (&["x.json.gz"][..], "without .gz"),
        (&["x.csv.zst", "--format", "csv"], "without .zst"),
        (&["x.xlsx"], "--format"),
        (&["x.parquet", "--format", "csv"], "--format csv"),
        (&["x.csv", "--format", "table"], "--format table"),
    ] {
        let path = server.path(arguments[0]);
        let run = server.run(&[&["SELECT 1", "-o", &path], &arguments[1..]].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        assert!(
            run.stderr.contains(told) && run.stderr.contains(&path),
            "{run:?}"
        );
        assert!(!std::path::Path::new(&path).exists());
    }
    let export = ["export", "--bucket", "home", "-o", "home.lp.gz"];
    let run = Run::of(tidegate(&export).output().expect("runs"));
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("without .gz"), "{run:?}");
}
