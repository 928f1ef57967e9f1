//! A day of a fleet, in a hurry: the tables afterwards, their cost, and how
//! soon a server with many files is ready. Long, hence run by hand; see `tests/scripts/lake_day.sh`.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Instant;

use crate::http::Client;
use crate::server::{BUCKET, Server, Setup};
use crate::setting;

const START_NS: u64 = 1_790_035_200_000_000_000; // 2026-09-22T00:00:00Z
const INTERVAL_S: u64 = 10;
const CLIENTS: u64 = 4;
const BYTES_A_ROW_MAX: f64 = 12.0;
const READY_MAX_MS: u128 = 5000;

/// Numbers that wander as gauges do: most values are near the one before.
fn gauge(seed: u64, step: u64) -> f64 {
    let noise = crate::random::mix(seed << 32 ^ step) % 41;
    let wave = (seed % 97 + step / 6) % 200;
    (wave as f64 + noise as f64) / 10.0
}

/// One host's lines of one interval: measurements of Telegraf's kinds.
fn lines(out: &mut String, measurements: u64, host: u64, step: u64) {
    let time = START_NS + step * INTERVAL_S * 1_000_000_000;
    for table in 0..measurements {
        let seed = table << 16 | host;
        let _ = write!(out, "m{table:03},dc=eu-{},host=host-{host:02} ", host % 3);
        match table % 4 {
            // As cpu, in percent.
            0 => {
                let busy = gauge(seed, step);
                let _ = write!(out, "usage_user={busy:.1},usage_idle={:.1}", 100.0 - busy);
            }
            // As net: counters.
            1 => {
                let sent = seed * 1000 + step * (1000 + seed % 700);
                let _ = write!(out, "bytes_sent={sent}i,bytes_recv={}i,err_in=0i", sent * 3);
            }
            // As mem: large gauges.
            2 => {
                let pages = crate::random::mix(seed << 32 ^ step) % 41 + step / 6 % 200;
                let used = 4_000_000_000 + pages * (4096 << 8);
                let _ = write!(
                    out,
                    "total=16000000000i,used={used}i,used_percent={:.1}",
                    used as f64 / 1.6e8
                );
            }
            // As a status.
            _ => {
                let up = seed * 7 + step * INTERVAL_S;
                let _ = write!(out, "uptime={up}i,state=\"running\",ok=true");
            }
        }
        let _ = writeln!(out, " {time}");
    }
}

#[test]
#[ignore = "run by tests/scripts/lake_day.sh"]
fn a_day_of_a_fleet_takes_few_bytes_a_row_and_little_memory() {
    let (measurements, hosts) = (
        setting("TIDEGATE_MEASUREMENTS", 8),
        setting("TIDEGATE_HOSTS", 20),
    );
    let steps = setting("TIDEGATE_HOURS", 2) * 3600 / INTERVAL_S;
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(home.path(), &[("MEMORY__BUCKET_PERCENT", "100")]);
    setup.set("MEMORY__BUDGET_BYTES", &(256 << 20).to_string());
    setup.set("LAKE__VACUUM_AGE_MS", "0");
    setup.set("LAKE__UPKEEP_EVERY_MS", "20000");
    setup.set("LOG__LEVEL", "warn");
    let mut server = setup.start();
    server.until_ready();
    let started = Instant::now();
    let raw: u64 = std::thread::scope(|scope| {
        let clients = (0..CLIENTS).map(|client| {
            let address = server.address;
            scope.spawn(move || write(address, (measurements, hosts, steps), client))
        });
        let clients: Vec<_> = clients.collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("written"))
            .sum()
    });
    let rows = measurements * hosts * steps;
    let seconds = started.elapsed().as_secs_f64();
    let flat_bytes = server.peak_bytes();
    for what in ["flush", "compact", "vacuum"] {
        post(&server, what);
    }
    let tables = status(&server);
    let sum = |key: &str| {
        tables
            .iter()
            .map(|table| table[key].as_u64().expect("a number"))
            .sum::<u64>()
    };
    let (files, bytes) = (sum("files"), sum("bytes"));
    println!(
        "{rows} rows of {measurements} measurements in {seconds:.0} s: {files} files, {bytes} bytes, {:.2} a row, \
         {:.1} of line protocol; peak of memory {} MiB",
        bytes as f64 / rows as f64,
        raw as f64 / rows as f64,
        flat_bytes >> 20
    );
    assert_eq!(sum("rows"), rows);
    assert!(
        bytes as f64 / (rows as f64) <= BYTES_A_ROW_MAX,
        "too many bytes a row"
    );
    assert!(
        flat_bytes <= (256 << 20) / 4 * 5,
        "memory grew past its bounds"
    );
    server.stop();
    let ready = Instant::now();
    let mut server = setup.start();
    server.until_ready();
    let ready_ms = ready.elapsed().as_millis();
    println!("ready after {ready_ms} ms");
    assert!(ready_ms <= READY_MAX_MS);
    server.stop();
}

