use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use super::{Client, ClientError, Request, Roots, Token};

/// A server that reads one request per connection, sends the given answer, and closes. The requests
/// are returned in order.
pub(crate) fn scripted(
    answers: Vec<&'static str>,
) -> (SocketAddr, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let thread = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().expect("a client");
            requests.push(read_request(&mut stream));
            stream.write_all(answer.as_bytes()).expect("writable");
        }
        requests
    });
    (address, thread)
}

fn read_request(stream: &mut TcpStream) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("settable");
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
        request.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&request).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body).expect("a body");
    request.extend_from_slice(&body);
    String::from_utf8_lossy(&request).into_owned()
}

fn client(url: &str) -> Client {
    let token = Token::new("secret-token\n").expect("valid");
    let address = url.parse().expect("valid");
    Client::new(address, Some(&token), &Roots::System).expect("a client")
}

fn get(path: &str) -> Request {
    Request::new(Method::GET, path).patience(Duration::from_secs(60))
}

async fn error_of(answer: &'static str) -> ClientError {
    let (address, _) = scripted(vec![answer]);
    let answer = client(&format!("http://{address}")).send(get("/x")).await;
    let error = answer.and_then(super::Answer::success);
    error.expect_err("an error")
}

#[tokio::test]
async fn a_request_carries_the_prefix_the_token_and_the_body() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\":1}";
    let (address, server) = scripted(vec![answer]);
    let client = client(&format!("http://{address}/influx/"));
    let request =
        Request::new(Method::POST, "/api/v1/tokens?x=1").json(&serde_json::json!({"b":2}));
    let answer = client.send(request).await.expect("an answer");
    let value: serde_json::Value = answer.success().expect("success").json().expect("JSON");
    assert_eq!(value, serde_json::json!({"a": 1}));
    let requests = server.join().expect("ends");
    let request = requests.first().expect("a request");
    assert!(
        request.starts_with("POST /influx/api/v1/tokens?x=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(
        request.contains("authorization: Token secret-token\r\n"),
        "{request}"
    );
    assert!(
        request.contains("content-type: application/json\r\n"),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{\"b\":2}"), "{request}");
}

#[tokio::test]
async fn an_error_of_the_server_is_shown_by_its_message() {
    let error = error_of(
        "HTTP/1.1 404 Not Found\r\nContent-Length: 56\r\n\r\n\
         {\"code\":\"not found\",\"message\":\"bucket \\\"x\\\" not found\"} ",
    )
    .await;
    let text = error.to_string();
    assert!(
        text.starts_with("bucket \"x\" not found (404 from http://127.0.0.1:"),
        "{text}"
    );
    assert!(!error.is_transient());
}

