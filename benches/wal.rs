//! The cost of an acknowledgement over the disk alone, and the speed of reading a log back.
//!
//! Latency: the median time from submitting a frame of 100 bytes to its completion, with 1 and
//! with 64 submitters, against a bare loop of one write and one fdatasync of the same bytes, in
//! the same folder and in turns with it. Replay: from the page cache, with checksums.
//!
//! `cargo bench --bench wal [-- FOLDER]`; the folder must be on the disk that matters.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark measures the system itself, and stops where it fails"
)]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use tidegate::storage::DiskStorage;
use tidegate::wal::{FRAME_HEADER_BYTES, Generation, Wal, WalOptions};

const PAYLOAD_BYTES: usize = 100;
const ROUNDS: usize = 40;
const FRAMES_A_ROUND: usize = 50;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let named = arguments.iter().find(|argument| !argument.starts_with('-'));
    let parent = named.map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    let scratch = tempfile::tempdir_in(parent).expect("a scratch folder");
    for submitters in [1, 64] {
        latency(scratch.path(), submitters);
    }
    replay(&scratch.path().join("large"), 512, 1 << 20);
    replay(&scratch.path().join("small"), 1_000_000, PAYLOAD_BYTES);
}

/// Wal and bare loop in turns, so that both see the same disk.
fn latency(folder: &Path, submitters: usize) {
    let wal = open(&folder.join(format!("data-{submitters}")));
    let bare = File::create_new(folder.join(format!("bare-{submitters}"))).expect("created");
    let group = vec![7; submitters * (PAYLOAD_BYTES + FRAME_HEADER_BYTES)];
    let (mut ours, mut bares, mut offset, mut elapsed) =
        (Vec::new(), Vec::new(), 0, Duration::ZERO);
    for _ in 0..ROUNDS {
        for _ in 0..FRAMES_A_ROUND {
            let started = Instant::now();
            bare.write_all_at(&group, offset).expect("written");
            bare.sync_data().expect("synced");
            bares.push(started.elapsed());
            offset += group.len() as u64;
        }
        let started = Instant::now();
        ours.extend(submit_all(&wal, submitters));
        elapsed += started.elapsed();
    }
    wal.close().expect("closed");
    let rate = ours.len() as f64 / elapsed.as_secs_f64();
    let (ours, bare) = (Quantiles::of(ours), Quantiles::of(bares));
    println!("{submitters:>3} submitters, frames of {PAYLOAD_BYTES} bytes, {rate:.0} frames/s:");
    println!("    submit to durable         {ours}");
    println!(
        "    bare write and fdatasync  {bare}  ({} bytes)",
        group.len()
    );
    println!(
        "    ratio of the medians      {:.3}",
        ours.median / bare.median
    );
}

/// Each submits one frame, waits for it, submits the next.
fn submit_all(wal: &Wal, submitters: usize) -> Vec<Duration> {
    std::thread::scope(|scope| {
        let submit = move || {
            let (tx, rx) = sync_channel(1);
            let frames = 0..FRAMES_A_ROUND;
            let one = |_| {
                let (tx, payload) = (tx.clone(), vec![7; PAYLOAD_BYTES]);
                let started = Instant::now();
                let done = move |_, result| tx.send(result).expect("somebody waits");
                wal.submit(Generation::default(), payload, Box::new(done));
                rx.recv().expect("told").expect("durable");
                started.elapsed()
            };
            frames.map(one).collect::<Vec<_>>()
        };
        let threads: Vec<_> = (0..submitters).map(|_| scope.spawn(submit)).collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

fn replay(folder: &Path, frames: usize, payload_bytes: usize) {
    let wal = open(folder);
    let (tx, rx) = sync_channel(64);
    for sent in 0..frames {
        let tx = tx.clone();
        let done = move |_, result| tx.send(result).expect("somebody waits");
        wal.submit(
            Generation::default(),
            vec![7; payload_bytes],
            Box::new(done),
        );
        if sent >= 64 {
            rx.recv().expect("told").expect("durable");
        }
    }
    for _ in 0..frames.min(64) {
        rx.recv().expect("told").expect("durable");
    }
    wal.close().expect("closed");
    let log_bytes = wal.stats().log_bytes;
    drop(wal);
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let storage = Arc::new(DiskStorage::open(folder).expect("opened"));
        let (mut count, mut bytes) = (0, 0);
        let mut on_frame = |_, payload: &[u8]| {
            (count, bytes) = (count + 1, bytes + payload.len());
            Ok(())
        };
        let started = Instant::now();
        Wal::recover(storage, WalOptions::default(), &mut on_frame, &mut |_| {}).expect("good");
        best = best.min(started.elapsed());
        assert_eq!((count, bytes), (frames, frames * payload_bytes));
    }
    let seconds = best.as_secs_f64();
    println!(
        "replay of {frames} frames of {payload_bytes} bytes: {:.0} MB/s, {:.0} frames/s",
        log_bytes as f64 / 1e6 / seconds,
        frames as f64 / seconds
    );
}

fn open(folder: &Path) -> Wal {
    let storage = Arc::new(DiskStorage::open(folder).expect("opened"));
    let recovered = Wal::recover(
        storage,
        WalOptions::default(),
        &mut |_, _| Ok(()),
        &mut |_| {},
    )
    .expect("new");
    recovered.start().expect("started")
}

/// In microseconds.
struct Quantiles {
    median: f64,
    p99: f64,
}

impl Quantiles {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |permille: usize| times[(times.len() - 1) * permille / 1000].as_secs_f64() * 1e6;
        Self {
            median: at(500),
            p99: at(990),
        }
    }
}

impl std::fmt::Display for Quantiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "median {:>7.0} us, p99 {:>7.0} us",
            self.median, self.p99
        )
    }
}
