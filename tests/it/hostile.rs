//! Thousands of requests that were made by chance or damaged by chance, all to one server. It
//! must never answer with a fault of its own, never panic, and continue to serve. Everything follows
//! from the seed, which is printed when a request is not answered as it should be.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;

use crate::client::{Client, PATIENCE, Request};
use crate::random::Random;
use crate::server::{Server, TOKEN, until};
use crate::write::gzip::gzip;

/// The longest silence of a client. All is sent at once: a longer silence is the machine's.
const SILENCE_MAX: Duration = Duration::from_secs(20);

const SEED: u64 = 0x7469_6465;

/// Panics outside of the tests' own files.
static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Counts panics of the program; those of tests only fail their test.
fn count_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic
                .location()
                .is_none_or(|place| !place.file().starts_with("tests/"))
            {
                PANICS.fetch_add(1, Ordering::Relaxed);
            }
            report(panic);
        }));
    });
}

const LINES: &[&str] = &[
    "home,room=Kitchen temp=21.5,n=3i,on=t 1700000000000000000\n",
    "cpu,host=a\\ b,region=eu\\,west u=5u,s=\"a \\\"quoted\\\" \\\\ text\"\n",
    "m f=1 1\r\n",
    "# a comment\n",
    "\n",
    "w s=\"over\nlines\" 5\n",
    "home temp=\"wrong\" 2\n",
    "time time=1\n",
    "m,time=x f=1\n",
    "ä,ö=ü ß=1e308,x=-0,y=1e-320 -9223372036854775806\n",
    "m f=99999999999999999999i\n",
    "\u{feff}m f=1\n",
];

/// A body of lines, some damaged.
fn lines(random: &mut Random) -> Vec<u8> {
    let mut body = Vec::new();
    for _ in 0..random.below(12) {
        body.extend_from_slice(random.pick(LINES).as_bytes());
    }
    if random.one_in(8) {
        // Past what is parsed in place, so that slices and tasks have their turn.
        body = body.repeat(1 + 300_000 / (body.len() + 1));
    }
    if random.one_in(2) {
        damage(random, &mut body, 6);
    }
    body
}

/// Flips, cuts, doubles and inserts bytes.
fn damage(random: &mut Random, bytes: &mut Vec<u8>, times: usize) {
    const ODD: &[u8] = b"\0\r\n\t \",=\\#:%&;\x7f\x80\xc3\xff0i\x1f\x8b";
    for _ in 0..=random.below(times) {
        let at = random.below(bytes.len() + 1);
        match random.below(5) {
            0 if at < bytes.len() => bytes[at] = random.byte(),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 => bytes.truncate(at),
            3 => {
                let end = at + random.below(bytes.len() - at + 1).min(2000);
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => bytes.insert(at, *random.pick(ODD)),
        }
    }
}

fn body(random: &mut Random) -> Vec<u8> {
    match random.below(4) {
        0 => (0..random.below(400)).map(|_| random.byte()).collect(),
        _ => lines(random),
    }
}

fn target(random: &mut Random) -> String {
    const PATHS: &[&str] = &[
        "/api/v2/write",
        "/api/v1/export",
        "/ping",
        "/health",
        "/ready",
        "/metrics",
        "/api/v2/query",
        "/x",
        "*",
        "//",
        "/%00",
        "/api/v2/write/../export",
    ];
    const PAIRS: &[&str] = &[
        "bucket=b",
        "bucket=",
        "bucket=%ff",
        "bucket=a%00",
        "org=o",
        "org=",
        "precision=s",
        "precision=u",
        "precision=h",
        "accept_partial=false",
        "accept_partial=maybe",
        "measurement=m",
        "measurement=home",
        "format=arrow",
        "format=csv",
        "start=0",
        "end=9999999999999999999",
        "start=2024-01-01T00:00:00Z",
        "verbose=true",
        "%zz=%",
        "=",
        "bucket=0000000000000001",
        "x",
    ];
    let path = if random.one_in(3) {
        random.pick(PATHS)
    } else {
        PATHS[0]
    };
    let mut pairs: Vec<&str> = (0..random.below(4)).map(|_| *random.pick(PAIRS)).collect();
    if random.one_in(2) {
        pairs.insert(0, "bucket=b");
    }
    format!("{path}?{}", pairs.join("&"))
}

/// A whole request, most of the time one that gets as far as the parser.
fn request(random: &mut Random) -> Request {
    const METHODS: &[&str] = &["GET", "POST", "PUT", "OPTIONS", "DELETE", "BREW"];
    const HEADERS: &[(&str, &str)] = &[
        ("Content-Encoding", "br"),
        ("Content-Encoding", "identity"),
        ("Content-Type", "x/y"),
        ("Accept", "a/b"),
        ("Origin", "https://a"),
        ("Connection", "upgrade"),
        ("Upgrade", "h2c"),
        ("Range", "bytes=0-"),
        ("Cookie", "x=y"),
        ("TE", "trailers"),
        ("X", "\u{fffd}"),
    ];
    let method = if random.one_in(4) {
        random.pick(METHODS)
    } else {
        "POST"
    };
    let mut request = Request::new(method, target(random)).body(body(random));
    if !random.one_in(10) {
        request = request.token(TOKEN);
    }
    if random.one_in(4) {
        let mut zipped = gzip(&request.body);
        if random.one_in(2) {
            damage(random, &mut zipped, 3);
        }
        request = request.body(zipped).header("Content-Encoding", "gzip");
    }
    if random.one_in(5) {
        request = request.header("Transfer-Encoding", "chunked");
    }
    for _ in 0..random.below(2) {
        let (name, value) = random.pick(HEADERS);
        request = request.header(name, value);
    }
    request
}

/// Sends bytes, says that nothing follows, and reads whatever is answered. [`Client`] checks that
/// errors are JSON and what else holds for every answer.
async fn exchange(server: &Server, bytes: &[u8]) -> Vec<u16> {
    let mut client = server.connect().await;
    client.send(bytes).await;
    let _ = tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await;
    statuses(&mut client).await
}

async fn statuses(client: &mut Client) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(answer) = client.try_answer(false).await {
        statuses.push(answer.status);
    }
    statuses
}

