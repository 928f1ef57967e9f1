//! The cost of an idle server.

use std::path::Path;
use std::time::Duration;

use crate::client::write_request;
use crate::cpu::Usage;
use crate::server::{self, Server};
use crate::stats::verdict;

const TIME: Duration = Duration::from_secs(2);
const SHARE_MAX: f64 = 0.005;

pub fn run(folder: &Path) {
    let server = Server::start(&folder.join("data"));
    let mut client = server.connect();
    client.write(&write_request(b"m v=1", None));
    let before = Usage::now();
    std::thread::sleep(TIME);
    let after = Usage::now();
    let names = [server::THREADS, "wal", "apply"];
    let used: Duration = names.iter().map(|name| after.since(&before, name)).sum();
    let share = used.as_secs_f64() / TIME.as_secs_f64();
    println!(
        "idle, one connection open: {:.3} % of a core, target {} %: {}",
        share * 100.0,
        SHARE_MAX * 100.0,
        verdict(share < SHARE_MAX)
    );
    println!("    threads: {}", after.threads());
    server.stop();
}
