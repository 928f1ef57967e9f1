//! What a small request waits for beside other work, and what the machine and its disk add to that by
//! themselves.
//!
//! Paced requests of one line, each to a line of its own, first alone and then beside the work, on the same
//! server. A request counts from when it was due, if its connection was still waiting for an answer then:
//! a server that stops for a second does not hide the requests that would have come meanwhile. If only the
//! client woke too late, it counts from there.
//!
//! Three probes run beside them at the same pace, alone and beside the work: `/health`, which the same
//! server answers without its log; an echo in this process, which shows how long the cores let clients wait;
//! and a write of the same bytes to a file with its sync, which shows how long the disk does. A request of a
//! line beside the work cannot be faster than the probes that are part of it. With `TMPDIR=/dev/shm` a sync
//! takes no time, and what is left is the server's.
//!
//! The senders of the work take their part of the same cores. To keep them apart, run this on one core
//! (`taskset -c 1`), and let `TIDEGATE_BIN` be a script that starts the server on another
//! (`exec taskset -c 0 tidegate "$@"`): then the server has one core for all it does.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use crate::client::{Connection, TOKEN};
use crate::load::{LINES_A_BODY, Settings, bodies, send_all};
use crate::servers::{Kind, Server};
use crate::stats::{median, micros, quantile};
use crate::support::shapes;

/// The connections that send lines, and the pace of each.
const CONNECTIONS: usize = 4;
const EVERY: Duration = Duration::from_millis(20);

/// The time in which a server gets over what was before.
const QUIET: Duration = Duration::from_millis(500);

/// The bytes of a large body: what a server at its defaults takes.
const LARGE_BYTES: usize = 50_000_000;

/// The pause between the bodies of the bulk writer beside flush and compaction.
const BODY_EVERY: Duration = Duration::from_millis(50);

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// What runs beside the requests.
#[derive(Clone, Copy)]
enum Work {
    Bodies,
    Flush,
    Export,
}

/// The times of one run, in this order: lines, `/health`, the echo, the sync.
struct Times([Vec<Duration>; 4]);

const PROBES: [&str; 4] = ["1 line", "/health", "echo", "write + sync"];

/// In milliseconds: the median, the 99th percentile, the longest.
#[derive(Default)]
struct Quantiles {
    middle: Vec<f64>,
    late: Vec<f64>,
    longest: Vec<f64>,
}

pub fn beside(settings: &Settings) {
    println!(
        "beside: one line a request, {CONNECTIONS} connections, {} requests a second, {} s alone and {} s \
         beside the work, median of {}; ms",
        u128::try_from(CONNECTIONS).expect("few") * 1000 / EVERY.as_millis(),
        settings.time.as_secs(),
        settings.time.as_secs(),
        settings.rounds
    );
    println!(
        "    {:<30}{:<14}{:>8}{:>8}{:>8}  {:>8}{:>8}{:>8}{:>10}",
        "", "alone:", "p50", "p99", "max", "p50", "p99", "max", "x p99"
    );
    for work in [Work::Bodies, Work::Flush, Work::Export] {
        let mut alone: [Quantiles; 4] = Default::default();
        let mut beside: [Quantiles; 4] = Default::default();
        let mut times: [Vec<f64>; 4] = Default::default();
        let mut done = String::new();
        for _ in 0..settings.rounds {
            let server = Kind::Tidegate.start_with(work.settings());
            let requests = work.prepare(&server, settings);
            thread::sleep(QUIET);
            let before = measure(server.address, settings.time);
            let ended = AtomicU64::new(0);
            let after = thread::scope(|scope| {
                let until = Instant::now() + QUIET + settings.time;
                work.start(scope, &server, &requests, until, &ended);
                thread::sleep(QUIET);
                measure(server.address, settings.time)
            });
            done = work.done(&server, ended.into_inner());
            for (probe, (before, after)) in before.0.into_iter().zip(after.0).enumerate() {
                let before = alone[probe].add(before);
                times[probe].push(beside[probe].add(after) / before);
            }
        }
        for (probe, name) in PROBES.into_iter().enumerate() {
            println!(
                "    {:<30}{name:<14}{}  {}{:>10.1}",
                if probe == 0 { work.name() } else { "" },
                alone[probe].told(),
                beside[probe].told(),
                median(&mut times[probe])
            );
        }
        println!("        {done}");
    }
}

