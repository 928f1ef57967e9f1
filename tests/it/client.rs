//! A client that sends bytes and reads answers, and holds every answer against the rules that all
//! answers keep.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::openapi;

/// Longer than anything here should take on a machine that is busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A request of HTTP/1.1.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub fn post(target: impl Into<String>) -> Self {
        Self::new("POST", target)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Token {token}"))
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// The bytes on the wire, with `Content-Length` unless the body is chunked.
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let has = |name: &str| {
            self.headers
                .iter()
                .any(|(n, _)| n.eq_ignore_ascii_case(name))
        };
        if !has("host") {
            head.push_str("Host: localhost\r\n");
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if has("transfer-encoding") {
            head.push_str("\r\n");
            return [head.as_bytes(), &chunked(&self.body, 7)].concat();
        }
        if !has("content-length") && (!self.body.is_empty() || self.method == "POST") {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

/// A chunked body of chunks of this size.
pub fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The header of this name; the test fails if there are two.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice: {self:?}");
        first
    }

    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// `message` of the error body.
    #[track_caller]
    pub fn message(&self) -> String {
        let json = self.json();
        json["message"].as_str().expect("a message").to_owned()
    }

    /// The acknowledgement: nothing but the status.
    #[track_caller]
    pub fn is_written(&self) {
        assert_eq!(self.status, 204, "{}", String::from_utf8_lossy(&self.body));
        assert!(self.body.is_empty());
        for name in ["content-type", "transfer-encoding", "content-length"] {
            assert_eq!(self.header(name), None, "a 204 has no body to describe");
        }
    }

    /// An error with exactly this body.
    #[track_caller]
    pub fn is(&self, status: u16, body: &str) {
        assert_eq!((self.status, self.text()), (status, body));
    }

    /// An error of two members with this code and text.
    #[track_caller]
    pub fn is_error(&self, status: u16, code: &str, message: &str) {
        let message = serde_json::to_string(message).expect("text");
        self.is(
            status,
            &format!(r#"{{"code":"{code}","message":{message}}}"#),
        );
    }

    /// Checks what holds for every answer of every route (contract sections 1.2 and 1.4).
    #[track_caller]
    pub fn check(&self, to_head: bool) {
        let context = || format!("{self:?}");
        let version = Some(env!("CARGO_PKG_VERSION"));
        assert_eq!(self.header("x-influxdb-version"), version, "{}", context());
        assert_eq!(self.header("x-influxdb-build"), Some("tidegate"));
        let id = self
            .header("x-request-id")
            .unwrap_or_else(|| panic!("{}", context()));
        assert!(
            id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit()),
            "{id}"
        );
        let retry_after = self.header("retry-after");
        if let Some(seconds) = retry_after {
            assert!(matches!(self.status, 429 | 503), "{}", context());
            assert!(seconds.parse::<u32>().expect("a number") > 0);
            assert!(
                seconds.bytes().all(|byte| byte.is_ascii_digit()),
                "{seconds}"
            );
        }
        let challenge = (self.status == 401).then_some("Token");
        assert_eq!(self.header("www-authenticate"), challenge, "{}", context());
        // Beside 405 an answer to OPTIONS may name the methods too.
        let names_methods = self.header("allow").is_some();
        assert!(
            names_methods == (self.status == 405) || self.status == 204,
            "{}",
            context()
        );
        match self.status {
            200 | 201 => {}
            204 => assert!(self.body.is_empty(), "{}", context()),
            400..=599 if to_head => assert!(self.header("x-platform-error-code").is_some()),
            400..=599 => self.check_error(retry_after),
            other => panic!("status {other}: {}", context()),
        }
    }

    #[track_caller]
    fn check_error(&self, retry_after: Option<&str>) {
        let kind = self.header("content-type");
        // `/query` answers in the format that is asked for.
        if matches!(
            kind,
            Some("application/csv" | "text/csv" | "application/x-msgpack")
        ) {
            return;
        }
        assert_eq!(kind, Some("application/json"), "{self:?}");
        let json = self.json();
        if let Some(status) = json.get("status") {
            // The probes have a shape of their own.
            assert!(status == "fail" || status == "starting", "{json}");
            return;
        }
        // What was killed is not to be repeated.
        if matches!(self.status, 429 | 503) && !self.text().contains("query interrupted") {
            assert!(retry_after.is_some(), "{self:?}");
        }
        // v3 has no code, v1 has the text twice (contract sections 3.1 and 3.2).
        let is_v3 = json.get("code").is_none();
        let code = Some(code_of(self.status));
        assert_eq!(self.header("x-platform-error-code"), code, "{json}");
        assert!(is_v3 || json["code"].as_str() == code, "{json}");
        let short = self.header("x-influxdb-error").expect("a short text");
        assert!(!short.is_empty() && short.len() <= 256, "{short}");
        let text = if is_v3 {
            &json["error"]
        } else {
            &json["message"]
        };
        let message = text.as_str().expect("a message");
        let first: String = message
            .lines()
            .next()
            .unwrap_or_default()
            .chars()
            .take(short.len())
            .collect();
        let plain = |text: &str| {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .collect::<String>()
        };
        if first.is_ascii() {
            assert_eq!(plain(short), plain(&first));
        }
        let limit = json.get("maxLength");
        assert_eq!(
            limit.is_some_and(Value::is_u64),
            self.status == 413 && !is_v3,
            "{json}"
        );
    }
}

