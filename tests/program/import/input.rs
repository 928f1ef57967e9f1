//! Files and standard input, plain and compressed.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::line;
use super::server::{Fed, Server};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("writable");
    path.to_str().expect("plain").to_owned()
}

#[test]
fn plain_gzip_and_zstd_files_and_standard_input_come_in_together() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let part = |part: usize| {
        (part * 1000..(part + 1) * 1000)
            .map(line)
            .collect::<String>()
    };
    // The name says nothing: the first bytes do.
    let plain = write(folder.path(), "plain.gz", part(0).as_bytes());
    let members = [gzip(&part(1)), gzip(&part(2))].concat();
    let gzipped = write(folder.path(), "gzipped.lp", &members);
    let zstd = zstd::encode_all(part(3).as_bytes(), 1).expect("memory");
    let zstd = write(folder.path(), "zstd", &zstd);
    let empty = write(folder.path(), "empty", b"");
    let arguments = [
        "import", &plain, &gzipped, "-", &zstd, &empty, "--bucket", "b",
    ];
    let mut import = Fed::new(server.command(&[&arguments[..], &["--compress"]].concat()));
    import.feed(part(4).trim_end());
    let run = import.end();
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.stdout, "accepted 5000, rejected 0\n");
    let expected: String = (0..5000).map(line).collect();
    assert!(super::sorted(&server.export("b")) == super::sorted(&expected));
}

#[test]
fn a_file_that_is_cut_is_an_error_and_its_last_line_is_not_guessed() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let text: String = (0..5000).map(line).collect();
    let whole = gzip(&text);
    let cut = write(folder.path(), "cut.gz", &whole[..whole.len() - 20]);
    let run = server.run(&["import", &cut, "--bucket", "b", "--batch-bytes", "10kB"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let error = run.stderr.lines().last().expect("an error");
    assert!(
        error.starts_with(&format!("tidegate: cannot read {cut} after line ")),
        "{error}"
    );
    assert!(
        run.stderr.contains("done up to and including line"),
        "{run:?}"
    );
    let exported = server.export("b");
    assert!(exported.lines().all(|line| text.contains(line)));
    assert!(exported.lines().count() >= 100);
}

#[test]
fn a_file_that_does_not_exist_is_told_before_anything_is_sent() {
    let server = Server::start();
    let folder = tempfile::tempdir().expect("a folder");
    let good = write(folder.path(), "good", b"m f=1 1\n");
    let run = server.run(&["import", &good, "/no/such/file", "--bucket", "b"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr
            .starts_with("tidegate: cannot open /no/such/file: "),
        "{run:?}"
    );
    let twice = server.run(&["import", "-", "-", "--bucket", "b"]);
    assert_eq!(twice.code, Some(2), "{twice:?}");
    let export = server.run(&["export", "--bucket", "b"]);
    assert!(
        export.stderr.contains("bucket \"b\" not found"),
        "{export:?}"
    );
}
