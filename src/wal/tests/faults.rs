//! The log while the disk fails or is full.

use std::sync::{Arc, Mutex};

use super::super::{CommitError, Generation, Wal, WalError};
use super::support::{Log, Outcomes, new_storage, segment};
use crate::storage::fault::Fault;
use crate::storage::{Operation, Storage};

fn told(outcomes: &Outcomes) -> String {
    let outcomes = outcomes.lock().expect("whole");
    let letters = outcomes.iter().map(|(_, result)| match result {
        Ok(()) => 'o',
        Err(CommitError::Failed(_)) => 'F',
        Err(CommitError::NotAttempted) => 'n',
        Err(CommitError::DiskFull) => 'D',
        Err(CommitError::TooLarge { .. }) => 'L',
        Err(CommitError::Closed) => 'C',
    });
    letters.collect()
}

#[test]
fn a_failed_sync_acknowledges_nobody_and_the_file_is_never_touched_again() {
    for seed in 0..50 {
        let storage = new_storage(seed);
        let mut log = Log::open(&storage);
        log.write(10).expect("durable");
        storage.fail(Operation::Sync, 0, Fault::Io);
        for bytes in [400, 500, 600, 700] {
            log.submit(bytes);
        }
        log.committer.commit_group();
        assert_eq!(
            told(&log.outcomes),
            "oFFnn",
            "the group failed, the others waited"
        );
        assert!(log.wal.health().is_ok(), "a new segment was begun at once");
        let poisoned = storage.contents(&segment(1)).expect("there");
        log.write(20).expect("durable");
        assert_eq!(storage.contents(&segment(1)).expect("there"), poisoned);
        let log = Log::open(&storage.crash());
        let sequences: Vec<_> = log.found.iter().map(|(sequence, _)| *sequence).collect();
        assert_eq!(sequences, [1, 6]);
    }
}

#[test]
fn while_no_segment_can_be_begun_frames_fail_and_a_probe_heals_without_traffic() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    storage.fail_always(Operation::Sync, Fault::Io);
    log.submit(10);
    log.submit(1000);
    log.committer.commit_group();
    log.submit(10);
    log.committer.commit_group();
    log.committer.probe();
    assert_eq!(told(&log.outcomes), "FFF");
    let reason = log.wal.health().expect_err("not healthy");
    assert!(
        reason.contains("cannot sync it: Input/output error") && !reason.contains(".wal"),
        "strangers read it: {reason}"
    );
    assert!(matches!(
        log.committer.close(),
        Err(WalError::NotClean { .. })
    ));
    storage.heal();
    log.committer.probe();
    log.wal.health().expect("healthy");
    log.write(10).expect("durable");
    log.committer.probe();
    assert_eq!(Log::open(&storage.crash()).found.len(), 1);
}

#[test]
fn a_full_disk_is_told_cut_back_and_used_on_when_there_is_space() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    log.write(600).expect("durable");
    let good = storage.contents(&segment(1)).expect("there");
    storage.set_capacity(Some(3 * 4096));
    for bytes in [9000, 10] {
        log.submit(bytes);
    }
    log.committer.commit_group();
    assert_eq!(told(&log.outcomes), "oDD");
    let reason = log.wal.health().expect_err("not healthy");
    assert!(reason.starts_with("the disk of the log is full, writes go on when there is space"));
    // The frame did not fit, and a smaller one in the last block says little: not healthy yet.
    log.committer.probe();
    assert!(matches!(log.write(10), Err(CommitError::DiskFull)));
    storage.set_capacity(Some(4 << 20));
    log.committer.probe();
    log.wal.health().expect("healthy");
    log.write(10).expect("durable");
    assert_eq!(storage.contents(&segment(1)).expect("there"), good);
    let bytes = storage.contents(&segment(2)).expect("there");
    assert_eq!(bytes.len(), 72 + 24 + 34, "a probe and the frame");
    assert_eq!(Log::open(&storage.crash()).found.len(), 2);
}

#[test]
fn a_full_disk_that_cannot_even_be_cut_back_costs_the_segment() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    log.write(10).expect("durable");
    storage.fail(Operation::Write, 0, Fault::ShortFull);
    storage.fail(Operation::SetLen, 0, Fault::Io);
    assert!(matches!(log.write(700), Err(CommitError::DiskFull)));
    storage.fail(Operation::SetLen, 0, Fault::Io);
    log.committer.probe();
    assert!(log.wal.health().is_err());
    log.committer.probe();
    log.write(20).expect("durable");
    assert_eq!(Log::open(&storage.crash()).found.len(), 2);
}

#[test]
fn a_log_opens_on_a_full_disk_and_hands_out_everything() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    log.write(10).expect("durable");
    storage.set_capacity(Some(0));
    let mut log = Log::open(&storage);
    assert_eq!(log.found.len(), 1);
    assert!(log.wal.health().is_err());
    assert!(matches!(log.write(10), Err(CommitError::DiskFull)));
    storage.set_capacity(None);
    log.committer.probe();
    log.write(10).expect("durable");
    assert_eq!(Log::open(&storage.crash()).found.len(), 2);
}

#[test]
fn a_last_group_without_proof_is_copied_before_anything_relies_on_it() {
    // The sync fails, the process dies, the page cache still shows the frames; then the power
    // goes. They may be lost, but must not be missed.
    for seed in 0..50 {
        let storage = new_storage(seed);
        let mut log = Log::open(&storage);
        log.write(10).expect("durable");
        storage.fail_always(Operation::Sync, Fault::Io);
        log.write(300).expect_err("not synced");
        storage.heal();
        let mut log = Log::open(&storage);
        assert_eq!(log.found.len(), 2);
        log.write(20).expect("durable");
        assert_eq!(Log::open(&storage.crash()).found.len(), 3);
    }
}

