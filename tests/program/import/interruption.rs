//! Ctrl-C.

use std::time::Instant;

use rustix::process::Signal;

use super::line;
use super::server::{Fed, PATIENCE, Server};

#[test]
fn ctrl_c_tells_up_to_which_line_everything_is_written() {
    let server = Server::start();
    let arguments = ["import", "-", "--bucket", "b", "--batch-bytes", "20kB"];
    let mut import = Fed::new(server.command(&arguments));
    import.feed(&(0..20_000).map(line).collect::<String>());
    let until = Instant::now() + PATIENCE;
    while server
        .run(&["export", "--bucket", "b"])
        .stdout
        .lines()
        .count()
        < 5_000
    {
        assert!(Instant::now() < until, "nothing arrives");
    }
    // The input stays open: nothing but the signal ends it.
    import.signal(Signal::INT);
    let run = import.end_by_itself();
    assert_eq!(run.code, Some(1), "{run:?}");
    let last = run.stderr.lines().last();
    assert_eq!(
        last,
        Some("tidegate: interrupted before everything was written")
    );
    let stand = run
        .stderr
        .split("stdin: done up to and including line ")
        .nth(1);
    let (line_number, hint) = stand.expect("told").split_once(';').expect("a hint");
    let up_to: usize = line_number.parse().expect("a number");
    assert!(up_to >= 1_000, "{up_to}");
    assert!(hint.contains(&format!("tail -n +{}", up_to + 1)), "{hint}");
    let exported = server.export("b");
    let there: std::collections::BTreeSet<&str> = exported.lines().collect();
    for number in 0..up_to {
        assert!(
            there.contains(line(number).trim_end()),
            "line {number} is missing"
        );
    }
}

#[test]
fn an_interruption_ends_the_wait_for_a_server_that_is_away() {
    let url = "http://127.0.0.1:1";
    // From a file, whose end sends it: one line of an input that stays open would be waited with,
    // and then it is the input that is waited for, not the server.
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "m f=1 1\n").expect("written");
    let path = file.path().to_str().expect("plain");
    let arguments = ["import", path, "--bucket", "b"];
    let mut import = Fed::new(super::server::tidegate(url, &arguments));
    import.says("trying again, for up to 10m: ");
    assert!(!import.has_ended());
    import.signal(Signal::TERM);
    // It would wait for ten minutes, longer than the patience of this.
    let run = import.end_by_itself();
    assert_eq!(run.code, Some(1), "{run:?}");
}