impl Quantiles {
    /// Adds a run, and returns its 99th percentile.
    fn add(&mut self, mut times: Vec<Duration>) -> f64 {
        let mut of = |permille| micros(quantile(&mut times, permille)) / 1e3;
        let late = of(990);
        self.middle.push(of(500));
        self.late.push(late);
        self.longest.push(of(1000));
        late
    }

    fn told(&mut self) -> String {
        let Self {
            middle,
            late,
            longest,
        } = self;
        let parts = [middle, late, longest].map(|values| format!("{:>8.2}", median(values)));
        parts.concat()
    }
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Bodies => "bodies of 50 MB",
            Self::Flush => "flush and compaction",
            Self::Export => "exports of everything",
        }
    }

    /// The settings of the server. Tables are flushed and joined all the time, if that is the work, and else
    /// as they are.
    fn settings(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Bodies => &[],
            Self::Flush => &[
                ("TIDEGATE_LAKE__FLUSH_BYTES", "1048576"),
                ("TIDEGATE_LAKE__UPKEEP_EVERY_MS", "500"),
                ("TIDEGATE_LAKE__COMPACT_FILES_MIN", "4"),
            ],
            Self::Export => &[("TIDEGATE_LAKE__FLUSH_BYTES", "8388608")],
        }
    }

    /// The requests of the work, made beforehand.
    fn prepare(self, server: &Server, settings: &Settings) -> Vec<Vec<u8>> {
        let text = shapes::tsbs_cpu(settings.lines, 4_000);
        let small = |text: &str| -> Vec<Vec<u8>> {
            let bodies = bodies(text, LINES_A_BODY, false);
            let requests = bodies
                .iter()
                .map(|body| Kind::Tidegate.request(body, false));
            requests.collect()
        };
        match self {
            Self::Bodies => {
                let mut body = Vec::new();
                for line in text.split_inclusive('\n').cycle() {
                    if body.len() + line.len() > LARGE_BYTES {
                        break;
                    }
                    body.extend_from_slice(line.as_bytes());
                }
                vec![Kind::Tidegate.request(&body, false)]
            }
            Self::Flush => small(&text),
            Self::Export => {
                send_all(server, &small(&text), settings.connections);
                let export = format!(
                    "GET /api/v1/export?bucket=bench HTTP/1.1\r\nHost: localhost\r\n\
                     Authorization: Token {TOKEN}\r\nConnection: close\r\n\r\n"
                );
                vec![export.into_bytes()]
            }
        }
    }

    /// Works in a thread of its own until then, and counts what it has finished.
    fn start<'scope>(
        self,
        scope: &'scope Scope<'scope, '_>,
        server: &'scope Server,
        requests: &'scope [Vec<u8>],
        until: Instant,
        done: &'scope AtomicU64,
    ) {
        scope.spawn(move || {
            let mut connection = Connection::open(server.address);
            for request in requests.iter().cycle() {
                match self {
                    Self::Bodies => drop(connection.write(request)),
                    Self::Flush => {
                        connection.write(request);
                        thread::sleep(BODY_EVERY);
                    }
                    Self::Export => export(server.address, request),
                }
                done.fetch_add(1, Ordering::Relaxed);
                if Instant::now() >= until {
                    return;
                }
            }
        });
    }

    fn done(self, server: &Server, ended: u64) -> String {
        let (_, metrics) = Connection::open(server.address).get("/metrics");
        let of = |name: &str| {
            let lines = metrics.lines().filter(|line| line.starts_with(name));
            let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
            values.fold(0.0, |sum, value| sum + value)
        };
        let requests = match self {
            Self::Bodies | Self::Flush => "bodies",
            Self::Export => "exports",
        };
        format!(
            "{ended} {requests}; {} flushes, {} files joined since the start",
            of("tidegate_flushes_total"),
            of("tidegate_upkeep_files_removed_total")
        )
    }
}