/// The state of a submitter: the generation, and the frames that were reported as failed.
#[derive(Default)]
struct Submitter {
    generation: Generation,
    outcomes: Vec<Result<(), CommitError>>,
}

/// Submits a frame. When it fails, another that relies on it is on its way before what it brought
/// is taken back; and one that relies on nothing comes right after. Both do the same when they
/// fail.
fn submit_relying(wal: &Wal, submitter: &Arc<Mutex<Submitter>>, chain: u32) {
    let (again, told) = (wal.clone(), Arc::clone(submitter));
    let generation = submitter.lock().expect("whole").generation;
    let done = move |_, result: Result<(), CommitError>| {
        let failed = result.is_err();
        told.lock().expect("whole").outcomes.push(result);
        if failed && chain > 0 {
            submit_relying(&again, &told, chain - 1);
            let mut submitter = told.lock().expect("whole");
            submitter.generation = submitter.generation.max(generation.next());
            drop(submitter);
            submit_relying(&again, &told, 0);
        }
    };
    wal.submit(generation, vec![1], Box::new(done));
}

/// After 32 rounds the frames that waited then were turned away for good, and what came meanwhile
/// was written though it relied on them.
#[test]
fn a_frame_that_relies_on_a_failed_one_is_never_written_and_the_next_generation_always_is() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    storage.fail(Operation::Sync, 0, Fault::Io);
    let submitter: Arc<Mutex<Submitter>> = Arc::default();
    submit_relying(&log.wal, &submitter, 40);
    log.committer.commit_group();
    {
        let submitter = submitter.lock().expect("whole");
        let told = &submitter.outcomes;
        assert!(matches!(told.first(), Some(Err(CommitError::Failed(_)))));
        let behind = told.get(1..).expect("more than one");
        assert!(!behind.is_empty(), "the one that relied on it");
        let turned_away = |result: &Result<_, _>| matches!(result, Err(CommitError::NotAttempted));
        assert!(behind.iter().all(turned_away), "{told:?}");
    }
    for _ in 0..100 {
        log.committer.commit_group();
    }
    let submitter = submitter.lock().expect("whole");
    let written = submitter
        .outcomes
        .iter()
        .filter(|told| told.is_ok())
        .count();
    assert_eq!(log.wal.backlog_bytes(), 0);
    assert!(written > 0, "{:?}", submitter.outcomes);
    let found = Log::open(&storage.crash()).found.len();
    assert_eq!(found, written);
}

/// A submitter that breaks the rule loses the frame, not the log.
#[test]
fn a_frame_of_a_failed_generation_that_comes_late_is_turned_away() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    storage.fail(Operation::Sync, 0, Fault::Io);
    log.write(10).expect_err("not synced");
    let (tx, rx) = std::sync::mpsc::channel();
    let done = move |_, result| tx.send(result).expect("listened to");
    log.wal
        .submit(Generation::default(), vec![1], Box::new(done));
    log.submit(20);
    for _ in 0..2 {
        log.committer.commit_group();
    }
    let late = rx.try_recv().expect("told");
    assert!(matches!(late, Err(CommitError::NotAttempted)), "{late:?}");
    assert_eq!(told(&log.outcomes), "Fo");
    assert_eq!(Log::open(&storage.crash()).found.len(), 1);
}

#[test]
fn a_frame_that_is_too_large_is_refused_and_sends_back_those_behind() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    log.submit(10);
    log.submit_payload(vec![0; super::super::FRAME_BYTES_MAX + 1]);
    log.submit(10);
    for _ in 0..3 {
        log.committer.commit_group();
    }
    assert_eq!(told(&log.outcomes), "oLn");
    log.write(10).expect("healthy");
    let text = CommitError::TooLarge { bytes: 5 }.to_string();
    assert_eq!(text, "a log frame of 5 bytes is larger than 16777216 bytes");
}

#[test]
fn a_disk_that_fails_while_it_is_read_refuses_the_start_without_a_change() {
    let storage = new_storage(1);
    Log::open(&storage).write(10).expect("durable");
    let before = storage.list("wal").expect("listed");
    for after in 0..3 {
        storage.fail(Operation::Read, after, Fault::Io);
        let refused = Log::try_open(&storage).err().expect("refused");
        assert!(matches!(refused, WalError::Storage(_)), "{refused}");
        assert_eq!(storage.list("wal").expect("listed"), before);
        storage.heal();
    }
    assert_eq!(Log::open(&storage).found.len(), 1);
}

// The next two were found by the random schedules.

#[test]
fn an_end_mark_that_was_not_synced_does_not_prove_itself() {
    for seed in 0..50 {
        let storage = new_storage(seed);
        let mut log = Log::open(&storage);
        log.write(10).expect("durable");
        storage.fail_always(Operation::Sync, Fault::Io);
        log.committer.close().expect_err("not synced");
        storage.heal();
        // The process sees the mark; after a power cut it may never have been there.
        Log::open(&storage).write(20).expect("durable");
        assert_eq!(Log::open(&storage.crash()).found.len(), 2);
    }
}

#[test]
fn a_segment_gets_no_successor_before_its_own_name_is_durable() {
    for seed in 0..50 {
        let storage = new_storage(seed);
        storage.fail_always(Operation::SyncDir, Fault::Io);
        // Killed after the rename, and then again in the start after that.
        assert!(Log::open(&storage).wal.health().is_err());
        assert!(Log::open(&storage).wal.health().is_err());
        let mut log = Log::open(&storage.crash());
        log.write(10).expect("durable");
    }
}
