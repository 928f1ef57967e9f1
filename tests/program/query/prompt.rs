//! The prompt, and tables on a terminal. A terminal is played by Python; without it these tests are
//! skipped, loudly.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::Server;
use super::interruption::LONG;
use crate::import::server::Run;
use crate::support::TOKEN;

const TERMINAL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/program/query/terminal.py"
);

/// What a terminal shows, without what moves the cursor; none if there is no Python.
fn at_terminal(server: &Server, arguments: &[&str], steps: &[(&str, &str)]) -> Option<Run> {
    if Command::new("python3").arg("--version").output().is_err() {
        let _ = std::io::stderr().write_all(b"SKIPPED, no python3: a prompt\n");
        return None;
    }
    let query = server.command(arguments);
    let mut command = Command::new("python3");
    command.args([TERMINAL, &json!(steps).to_string()]);
    command.arg(query.get_program()).args(query.get_args());
    let variables = query
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command
        .env_clear()
        .envs(variables)
        .env("XDG_STATE_HOME", server.path("state"))
        .env("TERM", "xterm");
    let mut run = Run::of(command.output().expect("runs"));
    run.stdout = run.stdout.replace('\r', "");
    Some(run)
}

fn history(server: &Server) -> String {
    std::fs::read_to_string(server.path("state/tidegate/query_history")).unwrap_or_default()
}

#[test]
fn statements_of_several_lines_are_answered_until_the_end() {
    let server = Server::start();
    let statement = "SELECT floor, temp FROM room WHERE floor = '1'";
    let steps = [
        ("home> ", "SELECT floor, temp -- ;\r"),
        ("   -> ", "FROM room WHERE floor = ';';\r"),
        ("0 rows in ", ""),
        ("home> ", &format!("{statement};\r")),
        ("floor  temp", ""),
        ("1 row in ", ""),
        ("home> ", "SELECT nope FROM room;\r"),
        ("(400 from ", ""),
        ("home> ", "\\d\r"),
        ("1 row in ", ""),
        ("home> ", "\\d room\r"),
        ("7 rows in ", ""),
        ("home> ", "\\d nowhere\r"),
        ("0 rows in ", ""),
        ("home> ", "\\?\r"),
        ("this help", ""),
        // The sixth before this one again, changed at its end.
        (
            "home> ",
            "\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x1b[A\x7f\x7f\x7f2';\r",
        ),
        ("2      30.0", ""),
        ("1 row in ", ""),
        ("home> ", "SELECT 'typed and dropped\x03"),
        ("^C", ""),
        ("home> ", &format!("SELECT '{TOKEN}' AS t;\r")),
        ("1 row in ", ""),
        ("home> ", " SELECT 'unseen' AS t;\r"),
        ("1 row in ", ""),
        ("home> ", "\x04"),
    ];
    let Some(run) = at_terminal(&server, &[], &steps) else {
        return;
    };
    assert_eq!(run.code, Some(0), "{run:?}");
    let kept = history(&server);
    assert!(
        kept.starts_with("SELECT floor, temp -- ;\\nFROM room WHERE floor = ';';\n"),
        "{kept}"
    );
    assert!(
        kept.ends_with("\\\\?\nSELECT floor, temp FROM room WHERE floor = '2';\n"),
        "{kept}"
    );
    let file = server.path("state/tidegate/query_history");
    let mode = std::fs::metadata(&file)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // It is there at the next prompt, and can be switched off.
    let again = [
        ("home> ", "\x1b[A\r"),
        ("1 row in ", ""),
        ("home> ", "\\q\r"),
    ];
    let run = at_terminal(&server, &[], &again).expect("as before");
    assert_eq!(
        (run.code, history(&server)),
        (Some(0), kept.clone()),
        "{run:?}"
    );
    let none = [
        ("home> ", "SELECT 7;\r"),
        ("1 row in ", ""),
        ("home> ", "exit\r"),
    ];
    let run = at_terminal(&server, &["--no-history"], &none).expect("as before");
    assert_eq!((run.code, history(&server)), (Some(0), kept), "{run:?}");
}

#[test]
fn ctrl_c_at_the_prompt_ends_the_question_and_not_the_program() {
    let server = Server::start();
    let steps = [
        ("home> ", &format!("{LONG};\r") as &str),
        // After a second.
        ("waiting for rows", "\x03"),
        ("cancelled", ""),
        ("home> ", &format!("{LONG};\r")),
        ("waiting for rows", "\x03"),
        ("cancelled", ""),
        ("home> ", "SELECT 40 + 2 AS n;\r"),
        ("1 row in ", ""),
        ("home> ", "\\q\r"),
    ];
    if let Some(run) = at_terminal(&server, &["--no-history"], &steps) {
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!Path::new(&server.path("state")).exists());
    }
}

#[test]
fn a_terminal_gets_a_table_of_its_width_that_is_cut_with_a_word() {
    let server = Server::start();
    let wide = "SELECT floor, note, temp, time, 'a b c d e f g h i j k l m n o p q r s t u v w' AS x \
                FROM room ORDER BY time LIMIT 1";
    let Some(run) = at_terminal(&server, &[wide], &[]) else {
        return;
    };
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(
        run.stdout.lines().all(|line| line.chars().count() <= 80),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("\\u{1b}[2J") && !run.stdout.contains("\u{1b}[2J"),
        "{run:?}"
    );
    let many = "SELECT value FROM generate_series(1, 5000)";
    let run = at_terminal(&server, &[many], &[]).expect("as before");
    assert!(
        run.stdout.contains("\n 1000\n") && !run.stdout.contains("\n 1001\n"),
        "{run:?}"
    );
    assert!(
        run.stdout.contains("the first 1000 rows: --rows"),
        "{run:?}"
    );
    let run = at_terminal(&server, &[many, "--format", "parquet"], &[]).expect("as before");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stdout.contains("--output"), "{run:?}");
}