/// Files that nobody joins, and a restart.
#[test]
#[ignore = "run by tests/scripts/lake_day.sh"]
fn a_server_with_many_files_is_ready_soon() {
    let (tables, files) = (
        setting("TIDEGATE_TABLES", 10),
        setting("TIDEGATE_FILES", 200),
    );
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(
        home.path(),
        &[("LAKE__UPKEEP_EVERY_MS", "0"), ("LOG__LEVEL", "warn")],
    );
    let mut server = setup.start();
    server.until_ready();
    let mut client = Client::new(server.address);
    for round in 0..files.div_ceil(tables) {
        let mut body = String::new();
        for table in 0..tables {
            let _ = writeln!(body, "t{table},a=b v={round}i {}", START_NS + round);
        }
        let answer = client
            .write(BUCKET, "", body.as_bytes())
            .expect("an answer");
        assert_eq!(answer.status, 204, "{}", answer.text());
        post(&server, "flush");
    }
    let count: u64 = status(&server)
        .iter()
        .map(|table| table["files"].as_u64().expect("a number"))
        .sum();
    assert!(count >= files);
    server.kill();
    let ready = Instant::now();
    let mut server = setup.start();
    server.until_ready();
    let ready_ms = ready.elapsed().as_millis();
    println!("{count} files in {tables} tables: ready after {ready_ms} ms");
    assert!(ready_ms <= READY_MAX_MS);
    server.stop();
}

fn write(address: SocketAddr, (measurements, hosts, steps): (u64, u64, u64), client: u64) -> u64 {
    let mut http = Client::new(address);
    let mut raw = 0;
    for step in 0..steps {
        let mut body = String::new();
        for host in (0..hosts).filter(|host| host % CLIENTS == client) {
            lines(&mut body, measurements, host, step);
        }
        raw += body.len() as u64;
        loop {
            let answer = http.write(BUCKET, "", body.as_bytes()).expect("an answer");
            match answer.status {
                204 => break,
                503 => std::thread::sleep(std::time::Duration::from_millis(50)),
                status => panic!("{status}: {}", answer.text()),
            }
        }
    }
    raw
}

fn post(server: &Server, what: &str) {
    let request = format!(
        "POST /api/v1/lake/{what} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
    );
    let mut text = Vec::new();
    let mut client = server.client();
    let answer = client.ask(request.as_bytes(), &mut |bytes| {
        text.extend_from_slice(bytes)
    });
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{what}");
    let text = String::from_utf8_lossy(&text);
    assert!(text.contains("\"failed\":0"), "{what}: {text}");
}

fn status(server: &Server) -> Vec<serde_json::Value> {
    let answer = server.client().get("/api/v1/lake").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let status: serde_json::Value = serde_json::from_str(&answer.text()).expect("JSON");
    status["tables"].as_array().expect("tables").clone()
}
