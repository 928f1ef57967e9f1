//! SIGTERM under load: every request is answered or refused, the server ends in time, and the log
//! ends cleanly.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use rustix::process::Signal;

use crate::points;
use crate::random::Random;
use crate::record::Record;
use crate::seed;
use crate::server::{BUCKET, Setup};
use crate::writers::{Load, Writers};

/// The time that the server may take beyond its grace period, for the last words and the log's end
/// on a busy machine.
const BEYOND_GRACE: Duration = Duration::from_secs(20);
/// Longer than anything takes on a machine that is merely slow.
const PATIENCE: Duration = Duration::from_secs(60);
const GRACE_MS: u64 = 4000;
const LOAD: Load = Load {
    large: 10,
    pause_ms: 0,
    broken_is_wrong: true,
};

#[test]
fn a_stop_under_load_answers_ends_in_time_with_exit_code_0_and_leaves_a_clean_log() {
    let mut random = Random::new(seed());
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(home.path(), &[("WAL__SEGMENT_BYTES_MAX", "1048576")]);
    setup.set("WAL__GROUP_BYTES_MAX", "1048576");
    setup.set("SERVER__SHUTDOWN_GRACE_MS", &GRACE_MS.to_string());
    let mut records: Vec<Record> = (0..4).map(Record::new).collect();
    for _ in 0..3 {
        let mut server = setup.start();
        server.until_ready();
        let log = server.log();
        assert!(
            !log.contains("torn"),
            "the stop before was not clean:\n{log}"
        );
        server.check(&records);
        let writers = Writers::start(server.address, records, LOAD, &mut random);
        std::thread::sleep(Duration::from_millis(random.between(200, 600)));
        let (status, took) = server.terminate();
        assert!(status.success(), "{status}");
        assert!(
            took < Duration::from_millis(GRACE_MS) + BEYOND_GRACE,
            "{took:?}"
        );
        // A writer ends with its connection, and panics if that ends within an answer.
        records = writers.join();
        println!("stopped in {} ms", took.as_millis());
    }
    let mut server = setup.start();
    server.until_ready();
    assert!(!server.log().contains("torn"), "{}", server.log());
    server.check(&records);
    server.stop();
}

#[test]
fn a_request_that_is_on_its_way_when_the_stop_comes_is_answered() {
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(home.path(), &[]);
    let mut server = setup.start();
    server.until_ready();
    let body = points::body(0, 0..100);
    let mut stream = TcpStream::connect(server.address).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    let head = format!(
        "POST /api/v2/write?bucket={BUCKET} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let (first, second) = body.as_bytes().split_at(body.len() / 2);
    stream.write_all(head.as_bytes()).expect("sent");
    let mut asked = *b"HTTP/1.1 100 Continue\r\n\r\n";
    stream.read_exact(&mut asked).expect("it is being read");
    assert!(asked.starts_with(b"HTTP/1.1 100 "));
    stream.write_all(first).expect("sent");
    server.signal(Signal::TERM);
    // Most likely it has seen the signal by then; if not, it is answered the sooner.
    std::thread::sleep(Duration::from_millis(300));
    stream.write_all(second).expect("sent");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the answer, then the end");
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    assert!(server.wait(PATIENCE).success());

    let mut server = setup.start();
    server.until_ready();
    let record = Record {
        sent: 100,
        acknowledged: vec![0..100],
        ..Record::new(0)
    };
    assert_eq!(server.check(&[record]), (100, 0));
}

#[test]
fn a_stop_while_starting_leaves_a_folder_that_starts() {
    let mut random = Random::new(seed());
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = Setup::new(home.path(), &[]);
    let mut records: Vec<Record> = (0..4).map(Record::new).collect();
    for _ in 0..4 {
        let server = setup.start();
        std::thread::sleep(Duration::from_micros(random.between(0, 60_000)));
        server.stop();
        let mut server = setup.start();
        server.until_ready();
        let writers = Writers::start(server.address, records, LOAD, &mut random);
        std::thread::sleep(Duration::from_millis(100));
        records = writers.stop();
        server.check(&records);
        server.stop();
    }
}
