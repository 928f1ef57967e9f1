//! A server that answers one request per connection, as a script says.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A request as it came, and when.
pub struct Asked {
    pub at: Instant,
    pub head: String,
    pub body: Vec<u8>,
}

/// Its URL, and the requests once it has given all its answers.
pub fn scripted(answers: &'static [&'static str]) -> (String, JoinHandle<Vec<Asked>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let thread = std::thread::spawn(move || {
        let answer = |answer: &&str| {
            let (mut stream, mut asked) = next(&listener);
            while asked.head.starts_with("get /api/v2/buckets") {
                // What an import asks first, once, is not what the script is about.
                stream.write_all(THERE.as_bytes()).expect("writable");
                (stream, asked) = next(&listener);
            }
            stream.write_all(answer.as_bytes()).expect("writable");
            asked
        };
        answers.iter().map(answer).collect()
    });
    (url, thread)
}

/// The bucket that was asked for is there.
const THERE: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n\
                     Content-Length: 16\r\n\r\n{\"buckets\":[{}]}";

fn next(listener: &TcpListener) -> (TcpStream, Asked) {
    let (mut stream, _) = listener.accept().expect("a client");
    let asked = read(&mut stream);
    (stream, asked)
}

fn read(stream: &mut TcpStream) -> Asked {
    let at = Instant::now();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .expect("settable");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).expect("text").to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().expect("a number"))];
    stream.read_exact(&mut body).expect("a body");
    Asked { at, head, body }
}