/// Asks for an export, and takes all of it.
fn export(address: SocketAddr, request: &[u8]) {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(request).expect("sent");
    let (mut chunk, mut head, mut tail) = (vec![0; 1 << 16], Vec::new(), Vec::new());
    loop {
        let count = stream.read(&mut chunk).expect("answered");
        if count == 0 {
            break;
        }
        if head.is_empty() {
            head.extend_from_slice(&chunk[..count.min(12)]);
        }
        tail.extend_from_slice(&chunk[count.saturating_sub(5)..count]);
        tail.drain(..tail.len().saturating_sub(5));
    }
    assert_eq!(head, b"HTTP/1.1 200", "an export is answered");
    assert_eq!(tail, b"0\r\n\r\n", "all of it has come");
}

/// Sends lines and probes for this time.
fn measure(address: SocketAddr, time: Duration) -> Times {
    let echo = echo(2);
    let health = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let line = lines(0).next().expect("there is no end");
    let line = line.as_slice();
    thread::scope(|scope| {
        let started = Instant::now() + Duration::from_millis(50);
        let pace = move |part: usize| Pace {
            // Not all at once.
            due: started + EVERY * u32::try_from(part).expect("few") / 9,
            until: started + time,
        };
        let writers: Vec<_> = (0..CONNECTIONS)
            .map(|part| {
                scope.spawn(move || {
                    let mut connection = Connection::open(address);
                    let mut lines = lines(part);
                    pace(2 * part).times(|| {
                        let line = lines.next().expect("there is no end");
                        connection.write(&line);
                    })
                })
            })
            .collect();
        let ask = move |address, request: &'static [u8], expected: u16, part| {
            let mut connection = Connection::open(address);
            pace(part).times(|| assert_eq!(connection.ask(request).0, expected))
        };
        let healths = [1, 5].map(|part| scope.spawn(move || ask(address, health, 200, part)));
        let echoes = [3, 7].map(|part| scope.spawn(move || ask(echo, health, 204, part)));
        let sync = scope.spawn(move || {
            let mut file: File = tempfile::tempfile().expect("a file");
            pace(8).times(|| {
                file.write_all(line).expect("a disk");
                file.sync_data().expect("a disk");
            })
        });
        let all = |threads: Vec<thread::ScopedJoinHandle<'_, Vec<Duration>>>| {
            let times = threads.into_iter().map(|thread| thread.join());
            times.flat_map(|times| times.expect("no panic")).collect()
        };
        Times([
            all(writers),
            all(healths.into()),
            all(echoes.into()),
            all(vec![sync]),
        ])
    })
}

struct Pace {
    due: Instant,
    until: Instant,
}

impl Pace {
    /// Calls it at this pace, and returns how long each took.
    fn times(self, mut ask: impl FnMut()) -> Vec<Duration> {
        let (mut times, mut due, mut answered) = (Vec::new(), self.due, self.due);
        while due < self.until {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let from = if answered > due { due } else { Instant::now() };
            ask();
            answered = Instant::now();
            times.push(answered - from);
            due += EVERY;
        }
        times
    }
}

/// Writes of one line each, of a series of its own.
fn lines(part: usize) -> impl Iterator<Item = Vec<u8>> {
    let mut time_ns = 1_451_606_400_000_000_000_u64;
    std::iter::from_fn(move || {
        time_ns += 1_000_000;
        let line = format!("sensor,part={part} value=21.5 {time_ns}\n");
        Some(Kind::Tidegate.request(line.as_bytes(), false))
    })
}

/// Answers whatever so many connections send, each in a thread of its own.
fn echo(connections: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    for _ in 0..connections {
        let listener = listener.try_clone().expect("a socket");
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.set_nodelay(true).expect("a socket");
            let mut chunk = [0; 4096];
            while stream.read(&mut chunk).is_ok_and(|count| count > 0) {
                stream.write_all(ANSWER).expect("sent");
            }
        });
    }
    address
}
