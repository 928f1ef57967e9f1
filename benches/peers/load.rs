//! What is measured, and the tables.

use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::client::{Connection, crowd, on_threads};
use crate::servers::{Kind, Server};
use crate::stats::{median, micros, quantile};
use crate::support::shapes;

pub const LINES_A_BODY: usize = 5000;
const CROWD: usize = 64;

/// What a server does by itself after the last answer counts as far as it is done by then.
const SETTLING: Duration = Duration::from_secs(2);

pub struct Settings {
    pub lines: u64,
    pub rounds: usize,
    pub connections: usize,
    pub time: Duration,
}

impl Settings {
    pub fn from_environment() -> Self {
        let number = |name: &str, default| {
            let text = std::env::var(name).ok();
            text.map_or(default, |text| text.parse().expect("a number"))
        };
        Self {
            lines: number("TIDEGATE_LINES", 200_000),
            rounds: usize::try_from(number("TIDEGATE_ROUNDS", 5)).expect("small"),
            connections: usize::try_from(number("TIDEGATE_CONNECTIONS", 4)).expect("small"),
            time: Duration::from_secs(number("TIDEGATE_SECONDS", 10)),
        }
    }
}

/// Processor seconds for a million lines, and lines per second.
#[derive(Default)]
struct Bulk {
    cpu: Vec<f64>,
    rates: Vec<f64>,
}

pub fn bulk(kinds: &[Kind], settings: &Settings) {
    println!(
        "bulk: {} lines in bodies of {LINES_A_BODY}, {} connections, median of {}",
        settings.lines, settings.connections, settings.rounds
    );
    println!(
        "    {:<14}{:<7}{:<18}{:>14}{:>12}{:>12}{:>12}",
        "shape", "coding", "server", "CPU s/M lines", "of victoria", "lines/s", "x victoria"
    );
    let lines = settings.lines;
    for (shape, text) in [
        ("telegraf mix", signed(&shapes::telegraf(lines))),
        ("tsbs cpu", shapes::tsbs_cpu(lines, 4_000)),
        ("iot", shapes::iot(lines)),
    ] {
        for (coding, is_gzip) in [("plain", false), ("gzip", true)] {
            let bodies = bodies(&text, LINES_A_BODY, is_gzip);
            let mut taken: Vec<Bulk> = kinds.iter().map(|_| Bulk::default()).collect();
            for _ in 0..settings.rounds {
                for (kind, taken) in kinds.iter().zip(&mut taken) {
                    let requests: Vec<_> =
                        bodies.iter().map(|b| kind.request(b, is_gzip)).collect();
                    let server = kind.start();
                    let before = server.cpu_seconds();
                    let seconds = send_all(&server, &requests, settings.connections);
                    std::thread::sleep(SETTLING);
                    let cpu = server.cpu_seconds() - before;
                    taken.cpu.push(cpu * 1e6 / lines as f64);
                    taken.rates.push(lines as f64 / seconds);
                }
            }
            let figures: Vec<(Kind, f64, f64)> = kinds
                .iter()
                .zip(&mut taken)
                .map(|(kind, taken)| (*kind, median(&mut taken.cpu), median(&mut taken.rates)))
                .collect();
            let victoria = figures.iter().find(|(kind, ..)| *kind == Kind::Victoria);
            for (kind, cpu, rate) in &figures {
                let (part, times) = victoria
                    .map_or((f64::NAN, f64::NAN), |(_, base, base_rate)| {
                        (base / cpu, rate / base_rate)
                    });
                println!(
                    "    {shape:<14}{coding:<7}{:<18}{cpu:>14.2}{:>12}{rate:>12.0}{times:>12.2}",
                    kind.name(),
                    format!("1/{part:.1}"),
                );
            }
        }
    }
}

/// With signed integers instead of unsigned ones, which influxdb 1.x does not know.
fn signed(text: &str) -> String {
    text.replace("u,", "i,").replace("u ", "i ")
}

