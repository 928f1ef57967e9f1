//! What the log tells an operator, of the real program.

use crate::client::Request;
use crate::program::Program;
use crate::server::{Folder, TOKEN, token};

/// Few agents show what they are told: the server's log is where the one that sends bad lines is
/// found.
#[tokio::test]
async fn an_agent_that_sends_bad_lines_can_be_found() {
    let mut agent = String::new();
    let folder = Folder::prepared(|catalog| agent = token(catalog, &[], &["*"], None));
    let program = Program::start(&folder, &[]).await;
    for (bucket, token) in [
        ("a", &agent),
        ("a", &agent),
        ("b", &agent),
        ("a", &TOKEN.to_owned()),
    ] {
        let write = Request::post(format!("/api/v2/write?bucket={bucket}"));
        let answer = program
            .ask(write.token(token).body("m f=1 1\nm f=\x1b 2\n"))
            .await;
        assert_eq!(answer.status, 400);
    }
    let log = program.stop();
    let told: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("lines were rejected"))
        .collect();
    assert_eq!(told.len(), 3, "one per token and bucket: {log}");
    for (line, bucket, token) in [(told[0], "a", 2), (told[1], "b", 2), (told[2], "a", 1)] {
        for part in [
            " WARN ",
            &format!("bucket=\"{bucket}\" token={token} line=2"),
            "peer=127.0.0.1",
            "is not a field value",
            "rejected=1 accepted=1",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(
            !line.contains('\x1b'),
            "nothing of a body acts on a terminal: {line:?}"
        );
    }
}
