//! `--param`.

use super::Server;

#[test]
fn a_value_has_its_type_and_a_time_is_compared_as_one() {
    let server = Server::start();
    for (text, parameters, expected) in [
        (
            "temp FROM room WHERE floor = $floor",
            &["floor=2"][..],
            "temp\n30.0\n",
        ),
        (
            "temp FROM room WHERE floor = $floor",
            &["floor=\"2\""],
            "temp\n30.0\n",
        ),
        (
            "temp FROM room WHERE temp < $below AND ok = $ok",
            &["below=21", "ok=true"],
            "temp\n20.5\n",
        ),
        (
            "n FROM room WHERE u = $u",
            &["u=18446744073709551615"],
            "n\n-1\n",
        ),
        (
            "temp FROM room WHERE time > $t",
            &["t=2023-11-14T22:13:30.5Z"],
            "temp\n5.0\n",
        ),
        (
            "count(*) AS c FROM room WHERE time >= $t",
            &["t=2023-11-15"],
            "c\n0\n",
        ),
        (
            "count(*) AS c FROM room WHERE time < $t",
            &["t=now-1h"],
            "c\n3\n",
        ),
        ("$x AS x", &["x=it's; \"so\""], "x\n\"it's; \"\"so\"\"\"\n"),
        ("$1 AS x", &["1=5"], "x\n5\n"),
        ("$x AS x", &["x=null", "unused=1"], "x\n\"\"\n"),
    ] {
        let statement = format!("SELECT {text}");
        let mut arguments = vec![statement.as_str()];
        for parameter in parameters {
            arguments.extend(["--param", parameter]);
        }
        assert_eq!(server.answer(&arguments), expected, "{arguments:?}");
    }
}

#[test]
fn a_value_that_is_missing_or_given_twice_is_named() {
    let server = Server::start();
    let run = server.run(&["SELECT $x"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("--param x=VALUE"), "{run:?}");
    let text = "SELECT * FROM room WHERE time > $t";
    let run = server.run(&[text, "--param", "t=yesterday"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("2026-01-31T12:00:00Z"), "{run:?}");
    for (parameters, told) in [
        (&["-p", "x=1", "-p", "x=2"][..], "--param x is given twice"),
        (&["--param", "x"], "expected NAME=VALUE"),
        (&["--param", "=5"], "expected a name"),
        (&["-p", "x=99999999999999999999"], "--param <NAME=VALUE>"),
        (&["-p", "x=now+1d"], "now-30m"),
    ] {
        let run = server.run(&[&["SELECT $x"], parameters].concat());
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
        assert!(run.stderr.contains(told), "{run:?}");
    }
}

/// From a bug: the server was asked, and its answer named no flag.
#[test]
fn an_empty_bucket_is_refused_with_its_flag() {
    for command in ["query", "export", "import"] {
        let mut command = crate::support::tidegate(&[command, "--bucket", ""]);
        let output = command.output().expect("runs");
        let stderr = String::from_utf8(output.stderr).expect("text");
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("--bucket <BUCKET>"), "{stderr}");
    }
}
