//! `tidegate export`.

use super::scripted::scripted;
use super::server::{Run, Server, tidegate};

#[test]
fn an_export_that_is_cut_fails_and_leaves_no_file() {
    let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nm f=1 1\n\r\n";
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("home.lp");
    let (url, _server) = scripted(Box::leak(Box::new([cut, cut])));
    let name = file.to_str().expect("plain");
    let to_file = tidegate(&url, &["export", "--bucket", "b", "-o", name]).output();
    let to_file = Run::of(to_file.expect("runs"));
    assert_eq!(to_file.code, Some(1), "{to_file:?}");
    assert!(to_file.stderr.contains("cut the connection"), "{to_file:?}");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("readable").count(),
        0
    );
    let to_stdout = tidegate(&url, &["export", "--bucket", "b"]).output();
    let to_stdout = Run::of(to_stdout.expect("runs"));
    assert_eq!(
        (to_stdout.code, to_stdout.stdout.as_str()),
        (Some(1), "m f=1 1\n")
    );
}

#[test]
fn what_is_exported_can_be_narrowed_and_imported_again() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("home.lp");
    let name = file.to_str().expect("plain");
    std::fs::write(&file, "a f=1 1\nb,t=x\\ y s=\"p\nq\" 2\nb f=3\n").expect("writable");
    let run = server.run(&["import", name, "--bucket", "b/1"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let all = server.export("b/1");
    for (flags, part) in [
        (&["--end", "2"][..], "a f=1.0 1\n"),
        (
            &["-m", "b", "--end", "1970-01-01T00:00:01Z"],
            "b,t=x\\ y s=\"p\nq\" 2\n",
        ),
        (&["--start", "-0"], all.as_str()),
        (&["--end", "-1h"], "a f=1.0 1\nb,t=x\\ y s=\"p\nq\" 2\n"),
    ] {
        let run = server.run(&[&["export", "-b", "b/1"], flags].concat());
        assert_eq!(
            (run.code, run.stdout.as_str()),
            (Some(0), part),
            "{flags:?}"
        );
    }
    let recent = server.run(&["export", "-b", "b/1", "--start", "-1h"]);
    assert!(recent.stdout.starts_with("b f=3.0 ") && recent.stdout.lines().count() == 1);
    let run = server.run(&["export", "-b", "b/1", "-o", name]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    let again = server.run(&["import", name, "--bucket", "b2"]);
    assert_eq!(again.stdout, "accepted 3, rejected 0\n");
    assert_eq!(server.export("b2"), all);
}

#[test]
fn arrow_goes_to_a_file() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.lp");
    let arrow = folder.path().join("a.arrow");
    std::fs::write(&file, "a f=1 1\n").expect("writable");
    let (file, arrow) = (
        file.to_str().expect("plain"),
        arrow.to_str().expect("plain"),
    );
    assert_eq!(server.run(&["import", file, "-b", "b"]).code, Some(0));
    let arguments = [
        "export", "-b", "b", "-m", "a", "--format", "arrow", "-o", arrow,
    ];
    let run = server.run(&arguments);
    assert_eq!(run.code, Some(0), "{run:?}");
    let bytes = std::fs::read(arrow).expect("there");
    assert!(
        bytes.starts_with(&[0xff, 0xff, 0xff, 0xff]),
        "an IPC stream"
    );
}