async fn still_well(server: &Server) {
    server.write("bucket=well", "m f=1 1").await.is_written();
    assert_eq!(server.export("well").await, "m f=1.0 1\n");
    server.falls_below("tidegate_connections", 1.5).await;
    until("healthy", || async {
        server.metric("tidegate_healthy").await > 0.5
    })
    .await;
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "the program panicked");
}

async fn start() -> Server {
    count_panics();
    Server::with(|config| {
        config.connection.head_timeout = SILENCE_MAX;
        config.connection.body_idle_timeout = SILENCE_MAX;
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_with_any_content_are_answered_with_a_status_of_the_client_s() {
    let server = start().await;
    let mut seen = std::collections::BTreeMap::new();
    for n in 0..2500 {
        let mut random = Random::new(SEED + n);
        let request = request(&mut random);
        let answered = timeout(PATIENCE, exchange(&server, &request.bytes())).await;
        let statuses = answered.unwrap_or_else(|_| panic!("request {n} hangs"));
        assert_eq!(statuses.len(), 1, "request {n}: {statuses:?}");
        let status = statuses[0];
        assert!(status < 500 || status == 501, "request {n}: {status}");
        *seen.entry(status).or_insert(0) += 1;
    }
    // It is no test of anything if all were refused at the door.
    for status in [200, 204, 400, 401, 404, 405, 415, 501] {
        assert!(seen.contains_key(&status), "{status} never came: {seen:?}");
    }
    still_well(&server).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_bytes_on_the_wire_are_answered_or_the_connection_is_closed() {
    let server = start().await;
    for n in 0..2500 {
        let mut random = Random::new(SEED ^ (n << 20));
        let mut bytes = request(&mut random).bytes();
        bytes.truncate(3000);
        if random.one_in(3) {
            bytes.extend(request(&mut random).bytes().into_iter().take(3000));
        }
        let head = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap_or(bytes.len());
        if random.one_in(4) {
            damage(&mut random, &mut bytes, 8);
        } else {
            let rest = bytes.split_off(head);
            damage(&mut random, &mut bytes, 4);
            bytes.extend(rest);
        }
        if random.one_in(12) {
            bytes = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &bytes[..]].concat();
            let mut client = server.connect().await;
            client.send(&bytes).await;
            let _ = tokio::io::AsyncWriteExt::shutdown(&mut client.stream).await;
            let end = timeout(PATIENCE, client.rest_or_reset()).await;
            end.unwrap_or_else(|_| panic!("bytes {n} hang"));
            continue;
        }
        let answered = timeout(PATIENCE, exchange(&server, &bytes)).await;
        let statuses = answered.unwrap_or_else(|_| panic!("bytes {n} hang"));
        let fine = statuses
            .iter()
            .all(|status| *status < 500 || *status == 501);
        assert!(fine, "bytes {n}: {statuses:?}");
    }
    still_well(&server).await;
    server.stop().await;
}
