//! A server that goes away in the middle, and comes back.

use std::time::Duration;

use super::server::{Fed, Server};
use super::{line, lines_or};

#[test]
fn nothing_is_lost_or_made_up_when_the_server_is_killed_in_the_middle() {
    let lines = lines_or(200_000);
    let mut server = Server::start();
    // A small batch leaves many of them to be cut off.
    let arguments = ["import", "-", "--bucket", "b", "--batch-bytes", "100kB"];
    let mut import = Fed::new(server.command(&arguments));
    let mut expected = String::new();
    for part in 0..4 {
        let numbers = part * lines / 4..(part + 1) * lines / 4;
        let text: String = numbers.map(line).collect();
        // At most a few batches have been read and not yet acknowledged.
        import.feed(&text);
        expected.push_str(&text);
        assert!(!import.has_ended());
        if part < 3 {
            server.kill_and_restart(Duration::from_millis(300));
        }
    }
    let run = import.end();
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(run.stdout, format!("accepted {lines}, rejected 0\n"));
    assert!(
        run.stderr.contains("trying again, for up to 10m: "),
        "{}",
        run.stderr
    );
    let exported = server.export("b");
    assert!(
        super::sorted(&exported) == super::sorted(&expected),
        "the export differs"
    );
    let took = run.stderr.lines().last().unwrap_or_default();
    eprintln!(
        "{lines} lines through three kills, {}: {took}",
        run.stdout.trim_end()
    );
}

#[test]
fn an_import_gives_up_when_the_server_stays_away() {
    let mut import = Fed::new(super::server::tidegate(
        "http://127.0.0.1:1",
        &["import", "-", "--bucket", "b", "--retry-for", "500ms"],
    ));
    import.feed("m f=1 1\n");
    let run = import.end();
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("stdin: nothing is known to be written"),
        "{run:?}"
    );
    let last = run.stderr.lines().last().expect("an error");
    assert!(last.starts_with("tidegate: gave up after "), "{last}");
    assert!(
        last.ends_with("is `tidegate serve` running there?"),
        "{last}"
    );
}
