//! The log releases frames that are safe elsewhere, and a crash at any moment does not confuse it.

use std::sync::Arc;

use super::super::format::{released, segment::number};
use super::super::{Generation, Loss, Salvaged, Wal, WalError, WalOptions, salvage};
use super::support::{Log, NODE, new_storage, recover, segment, small};
use crate::id::Sequence;
use crate::storage::fault::Fault;
use crate::storage::{FaultStorage, Operation, Storage};

/// A log of four segments: 1 to 3, 4 to 6, 7 to 9, and one that begins with 10.
fn log() -> (FaultStorage, Log) {
    log_on(new_storage(1))
}

fn log_on(storage: FaultStorage) -> (FaultStorage, Log) {
    let mut log = Log::open(&storage);
    for _ in 0..10 {
        log.write(900).expect("durable");
    }
    assert_eq!(numbers(&storage), [1, 2, 3, 4]);
    (storage, log)
}

fn numbers(storage: &FaultStorage) -> Vec<u64> {
    let names = storage.list("wal").expect("listed");
    names.iter().filter_map(|name| number(name)).collect()
}

fn found(log: &Log) -> Vec<u64> {
    log.found.iter().map(|(sequence, _)| *sequence).collect()
}

#[test]
fn segments_go_when_all_that_is_in_them_was_released_and_the_last_one_never() {
    let (storage, mut log) = log();
    let bytes = log.wal.stats().log_bytes;
    for (up_to, left) in [
        (0, vec![1, 2, 3, 4]),
        (2, vec![1, 2, 3, 4]),
        (3, vec![2, 3, 4]),
        (8, vec![3, 4]),
        (5, vec![3, 4]),
        (1000, vec![4]),
    ] {
        let would = log.wal.would_free(Sequence(up_to));
        let before = numbers(&storage).len();
        log.committer.release(Sequence(up_to));
        assert_eq!(numbers(&storage), left, "released up to {up_to}");
        assert_eq!(would, before > left.len(), "released up to {up_to}");
    }
    assert_eq!(log.wal.stats().segments, 1);
    assert!(log.wal.log_bytes() < bytes / 3, "{:?}", log.wal.stats());
    assert_eq!(log.wal.stats().released, Sequence(1000));
    log.write(10).expect("the log goes on");
}

#[test]
fn what_was_released_is_not_handed_out_again_and_what_was_not_is() {
    let (storage, mut log) = log();
    log.committer.release(Sequence(5));
    log.write(20).expect("durable");
    let mut log = Log::open(&storage.crash());
    assert_eq!(found(&log), [6, 7, 8, 9, 10, 11]);
    assert_eq!(
        log.write(20).map(|()| log.wal.durable_sequence().0).ok(),
        Some(12)
    );
}

#[test]
fn nothing_is_recorded_as_long_as_no_segment_can_go() {
    let (storage, mut log) = log();
    log.committer.release(Sequence(2));
    assert_eq!(
        found(&Log::open(&storage.crash())),
        (1..=10).collect::<Vec<_>>()
    );
}

#[test]
fn a_crash_at_any_operation_of_a_release_is_finished_by_the_next_start() {
    for seed in 0..40 {
        for operations in 0..14 {
            let (storage, mut log) = log_on(new_storage(seed));
            storage.cut_power_after(operations);
            log.committer.release(Sequence(8));
            let crashed = storage.crash();
            let mut log = Log::open(&crashed);
            let found = found(&log);
            let released = log.wal.stats().released;
            match released {
                Sequence(8) => assert_eq!(found, [9, 10]),
                _ => assert_eq!(found, (1..=10).collect::<Vec<_>>()),
            }
            assert_eq!(released, Sequence(if found.len() == 2 { 8 } else { 0 }));
            if found.len() == 2 {
                assert!(!numbers(&crashed).contains(&2), "what was left is deleted");
            }
            log.write(20).expect("the log goes on");
            let log = Log::open(&crashed.crash());
            assert_eq!(log.found.len(), found.len() + 1);
        }
    }
}

