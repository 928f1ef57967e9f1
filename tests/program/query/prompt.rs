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
pub(super) fn at_terminal(
    server: &Server,
    arguments: &[&str],
    steps: &[(&str, &str)],
) -> Option<Run> {
    played(server, &server.command(arguments), steps)
}

fn played(server: &Server, query: &Command, steps: &[(&str, &str)]) -> Option<Run> {
    if Command::new("python3").arg("--version").output().is_err() {
        let _ = std::io::stderr().write_all(b"SKIPPED, no python3: a prompt\n");
        return None;
    }
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
        ("there is no table \"nowhere\"", ""),
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
        run.stdout.contains("\nthe first 1000 rows in ") && run.stdout.contains(" s: --rows 10000"),
        "{run:?}"
    );
    let run = at_terminal(&server, &[many, "--format", "parquet"], &[]).expect("as before");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stdout.contains("--output"), "{run:?}");
}

/// From a bug: what is not there was shown as an empty table, so were tables of the system, and in a
/// statement of several lines the word was sent to the server.
#[test]
fn a_table_is_described_or_what_there_is_instead_is_told() {
    let server = Server::start();
    let (status, body) =
        server
            .program
            .ask_as(TOKEN, "POST", "/api/v2/write?bucket=home", "a.b x=1");
    assert_eq!(status, 204, "{body}");
    let steps = [
        ("home> ", "\\d Room\r"),
        ("there is no table \"Room\": did you mean \"room\"?", ""),
        ("home> ", "\\d system.queries\r"),
        ("planning_seconds", ""),
        ("home> ", "\\d a.b\r"),
        ("2 rows in ", ""),
        ("home> ", "\\d room.nowhere\r"),
        ("there is no table \"room.nowhere\"", ""),
        ("home> ", "SELECT 40 + 2\r"),
        ("   -> ", "\\d room\r"),
        ("7 rows in ", ""),
        ("   -> ", "AS answer;\r"),
        ("answer", ""),
        ("1 row in ", ""),
        ("home> ", "SELECT 'a\r"),
        ("   -> ", "\\d' AS text;\r"),
        ("1 row in ", ""),
        // A tab in a literal stays one: from a bug.
        (
            "home> ",
            "SELECT length('\t\t') AS n, ascii('\t') AS code;\r",
        ),
        ("2     9", ""),
        ("1 row in ", ""),
        ("home> ", "\\q\r"),
    ];
    if let Some(run) = at_terminal(&server, &["--no-history"], &steps) {
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}

/// From a bug: nothing was told before the first statement was typed.
#[test]
fn a_prompt_without_a_bucket_a_token_or_a_server_does_not_begin() {
    let server = Server::start();
    for (arguments, told) in [
        (&["-b", "hoem"][..], "database not found: \"hoem\""),
        (&["--token", "wrong"], "--token"),
        (
            &["--url", "http://127.0.0.1:1"],
            "is `tidegate serve` running there?",
        ),
    ] {
        let mut query = server.command(&[]);
        if arguments[0] == "-b" {
            query = crate::support::tidegate(&["query"]);
            query
                .env("TIDEGATE_URL", server.program.url())
                .env("TIDEGATE_TOKEN", TOKEN);
        }
        query.args(arguments);
        let Some(run) = played(&server, &query, &[]) else {
            return;
        };
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(
            run.stdout.contains(told) && !run.stdout.contains("> "),
            "{run:?}"
        );
    }
}

/// From a bug: the shell after it did not show what was typed.
#[test]
fn a_signal_that_ends_a_prompt_leaves_the_terminal_as_it_was() {
    let server = Server::start();
    for (signal, code) in [("\0SIGTERM", 143), ("\0SIGHUP", 129), ("\0SIGQUIT", 131)] {
        let Some(run) = at_terminal(&server, &["--no-history"], &[("home> ", signal)]) else {
            return;
        };
        assert_eq!(run.code, Some(code), "{run:?}");
        // So does a paste, which the editor had marked.
        assert!(run.stdout.ends_with("\u{1b}[?2004l[canonical]"), "{run:?}");
    }
}

/// From a bug: the whole line was drawn for every character of it.
#[test]
fn what_is_pasted_is_drawn_once() {
    let server = Server::start();
    let pasted = format!("SELECT '{}' AS x;\r", "x".repeat(1000));
    let steps = [
        ("home> ", pasted.as_str()),
        ("1 row in ", ""),
        ("home> ", "\\q\r"),
    ];
    if let Some(run) = at_terminal(&server, &["--no-history"], &steps) {
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stdout.matches("home> ").count() < 100, "{run:?}");
    }
}

/// What is pasted comes at once, and what is typed while a question is answered comes before its prompt.
#[test]
fn several_lines_at_once_are_entered_one_after_the_other() {
    let server = Server::start();
    let pasted = "\x1b[200~SELECT 40 + 2\r\nAS pasted;\r\n\\d room\r\nSELECT 'open\x1b[201~\r";
    let steps = [
        ("home> ", pasted),
        ("pasted", ""),
        ("1 row in ", ""),
        ("7 rows in ", ""),
        ("   -> ", "' AS t;\r"),
        ("1 row in ", ""),
        (
            "home> ",
            "SELECT 1 AS ahead;\rSELECT length('温度\x1b[D\x7f\x05ä') AS wide;\r\\q\r",
        ),
        ("ahead", ""),
        ("1 row in ", ""),
        ("   2\r\n", ""),
        ("1 row in ", ""),
    ];
    let Some(run) = at_terminal(&server, &[], &steps) else {
        return;
    };
    assert_eq!(run.code, Some(0), "{run:?}");
    let kept = history(&server);
    assert!(
        kept.starts_with("SELECT 40 + 2\\nAS pasted;\n\\\\d room\nSELECT 'open\\n' AS t;\n"),
        "{kept}"
    );
}

/// From a bug: the time was glued to a hint, hints named flags, and JSON had no end of its line.
#[test]
fn what_is_told_below_an_answer_is_a_line_of_its_own() {
    let server = Server::start();
    let many = "SELECT value FROM generate_series(1, 5000);\r";
    let steps = [
        ("home> ", many),
        ("the first 1000 rows in ", ""),
        (" s: LIMIT and OFFSET", ""),
        ("home> ", "\\q\r"),
    ];
    let Some(run) = at_terminal(&server, &["--no-history"], &steps) else {
        return;
    };
    assert!(
        run.code == Some(0) && !run.stdout.contains("--rows"),
        "{run:?}"
    );
    let run = at_terminal(&server, &["SELECT 1 AS a", "-f", "json"], &[]).expect("as before");
    assert!(run.stdout.contains("[{\"a\":1}]\n1 row in "), "{run:?}");
}
