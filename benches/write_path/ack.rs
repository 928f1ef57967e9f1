//! The acknowledgement of one line: over the disk alone with one client, and how many per second
//! with 64.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::{crowd, write_request};
use crate::server::Server;
use crate::stats::{median, micros, quantile, verdict};

const TURNS: usize = 40;
const WRITES_A_TURN: usize = 15;
const CLIENTS: usize = 64;
const CROWD_TURN: Duration = Duration::from_millis(150);

const LINE: &str = "weather,station=s17,region=north temperature=21.5,humidity=40i,pressure=1013.25 \
                    1700000000000000000\n";

pub fn run(folder: &Path) {
    let server = Server::start(&folder.join("data"));
    let request = write_request(LINE.as_bytes(), None);
    let mut client = server.connect();
    client.write(&request);
    let (before, frames) = (server.metric("wal_group_bytes_sum"), 10);
    for _ in 0..frames {
        client.write(&request);
    }
    let frame_bytes = (server.metric("wal_group_bytes_sum") - before) / f64::from(frames);
    let bare = File::create_new(folder.join("bare")).expect("created");
    let (mut acks, mut bares, mut rates, mut offset) = (vec![], vec![], vec![], 0);
    for _ in 0..TURNS {
        for _ in 0..WRITES_A_TURN {
            bares.push(write_and_sync(&bare, frame_bytes as usize, &mut offset));
        }
        for _ in 0..WRITES_A_TURN {
            acks.push(client.write(&request));
        }
        let (rate, _) =
            crate::client::on_threads(1, |_| crowd(server.address, CLIENTS, &request, CROWD_TURN));
        rates.extend(rate);
    }
    server.stop();
    println!(
        "acknowledgement of one line of {} bytes, frame of {frame_bytes:.0} bytes:",
        LINE.len()
    );
    let ours = micros(quantile(&mut acks, 500));
    let disk = micros(quantile(&mut bares, 500));
    let most = 2.0 * disk + 1000.0;
    println!(
        "    1 client       median {ours:>6.0} us, p99 {:>6.0} us",
        micros(quantile(&mut acks, 990))
    );
    println!(
        "    bare fdatasync median {disk:>6.0} us, p99 {:>6.0} us",
        micros(quantile(&mut bares, 990))
    );
    println!(
        "    target: at most 2 x bare + 1 ms = {most:.0} us: {}",
        verdict(ours <= most)
    );
    let (alone, together) = (1e6 / ours, median(&mut rates));
    let least = (10.0 * alone).min(12_000.0);
    println!(
        "    {CLIENTS} clients: {together:.0}/s, 1 client: {alone:.0}/s, ratio {:.1}",
        together / alone
    );
    println!(
        "    target: at least min(10 x one, 12000) = {least:.0}/s: {}",
        verdict(together >= least)
    );
}

fn write_and_sync(file: &File, bytes: usize, offset: &mut u64) -> Duration {
    let payload = vec![7; bytes];
    let started = Instant::now();
    file.write_all_at(&payload, *offset).expect("written");
    file.sync_data().expect("synced");
    *offset += bytes as u64;
    started.elapsed()
}
