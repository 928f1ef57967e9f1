//! Contract section 2: the forms of a credential, and that all refusals are the same.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::client::Request;
use crate::server::{Folder, Server, TOKEN, token, until};

const REFUSED: &str = r#"{"code":"unauthorized","message":"unauthorized access"}"#;

fn write(authorization: &str) -> Request {
    let request = Request::post("/api/v2/write?bucket=b").body("m f=1 1");
    request.header("Authorization", authorization)
}

#[tokio::test]
async fn every_form_of_a_credential_is_taken() {
    let server = Server::start().await;
    for form in [
        format!("Token {TOKEN}"),
        format!("token {TOKEN}"),
        format!("TOKEN    {TOKEN}   "),
        format!("Token\t{TOKEN}"),
        format!("Bearer {TOKEN}"),
        format!("bEaReR  {TOKEN}"),
        format!("Basic {}", STANDARD.encode(format!("user:{TOKEN}"))),
        format!("basic {}", STANDARD.encode(format!(":{TOKEN}"))),
        format!(
            "Basic {}",
            STANDARD
                .encode(format!("any one:{TOKEN}"))
                .trim_end_matches('=')
        ),
    ] {
        server.ask(write(&form)).await.is_written();
    }
    server.stop().await;
}

#[tokio::test]
async fn whatever_is_wrong_with_a_credential_the_refusal_is_the_same() {
    let mut expired = String::new();
    let folder = Folder::prepared(|catalog| expired = token(catalog, &["*"], &["*"], Some(1)));
    let server = Server::over(folder, |_| ()).await;
    let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
    let mut told = Vec::new();
    for form in [
        "",
        "Token",
        "Token ",
        "Bearer",
        TOKEN,
        &format!("Token{TOKEN}"),
        &format!("Digest {TOKEN}"),
        &format!("Token {TOKEN}x"),
        &format!("Token {}", &TOKEN[1..]),
        &format!("Token {}", TOKEN.to_uppercase()),
        &format!("Token user:{TOKEN}"),
        &format!("Token {TOKEN} {TOKEN}"),
        "Token \u{e4}\u{f6}",
        "Basic !!!",
        &basic("user"),
        &basic("user:"),
        &basic(&format!("{TOKEN}:")),
        &basic(&format!("a:b:{TOKEN}")),
        &format!("Token {expired}"),
    ] {
        let answer = server.ask(write(form)).await;
        answer.is(401, REFUSED);
        let mut headers = answer.headers;
        headers.retain(|(name, _)| name != "x-request-id" && name != "date");
        told.push(headers);
    }
    assert!(told.iter().all(|headers| *headers == told[0]), "{told:?}");
    server
        .ask(Request::post("/api/v2/write?bucket=b"))
        .await
        .is(401, REFUSED);
    // Credentials of other endpoints do not count here, and two are none.
    let query = format!("/api/v2/write?bucket=b&u=x&p={TOKEN}");
    server
        .ask(Request::post(query).body("m f=1"))
        .await
        .is(401, REFUSED);
    let twice = write(&format!("Token {TOKEN}")).token(TOKEN);
    server.ask(twice).await.is(401, REFUSED);
    server.stop().await;
}

#[tokio::test]
async fn a_password_may_hold_colons() {
    // The password is what follows the first colon.
    let secret = "with:colons:0123456789abcdef0123456789abcdef";
    let server = Server::with(|config| {
        config.init_token = tidegate::config::InitToken::new(secret).ok();
    })
    .await;
    let basic = format!("Basic {}", STANDARD.encode(format!("user:{secret}")));
    server.ask(write(&basic)).await.is_written();
    server.stop().await;
}

#[tokio::test]
async fn a_token_that_ends_is_refused_from_then_on_also_on_an_open_connection() {
    let clock = tidegate::clock::Clock::system();
    // On a busy machine a start may take longer than the token lasts: then one that lasts longer.
    for lasts_s in [2, 8, 32, 128] {
        let (mut brief, ends_ns) = (String::new(), clock.now_ns() + lasts_s * 1_000_000_000);
        let folder = Folder::prepared(|catalog| {
            brief = token(catalog, &[], &["b"], Some(ends_ns));
        });
        let server = Server::over(folder, |_| ()).await;
        let mut client = server.connect().await;
        let request = write(&format!("Token {brief}"));
        let answer = client.ask(&request).await;
        let is_over = clock.now_ns() >= ends_ns;
        if !is_over {
            answer.is_written();
            until("its end", || async { clock.now_ns() >= ends_ns }).await;
            client.ask(&request).await.is(401, REFUSED);
        }
        server.stop().await;
        if !is_over {
            return;
        }
    }
    panic!("it took longer each time");
}

#[tokio::test]
async fn without_authentication_nobody_needs_a_token_and_a_wrong_one_does_no_harm() {
    let server = Server::with(|config| config.server.without_auth = true).await;
    let request = Request::post("/api/v2/write?bucket=b").body("m f=1 1");
    server.ask(request).await.is_written();
    server.ask(write("Token wrong")).await.is_written();
    let answer = server.ask(Request::get("/api/v1/export?bucket=b")).await;
    assert_eq!(answer.text(), "m f=1.0 1\n");
    server.stop().await;
}
