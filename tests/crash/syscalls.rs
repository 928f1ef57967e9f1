//! Errors and kills at exact system calls, by strace. Run by `tests/scripts/sync_error.sh`.

use std::time::Duration;

use crate::random::Random;
use crate::record::Record;
use crate::server::{BUCKET, Setup};
use crate::writers::{Load, Writers, retry_after};
use crate::{points, seed, setting};

/// The longest time from an error to the next acknowledged write.
const RESUME_MAX: Duration = Duration::from_secs(5);

/// Every call with which the log and the catalog change files. strace counts each on its own, and
/// in each thread: the log's own, and each one that serves and has committed a write itself.
const CALLS: &[&str] = &[
    "pwrite64",
    "fdatasync",
    "fsync",
    "rename",
    "openat",
    "ftruncate",
    "unlink",
];

fn setup(home: &std::path::Path) -> Setup {
    let mut setup = Setup::new(home, &[("WAL__SEGMENT_BYTES_MAX", "65536")]);
    setup.set("WAL__GROUP_BYTES_MAX", "65536");
    setup.set("WAL__SLICE_BYTES_MAX", "16384");
    setup
}

fn inject(setup: &mut Setup, call: &str, what: &str) {
    let trace = format!("trace={call}");
    let inject = format!("inject={call}:{what}");
    setup.wrap(&[
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "signal=none",
        "-e",
        &trace,
        "-e",
        &inject,
    ]);
}

/// Enough for each of the few threads that commit them to come to the call that fails.
const REQUESTS: u64 = 120;

/// With one client that waits for each answer every request has a sync of its own: as many refusals as
/// errors, no more and no fewer.
#[test]
#[ignore = "run by tests/scripts/sync_error.sh, which needs strace"]
fn a_request_whose_write_or_sync_fails_is_refused_and_the_next_ones_are_taken() {
    for (call, what) in [
        ("fdatasync", "error=EIO:when=1"),
        ("fdatasync", "error=EIO:when=2"),
        ("fdatasync", "error=EIO:when=7"),
        ("fdatasync", "error=ENOSPC:when=5"),
        ("fdatasync", "error=EIO:when=4..6"),
        // Past what a thread of the start writes to note the parts of a new folder.
        ("pwrite64", "error=EIO:when=15"),
        ("pwrite64", "error=ENOSPC:when=16..18"),
        ("fdatasync", "error=EIO:when=3+5"),
    ] {
        let home = tempfile::tempdir().expect("a folder");
        let mut setup = setup(home.path());
        inject(&mut setup, call, what);
        let mut server = setup.start();
        server.until_ready();
        let mut record = Record::new(0);
        let mut refused = Vec::new();
        let mut client = server.client();
        for number in 0..REQUESTS {
            record.sent = number + 1;
            let body = points::line(0, number);
            let answered = server.until(RESUME_MAX, || {
                let answer = client
                    .write(BUCKET, "", body.as_bytes())
                    .expect("an answer");
                if answer.status != 204 {
                    retry_after(&answer);
                    refused.push(number);
                }
                answer.status == 204
            });
            assert!(
                answered.is_some(),
                "{call} {what}: no acknowledgement:\n{}",
                server.log()
            );
            record.acknowledged.push(number..number + 1);
        }
        assert!(
            !refused.is_empty(),
            "{call} {what}: acknowledged all the same:\n{}",
            server.log()
        );
        assert!(server.is_healthy());
        let times = refused.len();
        refused.dedup();
        println!("{call} {what}: refused {times} times, requests {refused:?}");
        server.kill();
        setup.wrap(&[]);
        let mut server = setup.start();
        server.until_ready();
        assert_eq!(server.check(&[record]), (REQUESTS, 0));
        server.stop();
    }
}

/// Kills the server at the first, second, ... of each of these calls, as many in all as
/// `TIDEGATE_KILLS` says, dealt out evenly.
#[test]
#[ignore = "run by tests/scripts/sync_error.sh, which needs strace"]
fn a_kill_at_any_system_call_of_the_log_loses_nothing() {
    let mut random = Random::new(seed());
    let mut left = setting("TIDEGATE_KILLS", 60);
    let mut calls: Vec<&str> = CALLS.to_vec();
    let mut killed = 0;
    for when in 1.. {
        // A call that did not come so often will not come more often.
        calls.retain(|call| {
            let again = left > 0 && kill_at(call, when, &mut random);
            left = left.saturating_sub(u64::from(again));
            killed += u64::from(again);
            again
        });
        if calls.is_empty() {
            break;
        }
    }
    println!("killed at {killed} system calls");
    assert!(killed > 0);
}

/// Returns whether the call was reached.
fn kill_at(call: &str, when: u64, random: &mut Random) -> bool {
    const LOAD: Load = Load {
        large: 0,
        pause_ms: 0,
        broken_is_wrong: false,
    };
    let home = tempfile::tempdir().expect("a folder");
    let mut setup = setup(home.path());
    inject(&mut setup, call, &format!("signal=KILL:when={when}"));
    let mut records: Vec<Record> = (0..4).map(Record::new).collect();
    let mut killed = true;
    // It may die before it listens.
    if let Ok(mut server) = setup.try_start() {
        let writers = Writers::start(server.address, records, LOAD, random);
        let alive = server.until(Duration::from_secs(20), || {
            writers.acknowledged() > 40 + 20 * when
        });
        killed = alive.is_none();
        assert!(
            !killed || server.has_ended(),
            "{call} {when}: too slow:\n{}",
            server.log()
        );
        drop(server);
        records = writers.join();
    }
    setup.wrap(&[]);
    let mut server = setup.start();
    server.until_ready();
    let (lines, surplus) = server.check(&records);
    println!(
        "{call} {when}: {}, {lines} points, {surplus} unanswered",
        if killed { "killed" } else { "never came" }
    );
    server.stop();
    killed
}
