//! An import that creates its bucket says so: a name that is misspelt makes one.

use super::server::Server;
use crate::support::TOKEN;

const SAID: &str = "was not there: this import has created it";

fn said(server: &Server, token: &str, bucket: &str, text: &str) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), text).expect("writable");
    let name = file.path().to_str().expect("plain");
    let arguments = ["import", name, "--bucket", bucket, "--batch-bytes", "1KiB"];
    let output = server
        .command(&arguments)
        .env("TIDEGATE_TOKEN", token)
        .output()
        .expect("runs");
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn an_import_that_creates_its_bucket_says_so_once() {
    let server = Server::start();
    let run = server.run(&["token", "create", "--write", "new"]);
    let writer = run.stdout.trim();
    let many: String = (0..1000).map(|at| format!("m f={at} {at}\n")).collect();
    let first = said(&server, writer, "new", &many);
    assert_eq!(first.matches(SAID).count(), 1, "{first}");
    assert!(first.contains("bucket \"new\""), "{first}");
    for token in [writer, TOKEN] {
        let again = said(&server, token, "new", &many);
        assert!(!again.contains(SAID), "{again}");
    }
    let list = server.run(&["bucket", "list"]).stdout;
    let row = list.lines().find(|line| line.starts_with("new "));
    let id = row
        .and_then(|row| row.split(' ').next_back())
        .expect("an id");
    let by_id = said(&server, TOKEN, id, &many);
    assert!(!by_id.contains(SAID), "{by_id}");
    // Nothing but bad lines creates nothing.
    let bad = said(&server, TOKEN, "bad", "no line protocol\n");
    assert!(!bad.contains(SAID), "{bad}");
    assert!(!server.run(&["bucket", "list"]).stdout.contains("bad"));
}
