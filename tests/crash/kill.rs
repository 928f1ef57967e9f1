//! `kill -9` at random moments: under load, at the start, while the log is replayed.

use std::time::{Duration, Instant};

use crate::random::Random;
use crate::record::Record;
use crate::server::Setup;
use crate::writers::{Load, Writers};
use crate::{seed, setting};

const CLIENTS: u64 = 4;
/// A folder that has had this many points is replaced by a new one: checking it takes long. The
/// setting TIDEGATE_FOLDER_POINTS changes it: a large number keeps one folder for a whole run.
const POINTS_MAX: u64 = 60_000;
/// The longest wait for the first acknowledgements on a busy machine.
const BEGIN_MAX: Duration = Duration::from_secs(120);
const LOAD: Load = Load {
    large: 1,
    pause_ms: 8,
    broken_is_wrong: false,
};

#[test]
fn nothing_acknowledged_is_lost_and_nothing_appears_however_often_the_server_is_killed() {
    let crashes = setting("TIDEGATE_CRASHES", 15);
    let mut random = Random::new(seed());
    let mut home = tempfile::tempdir().expect("a folder");
    let (mut setup, mut records) = begin(&home);
    let mut acknowledged = 0;
    for crash in 1..=crashes {
        choose_sizes(&mut setup, &mut random);
        let starts_killed = kill_starts(&mut setup, &mut random);
        let mut server = setup.start();
        let is_ready = random.percent(70);
        if is_ready {
            server.until_ready();
        }
        let writers = Writers::start(server.address, records, LOAD, &mut random);
        if is_ready {
            // On a busy machine they may not have begun in any time that is guessed.
            let have_begun = || writers.acknowledged() > 4 * CLIENTS;
            let begun = server.until(BEGIN_MAX, have_begun);
            assert!(begun.is_some(), "nothing is written:\n{}", server.log());
        }
        std::thread::sleep(Duration::from_millis(random.between(1, 700)));
        server.kill();
        records = writers.join();

        let started = Instant::now();
        let mut server = setup.start();
        server.until_ready();
        let ready = started.elapsed();
        let (lines, surplus) = server.check(&records);
        let sum = |count: fn(&Record) -> u64| records.iter().map(count).sum::<u64>();
        let sent = sum(|record| record.sent);
        println!(
            "crash {crash}: acknowledged {} <= recovered {lines} <= sent {sent}; {surplus} of them \
             unanswered, {starts_killed} starts killed; ready in {} ms, checked in {} ms",
            sum(Record::acknowledged_points),
            ready.as_millis(),
            (started.elapsed() - ready).as_millis(),
        );
        acknowledged += records
            .iter()
            .map(|record| record.acknowledged.len())
            .min()
            .expect("clients");
        // Reading must not change anything.
        if random.percent(50) {
            server.kill()
        } else {
            server.stop()
        }
        if sent > setting("TIDEGATE_FOLDER_POINTS", POINTS_MAX) {
            home = tempfile::tempdir().expect("a folder");
            (setup, records) = begin(&home);
        }
    }
    assert!(
        acknowledged > crashes as usize,
        "the clients wrote too little to prove anything: {records:?}"
    );
}

fn begin(home: &tempfile::TempDir) -> (Setup, Vec<Record>) {
    let mut setup = Setup::new(home.path(), &[("MEMORY__BUDGET_BYTES", "4000000000")]);
    setup.set("MEMORY__BUCKET_PERCENT", "100");
    (setup, (0..CLIENTS).map(Record::new).collect())
}

/// The log's sizes may change from start to start. Small ones make many segments and frames.
fn choose_sizes(setup: &mut Setup, random: &mut Random) {
    let (segment, group, slice) = random.pick(&[
        ("65536", "65536", "16384"),
        ("262144", "65536", "65536"),
        ("1048576", "1048576", "1048576"),
        ("4194304", "1048576", "262144"),
    ]);
    setup.set("WAL__SEGMENT_BYTES_MAX", segment);
    setup.set("WAL__GROUP_BYTES_MAX", group);
    setup.set("WAL__SLICE_BYTES_MAX", slice);
}

/// Kills a few servers soon after they began, most of them while they replay the log.
fn kill_starts(setup: &mut Setup, random: &mut Random) -> u64 {
    let starts = random.pick(&[0, 0, 1, 3]);
    for _ in 0..starts {
        let server = setup.start();
        std::thread::sleep(Duration::from_micros(random.between(0, 80_000)));
        server.kill();
    }
    starts
}
