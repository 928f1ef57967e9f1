//! Answers about tokens and buckets hold after a `kill -9` directly after the answer.

use crate::http::{Answer, Client};
use crate::server::{Server, Setup};

const OPERATOR: &str = "0123456789abcdef0123456789abcdef";
const ROUNDS: u64 = 5;

fn ask(client: &mut Client, method: &str, path: &str, token: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut bytes = Vec::new();
    let sink = &mut |piece: &[u8]| bytes.extend_from_slice(piece);
    let mut answer = client.ask(request.as_bytes(), sink).expect("an answer");
    answer.body = bytes;
    answer
}

fn start(setup: &mut Setup) -> (Server, Client) {
    let mut server = setup.start();
    server.until_ready();
    let client = server.client();
    (server, client)
}

/// A member of a JSON object that holds a text.
fn member(answer: &Answer, name: &str) -> String {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    json[name].as_str().expect("a text").to_owned()
}

#[test]
fn a_revoked_token_and_a_deleted_bucket_stay_so_after_a_kill_behind_the_answer() {
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(home.path(), &[]);
    setup.authenticate(OPERATOR);
    let (mut server, mut client) = start(&mut setup);
    for round in 0..ROUNDS {
        let wanted = r#"{"write":["*"],"read":["*"]}"#;
        let made = ask(&mut client, "POST", "/api/v1/tokens", OPERATOR, wanted);
        assert_eq!(made.status, 201, "{}", made.text());
        server.kill();
        (server, client) = start(&mut setup);
        let (id, token) = (member(&made, "id"), member(&made, "token"));
        let write = |client: &mut Client| {
            let path = "/api/v2/write?bucket=b";
            ask(client, "POST", path, &token, &format!("m f={round} 1"))
        };
        assert_eq!(write(&mut client).status, 204, "created for good");
        let path = format!("/api/v1/tokens/{id}");
        let revoked = ask(&mut client, "DELETE", &path, OPERATOR, "");
        assert_eq!(revoked.status, 204);
        server.kill();
        (server, client) = start(&mut setup);
        assert_eq!(write(&mut client).status, 401, "revoked for good");
        let deleted = ask(&mut client, "DELETE", "/api/v1/buckets/b", OPERATOR, "");
        assert_eq!(deleted.status, 204);
        server.kill();
        (server, client) = start(&mut setup);
        let gone = ask(&mut client, "GET", "/api/v1/export?bucket=b", OPERATOR, "");
        assert_eq!(gone.status, 404, "deleted for good");
    }
    server.stop();
}
