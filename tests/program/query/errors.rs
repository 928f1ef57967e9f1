//! What went wrong, as people need it told.

use super::Server;

#[test]
fn the_server_says_what_is_wrong_and_where() {
    let server = Server::start();
    for (statement, told) in [
        ("SELECT nope FROM room", "nope"),
        ("SELECT * FROM nowhere", "nowhere"),
        ("DROP TABLE room", "questions only read"),
        ("SELECT 1; SELECT 2", "a question is one statement"),
        ("SELECT 1 / 0", "zero"),
    ] {
        let run = server.run(&[statement]);
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(1), ""),
            "{statement}"
        );
        assert!(
            run.stderr.starts_with("tidegate: ") && run.stderr.contains(told),
            "{run:?}"
        );
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    }
    let run = server.run(&["SELECT *\nFROM room WERE x"]);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(run.code, Some(1));
    assert_eq!(
        lines[..2],
        ["  FROM room WERE x", "                 ^"],
        "{run:?}"
    );
    let told = lines[2].starts_with("tidegate: the SQL is wrong: ");
    assert!(told && lines.len() == 3, "{run:?}");
}

#[test]
fn bucket_token_and_address_are_told_apart() {
    let server = Server::start();
    let run = server.run(&["SELECT 1", "--token", "wrong"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("--token"), "{run:?}");
    let output = crate::support::tidegate(&["query", "-b", "hoem", "SELECT 1"])
        .env("TIDEGATE_URL", server.program.url())
        .env("TIDEGATE_TOKEN", crate::support::TOKEN)
        .output();
    let output = output.expect("runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("database not found: \"hoem\""), "{stderr}");
    let run = server.run(&["SELECT 1", "--url", "http://127.0.0.1:1"]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("is `tidegate serve` running there?"),
        "{run:?}"
    );
}

#[test]
fn a_format_without_room_and_a_file_that_cannot_be_leave_nothing() {
    let server = Server::start();
    let run = server.run(&["SELECT make_array(1, 2) AS list", "--format", "csv"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    assert!(run.stderr.contains("\"list\""), "{run:?}");
    let path = server.path("none/a.csv");
    let run = server.run(&["SELECT 1", "-o", &path]);
    assert_eq!(run.code, Some(1));
    assert!(
        run.stderr.contains("cannot write") && run.stderr.contains(&path),
        "{run:?}"
    );
    let path = server.path("a.csv");
    let run = server.run(&["SELECT make_array(1, 2) AS list", "-o", &path]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let left = std::fs::read_dir(server.folder.path()).expect("readable");
    assert_eq!(left.count(), 1, "only the data folder");
    let run = server.run(&["SELECT 1", "--rows", "5"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("--rows"), "{run:?}");
}

/// An answer that fails after it has begun.
#[test]
fn an_answer_that_is_broken_off_is_not_taken_for_whole() {
    let server = Server::start();
    // The last row alone cannot be computed.
    let statement = "SELECT 1 / (value - 3000000) FROM generate_series(1, 3000000)";
    let path = server.path("a.csv");
    let run = server.run(&[statement, "-o", &path]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.stderr.contains("its log says why"), "{run:?}");
    assert!(!std::path::Path::new(&path).exists());
}