#[test]
fn a_failing_disk_delays_a_release_and_harms_nothing() {
    use Operation::{Create, Remove, Rename, Sync, SyncDir, Write};
    for operation in [Create, Write, Sync, Rename, SyncDir, Remove] {
        let (storage, mut log) = log();
        storage.fail(operation, 0, Fault::Io);
        log.committer.release(Sequence(8));
        assert!(log.wal.health().is_ok(), "{operation}");
        log.write(20).expect("the log goes on");
        log.committer.release(Sequence(8));
        assert!(!numbers(&storage).contains(&1), "{operation}");
        assert_eq!(
            found(&Log::open(&storage.crash())),
            [9, 10, 11],
            "{operation}"
        );
    }
}

// Found by the random schedules.
#[test]
fn a_record_that_may_not_be_durable_is_made_so_before_anything_is_deleted() {
    for seed in 0..50 {
        let (storage, mut log) = log_on(new_storage(seed));
        // The record has its name, then the disk fails, and the process is killed.
        storage.fail(Operation::SyncDir, 0, Fault::Io);
        log.committer.release(Sequence(8));
        assert_eq!(numbers(&storage), [1, 2, 3, 4], "nothing is deleted yet");
        storage.cut_power_after(1);
        let _ = Log::try_open(&storage);
        let found = found(&Log::open(&storage.crash()));
        assert!(found == [9, 10] || found.len() == 10, "{found:?}");
    }
}

#[test]
fn a_release_makes_room_on_a_full_disk() {
    let (storage, mut log) = log();
    crate::storage::ensure_reserve(&storage).expect("set aside");
    storage.set_capacity(Some(storage.used_bytes()));
    log.write(2500).expect_err("full");
    assert!(log.wal.health().is_err());
    // Of three segments one goes to the reserve, which the record of the release was taken from.
    log.committer.release(Sequence(9));
    log.committer.probe();
    log.write(2500).expect("there is room");
}

/// From issue 8, C9: a flush and a release write their notes one after the other; the first took
/// the whole reserve, the log the rest, and nothing could be released any more.
#[test]
fn a_log_that_fills_the_disk_is_released_however_much_its_notes_grow() {
    let (storage, mut log) = log();
    crate::storage::ensure_reserve(&storage).expect("set aside");
    storage.set_capacity(Some(storage.used_bytes() + (4 << 20)));
    fill(&mut log);
    let notes = [
        ("flushes.json", 200_000),
        ("flushes.json", 400_000),
        ("schemas.json", 500_000),
    ];
    for (path, bytes) in notes {
        let written = crate::storage::replace(&storage, path, &vec![7; bytes]);
        written.unwrap_or_else(|error| panic!("{path} of {bytes} bytes: {error}"));
        // The log takes what it can get.
        log.committer.probe();
        fill(&mut log);
    }
    let last = log.wal.durable_sequence();
    log.committer.release(last);
    // The last one, and perhaps one that was just begun when the disk was full.
    assert!(numbers(&storage).len() <= 2, "{:?}", numbers(&storage));
    log.committer.probe();
    log.write(900).expect("there is room");
}

/// From issue 8, C9: a release that failed on a full disk was tried again only after the next
/// flush, of which there is none when all is flushed and nothing can be written.
#[test]
fn a_release_that_failed_is_repeated_as_long_as_the_log_cannot_write() {
    let (storage, mut log) = log();
    storage.set_capacity(Some(storage.used_bytes()));
    fill(&mut log);
    let last = log.wal.durable_sequence();
    storage.fail(Operation::Create, 0, Fault::Full);
    log.committer.release(last);
    assert!(numbers(&storage).len() > 1, "no reserve, no room");
    storage.set_capacity(Some(storage.used_bytes() + 3 * 4096));
    log.committer.probe();
    assert_eq!(numbers(&storage).len(), 1, "the record had room");
}

fn fill(log: &mut Log) {
    let written = (0..20_000).take_while(|_| log.write(900).is_ok()).count();
    assert!(written < 20_000, "the disk is never full");
}

#[test]
fn a_start_does_not_read_what_was_released() {
    let (storage, mut log) = log();
    let damaged = storage.contents(&segment(1)).expect("there");
    log.committer.release(Sequence(8));
    // As after a crash between the record and the deletions.
    storage.put(&segment(1), &damaged[..50]);
    let examined = Wal::examine(&storage).expect("a start would take it");
    assert_eq!((examined.segments, examined.frames), (2, 2));
    assert_eq!(numbers(&storage), [1, 3, 4], "looking changes nothing");
    assert_eq!(found(&Log::open(&storage)), [9, 10]);
    assert!(!numbers(&storage).contains(&1));
}

