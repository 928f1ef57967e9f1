//! `--language influxql`: tables per series, rows in the other formats, failures, and a prompt that
//! changes its language.

use super::Server;
use super::prompt::at_terminal;

const TABLES: &str = "\
name: room
tags: floor=
time                           max
----                           ---
2023-11-14T22:13:40.000000001Z 5

name: room
tags: floor=1
time                 max
----                 ---
2023-11-14T22:13:20Z 20.5

name: room
tags: floor=2
time                   max
----                   ---
2023-11-14T22:13:30.5Z 30

name: databases
name
----
home
";

#[test]
fn series_are_shown_one_by_one_and_rows_in_other_formats() {
    let server = Server::start();
    let both = "SELECT max(temp) FROM room GROUP BY floor; SHOW DATABASES";
    let text = server.answer(&["-l", "influxql", "--format", "table", both]);
    assert_eq!(text, TABLES);
    let bound = [
        "-l",
        "influxql",
        "--param",
        "floor=1",
        "SELECT temp FROM room WHERE floor = $floor",
    ];
    // A number is no tag; a text is.
    assert!(!server.answer(&bound).contains("20.5"));
    let text = server.answer(&["-l", "influxql", "SELECT temp FROM room WHERE floor = '1'"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert_eq!(lines[0], "iox::measurement,time,temp");
    assert_eq!(lines[1], "room,2023-11-14T22:13:20Z,20.5");
}

#[test]
fn a_failure_ends_the_answer_where_it_happens_and_is_marked_in_its_statement() {
    let server = Server::start();
    let table = ["-l", "influxql", "--format", "table"];
    let run = server.run(&[&table[..], &["SELECT FROM room"]].concat());
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    let told = &run.stderr;
    assert!(told.contains("found FROM, expected identifier"), "{told}");
    assert!(told.contains("  SELECT FROM room\n         ^"), "{told}");
    let three = "SHOW DATABASES; SELECT f FROM nowhere..m; SHOW DATABASES";
    let run = server.run(&[&table[..], &[three]].concat());
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stdout.matches("databases").count(), 1, "{}", run.stdout);
    assert!(
        run.stderr.contains("database not found: nowhere"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_prompt_changes_its_language() {
    let server = Server::start();
    let steps = [
        ("home> ", "\\influxql\r"),
        ("statements are in InfluxQL now", ""),
        ("home> ", "SELECT temp FROM room\r"),
        ("   -> ", "WHERE floor =~ /[12;]/;\r"),
        ("2023-11-14T22:13:30.5Z 30", ""),
        ("2 rows in ", ""),
        ("home> ", "\\d\r"),
        ("name: measurements", ""),
        ("home> ", "\\d room\r"),
        ("fieldType", ""),
        ("home> ", "\\sql\r"),
        ("statements are in SQL now", ""),
        ("home> ", "SELECT 7;\r"),
        ("1 row in ", ""),
        ("home> ", "\\q\r"),
    ];
    let Some(run) = at_terminal(&server, &[], &steps) else {
        return;
    };
    assert_eq!(run.code, Some(0), "{run:?}");
}
