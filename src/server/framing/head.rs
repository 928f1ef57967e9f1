//! The head of an HTTP/1 request, read strictly (RFC 9112): a head that two readers could
//! understand differently is refused.

use http::Uri;
use thiserror::Error;

use super::limits::Limits;
use crate::certain::Certain;

/// The largest length that is accepted: eight exabytes.
const LENGTH_MAX: u64 = u64::MAX / 2;

/// The most bytes of an address, which is what `http` has places for.
const TARGET_BYTES_MAX: usize = 65_534;

/// The most bytes of a path of ours, with its prefix.
const PATH_BYTES_MAX: usize = 256;

/// The reason for which a head is refused. The texts are for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(in crate::server) enum Refusal {
    #[error(
        "malformed request: a line of the head does not end with CRLF, or contains a control character"
    )]
    LineEnd,
    #[error("malformed request line: expected METHOD target HTTP/1.1")]
    RequestLine,
    #[error("malformed request: a header is folded over several lines")]
    Folded,
    #[error("malformed request: a header line is not `name: value`")]
    HeaderLine,
    #[error("malformed request: Content-Length is no number, or stands twice")]
    Length,
    #[error(
        "malformed request: Transfer-Encoding is anything but `chunked`, or stands twice, or beside Content-Length, or in HTTP/1.0"
    )]
    TransferEncoding,
    #[error("malformed request: exactly one Host header is required")]
    Host,
    #[error(
        "the body has no length: a client that speaks HTTP/1.0 must send Content-Length, because a body that ends with the connection cannot be told from one that was cut off"
    )]
    LengthRequired,
    #[error("this port speaks HTTPS: use https:// in the client's URL instead of http://")]
    PlainHttp,
    #[error("the request's head is larger than the server allows (connection.head_bytes_max)")]
    TooLarge,
    #[error(
        "the request's address has more than 65534 bytes: what is longer, such as a statement, belongs in the body of a POST"
    )]
    TooLongTarget,
    #[error("the request has more headers than the server allows (connection.headers_max)")]
    TooManyHeaders,
}

/// The path that a head requests, if it is as plain as all of ours: such a path has only one
/// reading, whatever else is wrong with the head.
pub(super) fn path(head: &[u8]) -> Option<&str> {
    let line = head.get(..memchr::memchr(b'\r', head).unwrap_or(head.len()))?;
    let target = line.split(|byte| *byte == b' ').nth(1)?;
    let path = target.split(|byte| *byte == b'?').next()?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/_-.".contains(byte);
    let told = path.starts_with(b"/") && path.len() <= PATH_BYTES_MAX && path.iter().all(plain);
    std::str::from_utf8(path).ok().filter(|_| told)
}

/// The way in which the end of the body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

/// The verdict on a head, as far as it has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Incomplete,
    Good { head_bytes: usize, framing: Framing },
    Refused(Refusal),
}

/// Checks the head at the start of `bytes`.
pub(super) fn check(bytes: &[u8], limits: &Limits) -> Verdict {
    match measure(bytes, limits) {
        Err(refusal) => Verdict::Refused(refusal),
        Ok(None) => Verdict::Incomplete,
        Ok(Some(head_bytes)) => match read(
            bytes.get(..head_bytes).certain("it was measured there"),
            limits,
        ) {
            Ok(framing) => Verdict::Good {
                head_bytes,
                framing,
            },
            Err(refusal) => Verdict::Refused(refusal),
        },
    }
}

/// The length of the head with its empty line; absent if that line has not arrived.
fn measure(bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Refusal> {
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', bytes) {
        let line = bytes
            .get(start..=end)
            .certain("lines come one after the other");
        if end >= limits.head_bytes_max {
            return Err(Refusal::TooLarge);
        }
        if !line.ends_with(b"\r\n") {
            return Err(Refusal::LineEnd);
        }
        start = end + 1;
        if line == b"\r\n" {
            return Ok(Some(start));
        }
    }
    if bytes.len() >= limits.head_bytes_max {
        Err(Refusal::TooLarge)
    } else {
        Ok(None)
    }
}

/// The headers that decide about the framing.
#[derive(Default)]
struct Seen {
    headers: usize,
    hosts: usize,
    length: Option<u64>,
    chunked: bool,
}

