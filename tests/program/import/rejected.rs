//! Every rejected line is named, and only those.

use super::server::{Run, Server};
use super::{line, lines_or};

/// The kind of line `number`, 0-based: 1 % bad, and a stretch in which every line is.
fn is_bad(number: usize) -> bool {
    number % 100 == 7 || (30_000..30_450).contains(&number)
}

#[test]
fn every_rejected_line_is_named_by_file_line_and_column() {
    let server = Server::start();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let name = file.path().to_str().expect("plain");
    let mut text = String::from("# a comment, and a blank line\n\nm f=0.5,s=\"two\nlines\" 1\n");
    let mut expected = Vec::new();
    let mut good = vec!["m f=0.5,s=\"two".to_owned(), "lines\" 1".to_owned()];
    let lines = lines_or(60_000);
    for number in 0..lines {
        let at = number + 5;
        if !is_bad(number) {
            text.push_str(&line(number));
            good.push(line(number).trim_end().to_owned());
        } else if number % 2 == 0 {
            text.push_str("m f= 1\n");
            expected.push(format!("{name}:{at}:5 "));
        } else {
            text.push_str("m f=\"text\" 1\n");
            expected.push(format!(
                "{name}:{at}:3 field \"f\" of \"m\" is float, got string"
            ));
        }
    }
    std::fs::write(file.path(), &text).expect("writable");
    let arguments = ["import", name, "--bucket", "b", "--batch-bytes", "300kB"];
    let Run {
        code,
        stdout,
        stderr,
    } = server.run(&arguments);
    assert_eq!(code, Some(1), "{stderr}");
    let mut told: Vec<&str> = stdout.lines().collect();
    let accepted = lines - expected.len() + 1;
    let summary = format!("accepted {accepted}, rejected {}", expected.len());
    assert_eq!(told.pop(), Some(summary.as_str()));
    assert_eq!(told.len(), expected.len());
    for (told, expected) in told.iter().zip(&expected) {
        assert!(
            told.starts_with(expected.as_str()),
            "{told} instead of {expected}"
        );
    }
    let ends = format!(
        "tidegate: {} lines were rejected, standard output names them\n",
        expected.len()
    );
    assert!(stderr.ends_with(&ends), "{stderr}");
    let took = stderr.lines().rev().nth(1).unwrap_or_default();
    eprintln!("{lines} lines, {summary}: {took}");
    good.sort_unstable();
    assert!(
        super::sorted(&server.export("b")) == good,
        "the good lines are there"
    );
}

/// From a bug: each hundred lines that were named, the whole rest of their batch was sent again.
#[test]
fn a_file_of_nothing_but_bad_lines_is_not_sent_again_and_again() {
    let server = Server::start();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let name = file.path().to_str().expect("plain");
    let text: String = (0..20_000)
        .map(|at| format!("time,{at},room,21.5\n"))
        .collect();
    std::fs::write(file.path(), &text).expect("writable");
    let run = server.run(&["import", name, "--bucket", "b"]);
    assert_eq!(run.stdout.lines().count(), 20_001);
    let last = run.stderr.lines().last().expect("an error");
    let expected = "tidegate: all 20000 lines were rejected, standard output says why; is it line \
                    protocol, and is --precision right?";
    assert_eq!(last, expected);
    let received = server.received_bytes();
    assert!(received < text.len() * 5, "{received} of {}", text.len());
}

#[test]
fn a_dropped_field_is_a_warning_and_its_line_counts_as_accepted() {
    let server = Server::start();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let name = file.path().to_str().expect("plain");
    let text: String = (0..250).map(|at| format!("m f=1,time=2 {at}\n")).collect();
    std::fs::write(file.path(), text).expect("writable");
    let run = server.run(&["import", name, "--bucket", "b"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let told: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(told.len(), 251);
    for (at, told) in told[..250].iter().enumerate() {
        let start = format!("{name}:{}:7 warning: field \"time\" is reserved", at + 1);
        assert!(told.starts_with(&start), "{told}");
    }
    assert_eq!(told[250], "accepted 250 (250 with a warning), rejected 0");
}
