//! Contract section 2: whatever form a credential has, and however much is logged, it is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::Request;
use crate::http::http2::Connection;
use crate::program::Program;
use crate::server::{Folder, TOKEN};

#[tokio::test]
async fn no_credential_is_logged_at_any_level_by_anyone() {
    let folder = Folder::prepared(|_| ());
    // A plain level is for our own lines: the libraries that see headers have to be named.
    let level =
        "trace,axum=trace,h2=trace,hyper=trace,hyper_util=trace,tower=trace,tokio_util=trace";
    let arguments = ["--log-format", "json", "--log-level", level];
    let program = Program::start(&folder, &arguments).await;
    let wrong = "not-a-token-but-somebody-s-password";
    let basic = STANDARD.encode(format!("me:{TOKEN}"));
    let mut requests = Vec::new();
    for secret in [TOKEN, wrong] {
        for target in [
            format!("/write?db=b&u=me&p={secret}"),
            format!("/query?q=SHOW+DATABASES&p={secret}"),
            format!("/write?p={secret}"),
            format!("/write?db=b&precision=x&p={secret}"),
            format!("/nowhere?p={secret}"),
            format!("/api/v2/write?bucket=b&p={secret}"),
        ] {
            requests.push(Request::post(target).body("m f=1 1"));
        }
        let write = || Request::post("/api/v2/write?bucket=b").body("m f=1 1");
        requests.push(write().token(secret));
        requests.push(write().header("Authorization", &format!("Digest {secret}")));
    }
    requests.push(Request::post("/write?db=b").header("Authorization", &format!("Basic {basic}")));
    let mut second = Connection::to(program.address).await;
    for request in &requests {
        program.ask(request.clone()).await;
        second.ask(request).await;
    }
    // The same for requests that are refused before they are read.
    let malformed = Request::post(format!("/write?db=b&p={TOKEN}")).header("Bad Name", TOKEN);
    assert_eq!(program.ask(malformed).await.status, 400);
    let create = Request::post("/api/v1/tokens").token(TOKEN);
    let made = program
        .ask(create.body(r#"{"operator":true}"#))
        .await
        .json();
    let made = made["token"].as_str().expect("shown").to_owned();
    drop(second);
    let log = program.stop();
    for target in ["tidegate::", "h2::"] {
        assert!(
            log.contains(&format!("\"target\":\"{target}")),
            "{target} is logged"
        );
    }
    for secret in [TOKEN, wrong, basic.as_str(), made.as_str()] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "a credential is in the log");
        // As bytes in decimal, as debug output shows them.
        let bytes: Vec<String> = secret
            .bytes()
            .take(16)
            .map(|byte| byte.to_string())
            .collect();
        assert!(
            !log.contains(&bytes.join(", ")),
            "a credential is in the log"
        );
    }
}