/// Sends every request once, and returns how many seconds that took.
pub fn send_all(server: &Server, requests: &[Vec<u8>], connections: usize) -> f64 {
    let next = AtomicUsize::new(0);
    let (_, elapsed) = on_threads(connections, |_| {
        let mut connection = Connection::open(server.address);
        while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
            connection.write(request);
        }
    });
    elapsed.as_secs_f64()
}

pub fn bodies(text: &str, lines_a_body: usize, is_gzip: bool) -> Vec<Vec<u8>> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let pieces = lines.chunks(lines_a_body).map(<[&str]>::concat);
    let bodies = pieces.map(|body| match is_gzip {
        true => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body.as_bytes()).expect("memory");
            encoder.finish().expect("memory")
        }
        false => body.into_bytes(),
    });
    bodies.collect()
}

pub fn one(kinds: &[Kind], settings: &Settings) {
    println!(
        "one client, the median answer, and that of a loop that writes the same bytes and syncs:"
    );
    println!(
        "    {:<14}{:<18}{:>10}{:>12}{:>16}",
        "body", "server", "ms", "loop ms", "CPU us/request"
    );
    for (name, lines_a_body, count) in [("5000 lines", 5000, 40), ("1 line", 1, 2000)] {
        let text = shapes::tsbs_cpu(lines_a_body * count, 4_000);
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let size = usize::try_from(lines_a_body).expect("small");
        let bodies: Vec<String> = lines.chunks(size).map(<[&str]>::concat).collect();
        for kind in kinds {
            let (mut answers, mut loops, mut cpus) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..settings.rounds {
                let server = kind.start();
                let mut connection = Connection::open(server.address);
                let before = server.cpu_seconds();
                let mut times: Vec<Duration> = bodies
                    .iter()
                    .map(|body| connection.write(&kind.request(body.as_bytes(), false)))
                    .collect();
                let cpu = server.cpu_seconds() - before;
                answers.push(micros(quantile(&mut times, 500)) / 1e3);
                cpus.push(cpu * 1e6 / bodies.len() as f64);
                loops.push(bare(&bodies));
            }
            println!(
                "    {name:<14}{:<18}{:>10.2}{:>12.2}{:>16.0}",
                kind.name(),
                median(&mut answers),
                median(&mut loops),
                median(&mut cpus)
            );
        }
    }
}

/// The median time in which a body is appended to a file and synced, in milliseconds.
fn bare(bodies: &[String]) -> f64 {
    let mut file = tempfile::tempfile().expect("a file");
    let mut times: Vec<Duration> = bodies
        .iter()
        .map(|body| {
            let started = Instant::now();
            file.write_all(body.as_bytes()).expect("a disk");
            file.sync_data().expect("a disk");
            started.elapsed()
        })
        .collect();
    micros(quantile(&mut times, 500)) / 1e3
}

pub fn small(kinds: &[Kind], settings: &Settings) {
    const SECONDS: Duration = Duration::from_secs(3);
    println!(
        "small: one line a request, {CROWD} connections, median of {}",
        settings.rounds
    );
    println!(
        "    {:<18}{:>12}{:>16}",
        "server", "requests/s", "CPU us/request"
    );
    let line = shapes::tsbs_cpu(1, 4_000);
    let mut taken: Vec<Bulk> = kinds.iter().map(|_| Bulk::default()).collect();
    for _ in 0..settings.rounds {
        for (kind, taken) in kinds.iter().zip(&mut taken) {
            let server: Server = kind.start();
            let before = server.cpu_seconds();
            let request = kind.request(line.as_bytes(), false);
            let rate = crowd(server.address, CROWD, &request, SECONDS);
            let cpu = server.cpu_seconds() - before;
            taken.cpu.push(cpu * 1e6 / (rate * SECONDS.as_secs_f64()));
            taken.rates.push(rate);
        }
    }
    for (kind, taken) in kinds.iter().zip(&mut taken) {
        println!(
            "    {:<18}{:>12.0}{:>16.0}",
            kind.name(),
            median(&mut taken.rates),
            median(&mut taken.cpu)
        );
    }
}
