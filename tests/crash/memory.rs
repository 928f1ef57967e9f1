//! More load than memory. Whatever the shape of the points, the server's peak stays within a
//! quarter above its budget while it flushes, it refuses with 503 what does not fit, keeps what it
//! acknowledged, and continues to answer. Run by `tests/scripts/memory.sh`, which makes the memory cgroup.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::http::Client;
use crate::server::{BUCKET, Server, Setup};
use crate::shapes::{SHAPES, Shape};
use crate::writers::{gzip, retry_after};

const BUDGET_BYTES: u64 = 256 << 20;
const PEAK_BYTES_MAX: u64 = BUDGET_BYTES / 4 * 5;
const CLIENTS: u64 = 12;
/// The time for which the load continues after the first refusal.
const OVERLOAD: Duration = Duration::from_secs(4);
const LOAD_MAX: Duration = Duration::from_secs(25);
/// The text that a sustained load sends: ten times the budget.
const SUSTAINED_BYTES: u64 = 10 * BUDGET_BYTES;
/// The longest time that it may take.
const SUSTAINED_MAX: Duration = Duration::from_secs(300);
/// `/health` is for probes that give up soon.
const HEALTH_MAX: Duration = Duration::from_secs(2);

/// The record of all clients together.
#[derive(Debug, Default)]
struct Totals {
    stop: AtomicBool,
    sent: AtomicU64,
    acknowledged: AtomicU64,
    acknowledged_bytes: AtomicU64,
    refused: AtomicU64,
}

#[test]
#[ignore = "run by tests/scripts/memory.sh, which makes a memory cgroup"]
fn the_memory_budget_holds_under_every_shape_of_load() {
    let only = std::env::var("TIDEGATE_SHAPE").ok();
    let mut wrong = Vec::new();
    for shape in SHAPES {
        if only.as_deref().is_none_or(|only| only == shape.name)
            && let Err(told) = overload(shape)
        {
            println!("{}: WRONG: {told}", shape.name);
            wrong.push(format!("{}: {told}", shape.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ten times the budget, on the bounded server and on one with memory for all of it.
#[test]
#[ignore = "run by tests/scripts/memory.sh, which makes a memory cgroup"]
fn ten_times_the_budget_goes_through_at_half_the_speed_of_a_server_without_bounds() {
    let shape = SHAPES.first().expect("a shape");
    let (unbounded, _) = sustained(shape, 16 * BUDGET_BYTES, None);
    let cgroup = std::env::var("TIDEGATE_TEST_CGROUP").ok();
    let (bounded, peak_bytes) = sustained(shape, BUDGET_BYTES, cgroup.as_deref());
    println!(
        "{}: {:.1} MiB/s of text with {} MiB, {:.1} with {} MiB: {:.2}; peak {} MiB",
        shape.name,
        bounded / f64::from(1 << 20),
        BUDGET_BYTES >> 20,
        unbounded / f64::from(1 << 20),
        (16 * BUDGET_BYTES) >> 20,
        bounded / unbounded,
        peak_bytes >> 20,
    );
    assert!(
        peak_bytes <= PEAK_BYTES_MAX,
        "the peak is above 1.25 times the budget"
    );
    assert!(bounded >= unbounded / 2.0, "less than half");
}

/// Bytes of text acknowledged per second, and the peak of memory.
fn sustained(shape: &Shape, budget_bytes: u64, cgroup: Option<&str>) -> (f64, u64) {
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(home.path(), &[("MEMORY__BUCKET_PERCENT", "100")]);
    setup.set("MEMORY__BUDGET_BYTES", &budget_bytes.to_string());
    setup.set("LOG__LEVEL", "error");
    if let Some(cgroup) = cgroup {
        let enter = format!("echo $$ > {cgroup}/cgroup.procs && exec \"$0\" \"$@\"");
        setup.wrap(&["sh", "-c", &enter]);
    }
    let mut server = setup.start();
    server.until_ready();
    let totals = Totals::default();
    let (address, started) = (server.address, Instant::now());
    let taken = std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let totals = &totals;
            scope.spawn(move || write(address, shape, client, totals));
        }
        let is_enough = || totals.acknowledged_bytes.load(Ordering::Relaxed) > SUSTAINED_BYTES;
        let done = server.until(SUSTAINED_MAX, is_enough);
        let taken = started.elapsed();
        totals.stop.store(true, Ordering::Relaxed);
        assert!(done.is_some(), "it took too long:\n{}", server.log());
        taken
    });
    let peak_bytes = server.peak_bytes();
    let acknowledged = totals.acknowledged.load(Ordering::Relaxed);
    let recovered = count_lines(&server).expect("memory for an export");
    assert!(
        acknowledged <= recovered,
        "LOST points: {recovered} of {acknowledged}"
    );
    assert!(
        recovered <= totals.sent.load(Ordering::Relaxed),
        "points that nobody sent"
    );
    server.kill();
    let bytes = totals.acknowledged_bytes.load(Ordering::Relaxed);
    #[allow(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = bytes as f64 / taken.as_secs_f64();
    (rate, peak_bytes)
}

fn overload(shape: &Shape) -> Result<(), String> {
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(home.path(), &[("MEMORY__BUCKET_PERCENT", "100")]);
    setup.set("MEMORY__BUDGET_BYTES", &BUDGET_BYTES.to_string());
    setup.set("LIMITS__SERIES_MAX", "100000000");
    setup.set("LOG__LEVEL", "error");
    let cgroup = std::env::var("TIDEGATE_TEST_CGROUP").ok();
    if let Some(cgroup) = &cgroup {
        let enter = format!("echo $$ > {cgroup}/cgroup.procs && exec \"$0\" \"$@\"");
        setup.wrap(&["sh", "-c", &enter]);
    }
    let mut server = setup.start();
    server.until_ready();
    let totals = Totals::default();
    let health = load(&mut server, shape, &totals);
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let (sent, acknowledged) = (of(&totals.sent), of(&totals.acknowledged));
    let peak_bytes = server.peak_bytes();
    // A full server may refuse to export; what it does export is within the bounds.
    let exported = count_lines(&server);
    let export_peak_bytes = server.peak_bytes();
    server.kill();
    let mut server = setup.start();
    server.until_ready();
    let replay_peak_bytes = server.peak_bytes();
    server.kill();
    setup.wrap(&[]);
    setup.set("MEMORY__BUDGET_BYTES", &(8 * BUDGET_BYTES).to_string());
    let mut server = setup.start();
    server.until_ready();
    let recovered = count_lines(&server).expect("memory for an export");
    server.kill();
    println!(
        "{}: acknowledged {acknowledged} <= recovered {recovered} <= sent {sent} points, {} refusals; \
         peak {} MiB, with an export ({}) {} MiB, replaying {} MiB; /health within {} ms",
        shape.name,
        of(&totals.refused),
        peak_bytes >> 20,
        exported.map_or("refused".to_owned(), |lines| format!("{lines} lines")),
        export_peak_bytes >> 20,
        replay_peak_bytes >> 20,
        health.as_millis(),
    );
    let peak_bytes = peak_bytes.max(export_peak_bytes).max(replay_peak_bytes);
    let expect = |is_so: bool, what: &str| if is_so { Ok(()) } else { Err(what.to_owned()) };
    expect(acknowledged > 0, "nothing was acknowledged")?;
    expect(acknowledged <= recovered, "LOST points")?;
    expect(recovered <= sent, "points that nobody sent")?;
    expect(
        exported.is_none_or(|lines| lines == recovered),
        "the export before was another",
    )?;
    expect(
        peak_bytes <= PEAK_BYTES_MAX,
        "the peak is above 1.25 times the budget",
    )?;
    expect(health <= HEALTH_MAX, "/health took too long")
}

/// Clients write until memory has been full for a while; the longest that `/health` took.
fn load(server: &mut Server, shape: &Shape, totals: &Totals) -> Duration {
    let address = server.address;
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            scope.spawn(move || write(address, shape, client, totals));
        }
        let health = scope.spawn(|| watch_health(address, totals));
        let is_enough = || {
            totals.refused.load(Ordering::Relaxed) > 0
                || totals.acknowledged_bytes.load(Ordering::Relaxed) > SUSTAINED_BYTES
        };
        let full = server.until(LOAD_MAX, is_enough);
        if full.is_some() {
            std::thread::sleep(OVERLOAD);
        }
        totals.stop.store(true, Ordering::Relaxed);
        assert!(
            !server.has_ended(),
            "the server has died:\n{}",
            server.log()
        );
        health.join().expect("answers")
    })
}

