//! Clients: HTTP/1.1 over a socket that stays open, requests put together beforehand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Of the threads that clients run on.
pub const THREADS: &str = "client";

const PATIENCE: Duration = Duration::from_secs(60);

/// A write of this body to a bucket that the first one makes.
pub fn write_request(body: &[u8], encoding: Option<&str>) -> Vec<u8> {
    let encoding = encoding.map_or(String::new(), |name| {
        format!("Content-Encoding: {name}\r\n")
    });
    let mut request = format!(
        "POST /api/v2/write?org=bench&bucket=bench HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Token {TOKEN}\r\nContent-Type: text/plain; charset=utf-8\r\n{encoding}\
         Content-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Self {
            stream,
            answer: Vec::new(),
        }
    }

    /// Sends a request and returns the status and the body of its answer.
    pub fn ask(&mut self, request: &[u8]) -> (u16, &[u8]) {
        self.stream.write_all(request).expect("sent");
        self.answer.clear();
        let mut chunk = [0; 16 * 1024];
        loop {
            let count = self.stream.read(&mut chunk).expect("answered in time");
            assert!(count > 0, "the server closed the connection");
            self.answer.extend_from_slice(&chunk[..count]);
            if let Some((status, body_start)) = whole(&self.answer) {
                return (status, &self.answer[body_start..]);
            }
        }
    }

    /// Sends a write that must succeed, and says how long its acknowledgement took.
    pub fn write(&mut self, request: &[u8]) -> Duration {
        let started = Instant::now();
        let (status, body) = self.ask(request);
        let told = &body[..body.len().min(500)];
        assert_eq!(status, 204, "{}", String::from_utf8_lossy(told));
        started.elapsed()
    }

    pub fn get(&mut self, path: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let (status, body) = self.ask(request.as_bytes());
        (status, String::from_utf8_lossy(body).into_owned())
    }
}

/// The status of an answer and where its body starts, once all of it is there.
fn whole(answer: &[u8]) -> Option<(u16, usize)> {
    let body_start = memchr::memmem::find(answer, b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&answer[..body_start]).expect("text");
    let status = head[9..12].parse().expect("a status");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length").then_some(value)
    });
    let length: usize = length.map_or(0, |value| value.parse().expect("a length"));
    (answer.len() >= body_start + length).then_some((status, body_start))
}

/// Returns the number of writes per second that `clients` of them get acknowledged, each sending
/// its next one once the last was acknowledged. They share one thread, to leave the cores to the
/// server.
pub fn crowd(address: SocketAddr, clients: usize, request: &[u8], time: Duration) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..clients {
            let stream = tokio::net::TcpStream::connect(address).await.expect("open");
            stream.set_nodelay(true).expect("a socket");
            streams.push(stream);
        }
        let started = Instant::now();
        let tasks = streams.into_iter().map(|stream| {
            let request = request.to_vec();
            tokio::spawn(keep_writing(stream, request, started + time))
        });
        let mut writes = 0;
        for task in tasks.collect::<Vec<_>>() {
            writes += task.await.expect("no panic");
        }
        f64::from(writes) / started.elapsed().as_secs_f64()
    })
}

async fn keep_writing(mut stream: tokio::net::TcpStream, request: Vec<u8>, until: Instant) -> u32 {
    let (mut writes, mut answer) = (0, Vec::new());
    while Instant::now() < until {
        stream.write_all(&request).await.expect("sent");
        answer.clear();
        let status = loop {
            assert!(stream.read_buf(&mut answer).await.expect("read") > 0);
            if let Some((status, _)) = whole(&answer) {
                break status;
            }
        };
        assert_eq!(status, 204);
        writes += 1;
    }
    writes
}

/// Runs `work` on `clients` threads and returns what each made, and how long all took together.
pub fn on_threads<T: Send>(clients: usize, work: impl Fn(usize) -> T + Sync) -> (Vec<T>, Duration) {
    std::thread::scope(|scope| {
        let started = Instant::now();
        let work = &work;
        let threads: Vec<_> = (0..clients)
            .map(|client| {
                let builder = std::thread::Builder::new().name(THREADS.to_owned());
                builder
                    .spawn_scoped(scope, move || work(client))
                    .expect("a thread")
            })
            .collect();
        let made = threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"));
        let made = made.collect();
        (made, started.elapsed())
    })
}
