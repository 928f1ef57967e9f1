//! Clients that write until they are told to stop or the server is gone, and remember what they
//! were told.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::http::{Answer, Client, NoAnswer};
use crate::points;
use crate::random::Random;
use crate::record::Record;
use crate::server::BUCKET;

/// The answers that the clients have received since they began.
#[derive(Debug, Default)]
pub struct Told {
    stop: AtomicBool,
    acknowledged: AtomicU64,
    refused: AtomicU64,
}

/// Clients that write at the same time.
pub struct Writers {
    told: Arc<Told>,
    threads: Vec<JoinHandle<Record>>,
}

/// The shape of the writers' requests.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// In percent of the requests: bodies of more than 1 MiB, which are several frames.
    pub large: u64,
    /// Longest pause between two requests, in milliseconds.
    pub pause_ms: u64,
    /// True if an answer that ends halfway is a fault of the server: not if it is killed.
    pub broken_is_wrong: bool,
}

impl Writers {
    /// Starts one client per record, which continues where the record ends.
    pub fn start(
        address: SocketAddr,
        records: Vec<Record>,
        load: Load,
        random: &mut Random,
    ) -> Self {
        let told = Arc::new(Told::default());
        let threads = records.into_iter().map(|record| {
            let (told, random) = (Arc::clone(&told), random.fork());
            let writer = Writer {
                client: Client::new(address),
                record,
                load,
                random,
            };
            std::thread::spawn(move || writer.run(&told))
        });
        let threads = threads.collect();
        Self { told, threads }
    }

    /// Requests that were answered with 204 so far.
    pub fn acknowledged(&self) -> u64 {
        self.told.acknowledged.load(Ordering::Relaxed)
    }

    /// Requests that were answered with 503 so far.
    pub fn refused(&self) -> u64 {
        self.told.refused.load(Ordering::Relaxed)
    }

    /// Waits for the clients to end because the server is gone.
    pub fn join(self) -> Vec<Record> {
        self.threads
            .into_iter()
            .map(|thread| thread.join().expect("a client"))
            .collect()
    }

    /// Lets the clients finish the requests they are at.
    pub fn stop(self) -> Vec<Record> {
        self.told.stop.store(true, Ordering::Relaxed);
        self.join()
    }
}

struct Writer {
    client: Client,
    record: Record,
    load: Load,
    random: Random,
}

impl Writer {
    fn run(mut self, told: &Told) -> Record {
        while !told.stop.load(Ordering::Relaxed) {
            let numbers = self.next_numbers();
            match self.request(numbers, told) {
                Ok(()) => {}
                Err(NoAnswer::NotConnected(_) | NoAnswer::Cut(_)) => break,
                Err(NoAnswer::Broken(error)) if self.load.broken_is_wrong => {
                    panic!("half an answer: {error}")
                }
                Err(NoAnswer::Broken(_)) => break,
            }
            let pause = self.random.between(0, self.load.pause_ms + 1);
            std::thread::sleep(Duration::from_millis(pause));
        }
        self.record
    }

    /// Returns the next numbers: a batch without an answer is either sent again or given up, as
    /// clients do.
    fn next_numbers(&mut self) -> std::ops::Range<u64> {
        if let Some(numbers) = self.record.unanswered.take()
            && self.random.percent(50)
        {
            return numbers;
        }
        let start = self.record.sent;
        let kind = self.random.between(0, 100);
        if kind < self.load.large {
            // About 500 bytes a point.
            return start..start + self.random.between(2300, 3500);
        }
        match kind % 2 {
            0 => start..start + 1,
            _ => start..start + self.random.between(2, 80),
        }
    }

    fn request(&mut self, numbers: std::ops::Range<u64>, told: &Told) -> Result<(), NoAnswer> {
        let record = &mut self.record;
        record.sent = record.sent.max(numbers.end);
        record.unanswered = Some(numbers.clone());
        let body = points::body(record.client, numbers.clone()).into_bytes();
        let answer = if self.random.percent(20) {
            self.client
                .write(BUCKET, "Content-Encoding: gzip\r\n", &gzip(&body))
        } else {
            self.client.write(BUCKET, "", &body)
        }?;
        match answer.status {
            204 => {
                record.unanswered = None;
                record.acknowledged.push(numbers);
                told.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            503 => {
                retry_after(&answer);
                record.refused += 1;
                told.refused.fetch_add(1, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
            status => panic!("answered with {status}: {:.300}", answer.text()),
        }
        Ok(())
    }
}

/// Every refusal says when to come again, as a positive integer.
pub fn retry_after(answer: &Answer) -> u64 {
    let seconds = answer
        .header("retry-after")
        .and_then(|value| value.parse().ok());
    let seconds = seconds.unwrap_or_else(|| panic!("no Retry-After: {answer:?}"));
    assert!(
        seconds > 0 && answer.text().contains("\"unavailable\""),
        "{answer:?}"
    );
    seconds
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
