//! A client of HTTP/1.1 that keeps its connection: blocking, one request at a time, every wait
//! bounded. It takes nothing from the program under test.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// The longest wait for the next bytes.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer; its body, too, unless it was given to a sink.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The reasons why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// No connection was made: nothing was sent.
    NotConnected(io::Error),
    /// The connection ended before a byte of the answer came.
    Cut(io::Error),
    /// The connection ended within the answer.
    Broken(io::Error),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(error) => write!(f, "not connected: {error}"),
            Self::Cut(error) => write!(f, "no answer came: {error}"),
            Self::Broken(error) => write!(f, "half an answer came: {error}"),
        }
    }
}

pub struct Client {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    pub fn get(&mut self, path: &str) -> Result<Answer, NoAnswer> {
        let mut body = Vec::new();
        let mut answer = self.get_into(path, &mut |bytes| body.extend_from_slice(bytes))?;
        answer.body = body;
        Ok(answer)
    }

    /// Gives the body to `sink` as it comes.
    pub fn get_into(
        &mut self,
        path: &str,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<Answer, NoAnswer> {
        self.ask(
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes(),
            sink,
        )
    }

    /// Writes line protocol into a bucket; `headers` are whole lines.
    pub fn write(&mut self, bucket: &str, headers: &str, body: &[u8]) -> Result<Answer, NoAnswer> {
        let length = body.len();
        let mut request = format!(
            "POST /api/v2/write?bucket={bucket}&precision=ns HTTP/1.1\r\nHost: localhost\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        )
        .into_bytes();
        request.extend_from_slice(body);
        let mut text = Vec::new();
        let mut answer = self.ask(&request, &mut |bytes| text.extend_from_slice(bytes))?;
        answer.body = text;
        Ok(answer)
    }

    pub fn ask(&mut self, request: &[u8], sink: &mut dyn FnMut(&[u8])) -> Result<Answer, NoAnswer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect().map_err(NoAnswer::NotConnected)?,
        };
        // A server that refuses early may close before all was sent: its answer is there still.
        let sent = stream.get_mut().write_all(request);
        match stream.fill_buf() {
            Ok([]) => {
                return Err(NoAnswer::Cut(
                    sent.err().unwrap_or(ErrorKind::UnexpectedEof.into()),
                ));
            }
            Ok(_) => {}
            Err(error) => return Err(NoAnswer::Cut(error)),
        }
        let answer = read_answer(&mut stream, sink).map_err(NoAnswer::Broken)?;
        if sent.is_ok() && answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(BufReader::with_capacity(64 * 1024, stream))
    }
}

fn read_answer(stream: &mut impl BufRead, sink: &mut dyn FnMut(&[u8])) -> io::Result<Answer> {
    let status = line(stream)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let mut answer = Answer {
        status: status.ok_or(ErrorKind::InvalidData)?,
        ..Answer::default()
    };
    loop {
        let header = line(stream)?;
        let Some((name, value)) = header.split_once(':') else {
            break;
        };
        answer
            .headers
            .push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = u64::from_str_radix(&line(stream)?, 16).map_err(io::Error::other)?;
            copy(stream, size, sink)?;
            line(stream)?;
            if size == 0 {
                return Ok(answer);
            }
        }
    }
    let length = answer
        .header("content-length")
        .and_then(|length| length.parse().ok());
    copy(stream, length.unwrap_or(0), sink)?;
    Ok(answer)
}

fn line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(64 * 1024).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    line.pop();
    String::from_utf8(line).map_err(io::Error::other)
}

fn copy(stream: &mut impl BufRead, mut left: u64, sink: &mut dyn FnMut(&[u8])) -> io::Result<()> {
    while left > 0 {
        let bytes = stream.fill_buf()?;
        if bytes.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let count = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        sink(&bytes[..count]);
        stream.consume(count);
        left -= count as u64;
    }
    Ok(())
}