#[test]
fn what_is_missing_beyond_the_record_is_noticed() {
    let (storage, mut log) = log();
    log.committer.release(Sequence(4));
    storage.take(&segment(2));
    let missing = recover(&storage, small()).expect_err("refused").to_string();
    assert!(
        missing.contains("frames after 4 are still needed"),
        "{missing}"
    );
    for number in 3..5 {
        storage.take(&segment(number));
    }
    let missing = recover(&storage, small()).expect_err("refused").to_string();
    assert!(missing.contains("0000000000000004.wal"), "{missing}");
    // As in a folder that was never noted down.
    storage.put("format", b"tidegate data format 1\nnode 00000000000000ab\n");
    let missing = recover(&storage, small()).expect_err("refused").to_string();
    assert!(missing.contains("the log has no segments"), "{missing}");
}

#[test]
fn a_damaged_record_refuses_the_start_and_names_the_way_out() {
    let (storage, mut log) = log();
    log.committer.release(Sequence(4));
    assert!(storage.flip(&released::path(), 30, 1));
    let error = recover(&storage, small()).expect_err("refused");
    assert!(
        matches!(&error, WalError::ReleasedDamaged { path } if path.ends_with("wal/released")),
        "{error}"
    );
    assert!(
        error.to_string().contains("tidegate wal salvage"),
        "{error}"
    );
    let (salvaged, found) = salvaged(&storage);
    assert_eq!(found, (4..=10).collect::<Vec<_>>());
    let [Loss { path, bytes: 0, .. }] = &*salvaged.losses else {
        panic!("{:?}", salvaged.losses);
    };
    assert!(path.ends_with("wal/released"));
}

/// Salvages, and says which sequences a start finds.
fn salvaged(storage: &FaultStorage) -> (Salvaged, Vec<u64>) {
    let to = new_storage(3);
    let dynamic: Arc<dyn Storage> = Arc::new(to.clone());
    let salvaged = salvage(storage, (dynamic, NODE), small()).expect("salvages");
    (salvaged, found(&Log::open(&to.crash())))
}

#[test]
fn a_salvaged_log_has_what_was_not_released_and_goes_on_behind_what_was() {
    let (storage, mut log) = log();
    log.committer.release(Sequence(5));
    let (saved, found) = salvaged(&storage);
    assert_eq!((saved.losses, found), (vec![], (6..=10).collect()));
    for number in 2..5 {
        storage.take(&segment(number));
    }
    let to = new_storage(3);
    salvage(&storage, (Arc::new(to.clone()), NODE), small()).expect("salvages");
    let mut log = Log::open(&to);
    log.write(10).expect("durable");
    assert_eq!(
        log.wal.durable_sequence(),
        Sequence(6),
        "no sequence comes twice"
    );
}

#[test]
fn new_frames_come_after_what_is_remembered_elsewhere() {
    let storage = new_storage(1);
    let options = || WalOptions {
        sequences_after: Sequence(70),
        ..small()
    };
    for expected in [71, 72] {
        let wal = recover(&storage, options()).expect("opens").0;
        let wal = wal.start().expect("starts");
        let (tx, rx) = std::sync::mpsc::channel();
        let done = move |sequence, result: Result<(), _>| {
            let _ = tx.send(result.map(|()| sequence));
        };
        wal.submit(Generation::default(), vec![1], Box::new(done));
        assert_eq!(rx.recv().expect("told").ok(), Some(Sequence(expected)));
        wal.close().expect("closed");
    }
}

#[test]
fn the_log_s_own_thread_releases_under_load_and_before_it_ends() {
    let storage = new_storage(1);
    let wal = recover(&storage, small()).expect("opens").0;
    let wal = wal.start().expect("starts");
    let (tx, rx) = std::sync::mpsc::channel();
    for _ in 0..30 {
        let tx = tx.clone();
        let done = move |sequence, result: Result<(), _>| {
            let _ = tx.send(result.map(|()| sequence));
        };
        wal.submit(Generation::default(), vec![1; 900], Box::new(done));
    }
    let last = rx.iter().take(30).last().expect("told").expect("durable");
    wal.release(last);
    wal.close().expect("closed");
    assert_eq!(wal.stats().segments, 1);
    assert_eq!(numbers(&storage).len(), 1);
    let (recovered, frames) = recover(&storage.crash(), small()).expect("opens");
    assert!(recovered.replayed().clean && frames.is_empty());
}