fn read(head: &[u8], limits: &Limits) -> Result<Framing, Refusal> {
    let mut start = 0;
    let mut lines = memchr::memchr_iter(b'\n', head).map(|end| {
        let line = head
            .get(start..end)
            .certain("lines come one after the other");
        start = end + 1;
        line.strip_suffix(b"\r").unwrap_or(line)
    });
    let first = request_line(lines.next().unwrap_or_default())?;
    let http_11 = first.http_11;
    let mut seen = Seen::default();
    for line in lines.take_while(|line| !line.is_empty()) {
        seen.header(line, http_11)?;
    }
    if seen.headers > limits.headers_max {
        return Err(Refusal::TooManyHeaders);
    }
    if seen.hosts > 1 || (http_11 && seen.hosts == 0) {
        return Err(Refusal::Host);
    }
    match (seen.chunked, seen.length) {
        (true, Some(_)) => Err(Refusal::TransferEncoding),
        (true, None) => Ok(Framing::Chunked),
        // RFC 1945, section 7.2.2. In HTTP/1.1 this is a request without a body (RFC 9112, 6.3).
        (false, None) if !http_11 && first.brings_body => Err(Refusal::LengthRequired),
        (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
    }
}

/// The facts in the first line.
struct RequestLine {
    /// True for HTTP/1.1, false for 1.0.
    http_11: bool,
    /// True if requests with this method have a body.
    brings_body: bool,
}

fn request_line(line: &[u8]) -> Result<RequestLine, Refusal> {
    if any(line, |byte| byte.is_ascii_control()) {
        return Err(Refusal::LineEnd);
    }
    let mut parts = line.split(|byte| *byte == b' ');
    let (method, target, version) = (parts.next(), parts.next(), parts.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, parts.next())
    else {
        return Err(Refusal::RequestLine);
    };
    if target.len() > TARGET_BYTES_MAX {
        return Err(Refusal::TooLongTarget);
    }
    // Checked as text first: the URI parser would ignore a fragment, which is not allowed here.
    let target = std::str::from_utf8(target);
    let valid = is_token(method) && target.is_ok_and(|target| Uri::try_from(target).is_ok());
    let http_11 = match version {
        b"HTTP/1.1" if valid => true,
        b"HTTP/1.0" if valid => false,
        _ => return Err(Refusal::RequestLine),
    };
    Ok(RequestLine {
        http_11,
        brings_body: matches!(method, b"POST" | b"PUT" | b"PATCH"),
    })
}

impl Seen {
    fn header(&mut self, line: &[u8], http_11: bool) -> Result<(), Refusal> {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            return Err(Refusal::Folded);
        }
        let colon = memchr::memchr(b':', line).ok_or(Refusal::HeaderLine)?;
        let (name, value) = line.split_at_checked(colon).ok_or(Refusal::HeaderLine)?;
        let value = value.get(1..).certain("it begins with the colon");
        if !is_token(name) {
            return Err(Refusal::HeaderLine);
        }
        if any(value, |byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(Refusal::LineEnd);
        }
        // The value is trimmed only after the check, because this also removes a carriage return or
        // a form feed.
        let value = value.trim_ascii();
        self.headers += 1;
        match name {
            _ if name.eq_ignore_ascii_case(b"host") => self.hosts += 1,
            _ if name.eq_ignore_ascii_case(b"content-length") => self.length(value)?,
            _ if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                let sound = http_11 && !self.chunked && value.eq_ignore_ascii_case(b"chunked");
                self.chunked = sound.then_some(true).ok_or(Refusal::TransferEncoding)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads a length: digits only, without a sign, a blank or a list, and only once. The highest
    /// numbers have a special meaning to the parser after us, which would refuse them with its own
    /// text.
    fn length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        let length = std::str::from_utf8(value).ok().filter(|_| digits);
        let length = length
            .and_then(|text| text.parse().ok())
            .filter(|length| *length <= LENGTH_MAX)
            .ok_or(Refusal::Length)?;
        match self.length.replace(length) {
            None => Ok(()),
            Some(_) => Err(Refusal::Length),
        }
    }
}

/// Returns true if this is a token of RFC 9110, section 5.6.2.
fn is_token(name: &[u8]) -> bool {
    let is_mark = |byte| {
        matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
        )
    };
    !name.is_empty() && !any(name, |byte| !byte.is_ascii_alphanumeric() && !is_mark(byte))
}

/// Returns true if any byte is like this. All are looked at, several at once: most heads are short
/// and sound.
fn any(bytes: &[u8], is_like_this: impl Fn(u8) -> bool) -> bool {
    let found = |found, byte: &u8| found | is_like_this(*byte);
    bytes.iter().fold(false, found)
}
