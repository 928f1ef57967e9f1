//! Bytes in the log a line.

use std::path::Path;

use crate::bodies::{self, LINES};
use crate::client::write_request;
use crate::server::Server;
use crate::stats::verdict;

const LINE_BYTES_MAX: f64 = 115.0;

/// One line each, and how many numbers it has.
const ONE_LINERS: [(&str, u32); 3] = [
    ("m v=1 1700000000000000000", 1),
    (
        "weather,station=s17,region=north temperature=21.53,humidity=40i,pressure=1013.27 1700000000000000123",
        3,
    ),
    (
        "net,host=web-1.example.com,interface=eth0 bytes_sent=98127398712u,bytes_recv=1928739182u,up=true,state=\"fine\" 1700000000000000000",
        2,
    ),
];

pub fn run(folder: &Path) {
    let server = Server::start(&folder.join("data"));
    let mut client = server.connect();
    let requests = bodies::tsbs(20);
    let before = server.metric("wal_group_bytes_sum");
    for request in &requests {
        client.write(request);
    }
    let bytes = server.metric("wal_group_bytes_sum") - before;
    let a_line = bytes / (requests.len() * LINES) as f64;
    println!("log, frame headers included:");
    println!(
        "    tsbs cpu-only, bodies of {LINES} lines: {a_line:.1} bytes a line, target {LINE_BYTES_MAX}: {}",
        verdict(a_line <= LINE_BYTES_MAX)
    );
    for (line, numbers) in ONE_LINERS {
        let before = server.metric("wal_group_bytes_sum");
        client.write(&write_request(line.as_bytes(), None));
        let bytes = server.metric("wal_group_bytes_sum") - before;
        let most = line.len() as f64 + 32.0 + 8.0 * f64::from(numbers);
        println!(
            "    one line of {} bytes, {numbers} numbers: {bytes} bytes, target {most}: {}",
            line.len(),
            verdict(bytes <= most)
        );
    }
    server.stop();
}