#[tokio::test]
async fn an_answer_of_something_else_is_told_as_such() {
    let html = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 16\r\n\r\n<h1>\x1b[31m</h1>\n\n";
    let error = error_of(html).await;
    let text = error.to_string();
    assert!(
        text.contains("answered 502 Bad Gateway, not as tidegate does"),
        "{text}"
    );
    assert!(!text.contains('\x1b') && error.is_transient(), "{text}");
}

#[tokio::test]
async fn retry_after_is_read_and_only_what_may_pass_is_transient() {
    let error = error_of("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await;
    let ClientError::Refused(refusal) = &error else {
        panic!("{error}")
    };
    assert_eq!(refusal.retry_after, Some(Duration::from_secs(7)));
    for (status, transient) in [
        ("HTTP/1.1 429 x\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 501 x\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\ncut", true),
        ("", true),
    ] {
        let error = error_of(status).await;
        assert_eq!(error.is_transient(), transient, "{status}: {error}");
    }
}

#[tokio::test]
async fn a_refused_connection_names_the_url_and_asks_whether_the_server_runs() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let error = client(&format!("http://{address}/p")).send(get("/x")).await;
    assert_eq!(
        error.expect_err("refused").to_string(),
        format!(
            "cannot connect to http://{address}/p: connection refused; is `tidegate serve` \
             running there?"
        )
    );
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_told() {
    let error = client("http://no-such-host.invalid").send(get("/x")).await;
    let text = error.expect_err("no host").to_string();
    assert!(text.contains("name cannot be resolved"), "{text}");
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let request = get("/x").patience(Duration::from_millis(50));
    let error = client(&format!("http://{address}")).send(request).await;
    let error = error.expect_err("silence");
    assert!(
        error.to_string().contains("did not answer within 0.05 s"),
        "{error}"
    );
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_download_that_is_cut_is_an_error_and_not_an_end() {
    for (answer, pieces) in [
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            Ok(3),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            Err("cut the conn"),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
            Err("cut the connection"),
        ),
        ("HTTP/1.0 200 OK\r\n\r\nabc", Err("without a length")),
        ("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", Err("403")),
    ] {
        let (address, _) = scripted(vec![answer]);
        let result = read_all(&client(&format!("http://{address}"))).await;
        match (result, pieces) {
            (Ok(bytes), Ok(expected)) => assert_eq!(bytes, expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (result, _) => panic!("{answer}: {result:?}"),
        }
    }
}

async fn read_all(client: &Client) -> Result<usize, ClientError> {
    let mut download = client.download(get("/x")).await?;
    let mut bytes = 0;
    while let Some(piece) = download.next().await? {
        bytes += piece.len();
    }
    Ok(bytes)
}

#[tokio::test]
async fn plain_and_encrypted_are_not_mixed_up_silently() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let plain = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    });
    let certificate = Certificate::new();
    let https = certificate
        .client(&format!("https://{plain}"))
        .send(get("/x"))
        .await;
    let error = https.expect_err("plain HTTP").to_string();
    assert!(
        error.contains("does not speak TLS") && error.contains("http://?"),
        "{error}"
    );

    let encrypted = certificate.serve().await;
    let http = client(&format!("http://{encrypted}")).send(get("/x")).await;
    let error = http.expect_err("TLS").to_string();
    assert!(error.contains("https://?"), "{error}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_when_it_is_given_and_named_when_not() {
    let certificate = Certificate::new();
    let address = certificate.serve().await;
    let url = format!("https://localhost:{}", address.port());
    let answer = certificate
        .client(&url)
        .send(get("/x"))
        .await
        .expect("trusted");
    assert_eq!(answer.body, "hi");

    let stranger = Certificate::new().client(&url).send(get("/x")).await;
    let error = stranger.expect_err("not trusted");
    assert!(error.to_string().contains("not trusted here"), "{error}");
    assert!(!error.is_transient());

    let url = format!("https://127.0.0.1:{}", address.port());
    let wrong_name = certificate.client(&url).send(get("/x")).await;
    let error = wrong_name.expect_err("another name").to_string();
    assert!(error.contains("certificate is not accepted"), "{error}");
}

#[tokio::test]
async fn what_is_no_certificate_is_refused() {
    for pem in [
        "",
        "hello",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let roots = Roots::Pem(pem.as_bytes().to_vec());
        let client = Client::new("https://a".parse().expect("valid"), None, &roots);
        let error = client.expect_err("no certificate").to_string();
        assert!(error.contains("certificate"), "{error}");
    }
}

/// A certificate for `localhost`, with the key that signed it.
struct Certificate {
    authority: String,
    server: Arc<rustls::ServerConfig>,
}

impl Certificate {
    fn new() -> Self {
        let authority_key = rcgen::KeyPair::generate().expect("a key");
        let mut authority = rcgen::CertificateParams::new(Vec::new()).expect("valid");
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = authority.self_signed(&authority_key).expect("signed");
        let issuer = rcgen::Issuer::new(authority, authority_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("valid");
        let own = own.signed_by(&key, &issuer).expect("signed");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![own.der().clone()],
                key.serialize_der().try_into().expect("a key"),
            )
            .expect("fits");
        Self {
            authority: root.pem(),
            server: Arc::new(server),
        }
    }

    fn client(&self, url: &str) -> Client {
        let roots = Roots::Pem(self.authority.clone().into_bytes());
        Client::new(url.parse().expect("valid"), None, &roots).expect("a client")
    }

    /// Answers every connection with `hi`.
    async fn serve(&self) -> SocketAddr {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&self.server));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
                    let _ = stream.write_all(answer).await;
                    let _ = stream.shutdown().await;
                }
            }
        });
        address
    }
}