/// The word of contract section 1.2 that belongs to a status.
fn code_of(status: u16) -> &'static str {
    match status {
        400 | 408 => "invalid",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not found",
        405 => "method not allowed",
        409 => "conflict",
        413 | 431 => "request too large",
        415 => "unsupported media type",
        429 => "too many requests",
        500 => "internal error",
        501 => "not implemented",
        503 => "unavailable",
        other => panic!("no word for status {other}"),
    }
}

/// A connection.
pub struct Client<S = TcpStream> {
    pub stream: S,
    /// Came, but belongs to a later answer.
    held: Vec<u8>,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let connected = timeout(PATIENCE, TcpStream::connect(address)).await;
        let stream = connected.expect("in time").expect("connects");
        stream.set_nodelay(true).expect("an option");
        Self::over(stream)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// On a connection that stands.
    pub fn over(stream: S) -> Self {
        Self {
            stream,
            held: Vec::new(),
        }
    }

    /// Sends bytes; a server that has refused may have closed already.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let sent = timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await;
        let _ = sent.expect("taken in time");
    }

    pub async fn ask(&mut self, request: &Request) -> Answer {
        self.send(request.bytes()).await;
        let answer = self.answer(request.method == "HEAD").await;
        openapi::check(request, &answer);
        answer
    }

    /// The next answer; one to `HEAD` has no body whatever its head says.
    pub async fn answer(&mut self, to_head: bool) -> Answer {
        let answer = self.try_answer(to_head).await;
        answer.expect("an answer before the end of the connection")
    }

    /// The next answer, or nothing if the server closes first. `100 Continue` is skipped.
    pub async fn try_answer(&mut self, to_head: bool) -> Option<Answer> {
        let (status, headers) = self.head().await?;
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if !to_head && status != 204 {
            answer.body = match answer.header("content-length") {
                Some(length) => self.exactly(length.parse().expect("a length")).await,
                None if answer.header("transfer-encoding").is_some() => self.chunks().await,
                None => self.rest().await,
            };
        }
        answer.check(to_head);
        Some(answer)
    }

    /// Waits for the end of the connection, however it comes.
    pub async fn rest_or_reset(&mut self) {
        let mut chunk = vec![0; 64 * 1024];
        while matches!(self.stream.read(&mut chunk).await, Ok(1..)) {}
    }

    async fn head(&mut self) -> Option<(u16, Vec<(String, String)>)> {
        loop {
            let end = loop {
                if let Some(at) = self.held.windows(4).position(|four| four == b"\r\n\r\n") {
                    break at + 4;
                }
                if !self.more().await {
                    assert!(
                        self.held.is_empty(),
                        "cut: {:?}",
                        String::from_utf8_lossy(&self.held)
                    );
                    return None;
                }
            };
            let head: Vec<u8> = self.held.drain(..end).collect();
            let head = String::from_utf8(head).expect("text");
            let mut lines = head.trim_end().split("\r\n");
            let first = lines.next().expect("a status line");
            let status = first
                .split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok());
            let status: u16 = status.unwrap_or_else(|| panic!("{first}"));
            if status == 100 {
                continue;
            }
            let headers = lines.map(|line| {
                let (name, value) = line.split_once(": ").expect("a header line");
                (name.to_ascii_lowercase(), value.to_owned())
            });
            return Some((status, headers.collect()));
        }
    }

    /// Reads what has come. False at the end.
    async fn more(&mut self) -> bool {
        let mut chunk = vec![0; 64 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut chunk)).await;
        let length = read
            .expect("the server says something or closes")
            .expect("no reset");
        self.held.extend_from_slice(&chunk[..length]);
        length > 0
    }

    /// The next bytes, whatever they are.
    pub async fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.held.len() < length {
            assert!(self.more().await, "the body is cut");
        }
        self.held.drain(..length).collect()
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(at) = self.held.windows(2).position(|two| two == b"\r\n") {
                    break at;
                }
                assert!(self.more().await, "the body is cut");
            };
            let line = self.exactly(end + 2).await;
            let digits = std::str::from_utf8(&line[..end]).expect("text");
            let size = usize::from_str_radix(digits, 16).expect("a size");
            let data = self.exactly(size + 2).await;
            if size == 0 {
                return body;
            }
            body.extend_from_slice(&data[..size]);
        }
    }

    /// Everything up to the end of the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.held)
    }

    /// The server closes, and says nothing more.
    #[track_caller]
    pub fn ends(self) -> impl Future<Output = ()> {
        let mut client = self;
        async move {
            let rest = client.rest().await;
            assert!(rest.is_empty(), "{}", String::from_utf8_lossy(&rest));
        }
    }
}
