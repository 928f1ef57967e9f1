use clap::Parser;

use super::{Connection, Given};
use crate::cli::CliError;
use crate::client::Request;
use crate::client::tests::scripted;

#[derive(Debug, Parser)]
struct Flags {
    #[command(flatten)]
    connection: Connection,
}

fn connection(flags: &[&str]) -> Connection {
    let words = std::iter::once("test").chain(flags.iter().copied());
    Flags::try_parse_from(words).expect("understood").connection
}

fn given(flags: &[&str], variable: Option<&str>) -> Result<Given, String> {
    let token = connection(flags).token(variable.map(str::to_owned));
    token
        .map(|(_, given)| given)
        .map_err(|error| error.to_string())
}

#[test]
#[allow(clippy::disallowed_methods, reason = "not a data folder")]
fn a_flag_wins_over_the_variable_and_an_empty_variable_is_none() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "abc\r\n").expect("writable");
    let path = file.path().to_str().expect("plain");
    assert_eq!(given(&[], None), Ok(Given::Nowhere));
    assert_eq!(given(&[], Some("\n")), Ok(Given::Nowhere));
    assert_eq!(given(&[], Some("abc\n")), Ok(Given::Variable));
    assert_eq!(given(&["--token", "x"], Some("abc")), Ok(Given::Flag));
    let from_file = given(&["--token-file", path], Some("a b"));
    assert_eq!(from_file, Ok(Given::File(file.path().to_owned())));
}

#[test]
fn a_token_that_cannot_be_one_is_told_with_where_it_was_given() {
    let error = given(&[], Some("secret token")).expect_err("a blank");
    assert!(
        error.starts_with("the token in TIDEGATE_TOKEN has a blank"),
        "{error}"
    );
    assert!(!error.contains("secret"));
    let error = given(&["--token", ""], None).expect_err("empty");
    assert_eq!(error, "the token of --token is empty");
    let error = given(&["--token-file", "/no/such/file"], None).expect_err("no file");
    assert_eq!(error, "cannot open /no/such/file");
}

async fn told(flags: &[&str], answer: &'static str) -> String {
    let (address, _) = scripted(vec![answer]);
    let url = format!("http://{address}");
    let flags = [&["--url", &url], flags].concat();
    let connection = connection(&flags);
    let (token, given) = connection.token(None).expect("valid");
    let session = connection.location.session_with(token.as_ref(), given);
    let asked = session
        .expect("a session")
        .ask(Request::new(http::Method::GET, "/x"))
        .await;
    asked.expect_err("refused").to_string()
}

#[tokio::test]
async fn a_refused_token_is_told_with_where_it_came_from_and_the_usual_causes() {
    let answer = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 58\r\n\r\n\
                  {\"code\":\"unauthorized\",\"message\":\"unauthorized access\"}    ";
    let text = told(&["--token", "secret"], answer).await;
    assert!(
        text.starts_with("unauthorized access (401 from http://"),
        "{text}"
    );
    for part in [
        "of --token",
        "--token-file",
        "TIDEGATE_TOKEN",
        "trailing newline",
        "another server",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("secret"), "{text}");
    let text = told(&[], answer).await;
    assert!(
        text.contains("no token was given: set TIDEGATE_TOKEN"),
        "{text}"
    );
}

#[tokio::test]
async fn a_token_that_does_not_permit_it_is_told() {
    let answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 33\r\n\r\n\
                  {\"code\":\"forbidden\",\"message\":\"m\"}";
    let text = told(&["--token", "secret"], answer).await;
    assert!(text.contains("valid, but does not permit this"), "{text}");
}

#[test]
fn a_url_that_is_none_is_a_usage_error() {
    let error = connection(&["--url", "localhost:8086"]).location.session();
    let error = error.expect_err("no URL");
    assert!(
        matches!(error, CliError::Usage(_)) && error.exit_code() == 2,
        "{error}"
    );
    let certificate = ["--url", "https://localhost", "--ca-cert", "Cargo.toml"];
    let error = connection(&certificate)
        .location
        .session()
        .expect_err("no certificate");
    assert!(
        error
            .to_string()
            .starts_with("--ca-cert Cargo.toml: no certificate"),
        "{error}"
    );
}