fn write(address: SocketAddr, shape: &Shape, client: u64, totals: &Totals) {
    let mut http = Client::new(address);
    let mut number = 0;
    while !totals.stop.load(Ordering::Relaxed) {
        let body = shape.body(client, number);
        number += shape.lines;
        totals.sent.fetch_add(shape.lines, Ordering::Relaxed);
        let answer = if client.is_multiple_of(2) {
            http.write(BUCKET, "Content-Encoding: gzip\r\n", &gzip(body.as_bytes()))
        } else {
            http.write(BUCKET, "", body.as_bytes())
        };
        let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", shape.name));
        match answer.status {
            204 => {
                totals
                    .acknowledged
                    .fetch_add(shape.lines, Ordering::Relaxed);
                let bytes = u64::try_from(body.len()).expect("a length");
                totals
                    .acknowledged_bytes
                    .fetch_add(bytes, Ordering::Relaxed);
            }
            503 => {
                retry_after(&answer);
                totals.refused.fetch_add(1, Ordering::Relaxed);
                // Much sooner than asked for: this is a bad client.
                std::thread::sleep(Duration::from_millis(20));
            }
            status => panic!("{}: {status}: {:.300}", shape.name, answer.text()),
        }
    }
}

fn watch_health(address: SocketAddr, totals: &Totals) -> Duration {
    let mut longest = Duration::ZERO;
    let mut client = Client::new(address);
    while !totals.stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        let answer = client.get("/health").expect("an answer");
        assert!(matches!(answer.status, 200 | 503), "{answer:?}");
        longest = longest.max(started.elapsed());
        std::thread::sleep(Duration::from_millis(50));
    }
    longest
}

/// The number of lines of an export, if there is memory for it.
fn count_lines(server: &Server) -> Option<u64> {
    let (mut lines, mut start) = (0, Vec::new());
    let mut count = |bytes: &[u8]| {
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        start.extend(bytes.iter().take(1000_usize.saturating_sub(start.len())));
    };
    let answer = server
        .client()
        .get_into(&format!("/api/v1/export?bucket={BUCKET}"), &mut count);
    // Where it had begun and ran out of memory the connection broke, so that nobody takes a part
    // for the whole.
    let mut answer = answer.ok()?;
    if answer.status == 200 {
        return Some(lines);
    }
    answer.body = start;
    retry_after(&answer);
    None
}
