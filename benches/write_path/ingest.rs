//! Lines per second end to end, the use of CPU time, and the effect on others meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::bodies::{self, Bodies};
use crate::client::on_threads;
use crate::cpu::{self, Usage};
use crate::server::{self, Server};
use crate::stats::{median, micros, quantile, verdict};

/// Each is a server of its own; the median counts.
const ROUNDS: usize = 3;
const BODIES: usize = 40;
const HEALTH_MAX: Duration = Duration::from_millis(50);

/// One run: all bodies written once.
struct Run {
    /// Seconds.
    elapsed: f64,
    /// Nanoseconds of CPU a line: the server's runtime, the log's thread, the one that applies.
    runtime: f64,
    wal: f64,
    apply: f64,
    clients: f64,
    /// Seconds that the log was being synced.
    sync: f64,
    health: Vec<Duration>,
}

pub fn run(folder: &Path) {
    let shapes = bodies::all(BODIES);
    println!(
        "ingest, bodies of {} lines, {BODIES} of them, median of {ROUNDS}; CPU of the server in ns a line:",
        bodies::LINES
    );
    println!(
        "    {:<17} {:<8} {:>7} {:>9} {:>6} {:>7} | {:>7} {:>5} {:>6} {:>6} | {:>7}",
        "shape",
        "coding",
        "clients",
        "lines/s",
        "MB/s",
        "sync s",
        "runtime",
        "wal",
        "apply",
        "all",
        "clients"
    );
    let mut health = Vec::new();
    for shape in &shapes {
        for (coding, requests) in [("identity", &shape.identity), ("gzip", &shape.gzip)] {
            for clients in [1, 4] {
                let run = |round: usize| {
                    let name = format!("{}-{coding}-{clients}-{round}", shape.name);
                    measure(&folder.join(name), shape, requests, clients)
                };
                let mut runs: Vec<Run> = (0..ROUNDS).map(run).collect();
                print(shape, coding, clients, &runs);
                runs.iter_mut()
                    .filter(|_| clients > 1)
                    .for_each(|run| health.append(&mut run.health));
            }
        }
    }
    let most = quantile(&mut health, 1000);
    let (middle, p99) = (quantile(&mut health, 500), quantile(&mut health, 990));
    println!(
        "    /health meanwhile, 4 clients: median {:.0} us, p99 {:.0} us, most {:.0} us of {}; target {} ms: {}",
        micros(middle),
        micros(p99),
        micros(most),
        health.len(),
        HEALTH_MAX.as_millis(),
        verdict(most < HEALTH_MAX)
    );
}

fn measure(folder: &Path, shape: &Bodies, requests: &[Vec<u8>], clients: usize) -> Run {
    let server = Server::start(folder);
    let (next, ended) = (AtomicUsize::new(0), AtomicBool::new(false));
    let sync = server.metric("wal_sync_duration_seconds_sum");
    let before = Usage::now();
    let ((used, elapsed, after), health) = std::thread::scope(|scope| {
        let health = scope.spawn(|| watch_health(&server, &ended));
        let (used, elapsed) = on_threads(clients, |_| {
            let mut connection = server.connect();
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                connection.write(request);
            }
            cpu::of_this_thread()
        });
        ended.store(true, Ordering::Relaxed);
        let measured = (used.iter().sum::<Duration>(), elapsed, Usage::now());
        (measured, health.join().expect("no panic"))
    });
    let sync = server.metric("wal_sync_duration_seconds_sum") - sync;
    server.stop();
    let per_line = |time: Duration| time.as_secs_f64() * 1e9 / shape.lines() as f64;
    let a_line = |name| per_line(after.since(&before, name));
    Run {
        elapsed: elapsed.as_secs_f64(),
        runtime: a_line(server::THREADS),
        wal: a_line("wal"),
        apply: a_line("apply"),
        clients: per_line(used),
        sync,
        health,
    }
}

/// Asks every 5 ms how the server is.
fn watch_health(server: &Server, ended: &AtomicBool) -> Vec<Duration> {
    let mut connection = server.connect();
    let mut times = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let started = Instant::now();
        assert_eq!(connection.get("/health").0, 200);
        times.push(started.elapsed());
        std::thread::sleep(Duration::from_millis(5));
    }
    times
}

fn print(shape: &Bodies, coding: &str, clients: usize, runs: &[Run]) {
    let middle = |value: fn(&Run) -> f64| median(&mut runs.iter().map(value).collect::<Vec<_>>());
    let elapsed = middle(|run| run.elapsed);
    println!(
        "    {:<17} {coding:<8} {clients:>7} {:>9.0} {:>6.0} {:>7.2} | {:>7.0} {:>5.0} {:>6.0} {:>6.0} | {:>7.0}",
        shape.name,
        shape.lines() as f64 / elapsed,
        shape.text_bytes as f64 / 1e6 / elapsed,
        middle(|run| run.sync),
        middle(|run| run.runtime),
        middle(|run| run.wal),
        middle(|run| run.apply),
        middle(|run| run.runtime + run.wal + run.apply),
        middle(|run| run.clients),
    );
}
