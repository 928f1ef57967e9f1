//! The log while the disk fails or is full.

use std::sync::{Arc, Mutex};

use super::super::{CommitError, WalError};
use super::support::{Log, Outcomes, new_storage, segment};
use crate::storage::fault::Fault;
use crate::storage::{Operation, Storage};

fn told(outcomes: &Outcomes) -> String {
    let outcomes = outcomes.lock().expect("whole");
    let letters = outcomes.iter().map(|(_, result)| match result {
        Ok(()) => 'o',
        Err(CommitError::Failed(_)) => 'F',
        Err(CommitError::NotAttempted) => 'n',
        Err(CommitError::Overtaken) => 'v',
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
        reason.contains("cannot sync wal/0000000000000002.wal.new: Input/output error"),
        "{reason}"
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
    storage.set_capacity(Some(1 << 20));
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

#[test]
fn frames_submitted_before_a_failure_was_told_fail_with_it_but_not_for_ever() {
    let storage = new_storage(1);
    let mut log = Log::open(&storage);
    storage.fail(Operation::Sync, 0, Fault::Io);
    let (wal, told) = (log.wal.clone(), Arc::new(Mutex::new(Vec::new())));
    log.wal.submit(vec![1], again(wal, told.clone()));
    log.committer.commit_group();
    let told = told.lock().expect("whole").clone();
    // Whoever submits again from within the completion is sent back a while, then for good.
    assert!(matches!(told.first(), Some(CommitError::Failed(_))));
    assert!(matches!(told.last(), Some(CommitError::Overtaken)));
    let between = told.get(1..told.len() - 1).expect("many");
    assert!(between.len() > 10);
    assert!(
        between
            .iter()
            .all(|error| matches!(error, CommitError::NotAttempted))
    );
    log.write(10).expect("the log goes on");
}

/// Submits again whenever that makes sense.
fn again(wal: super::super::Wal, told: Arc<Mutex<Vec<CommitError>>>) -> super::super::Completion {
    Box::new(move |_, result| {
        let error = result.expect_err("failing");
        told.lock().expect("whole").push(error.clone());
        if matches!(error, CommitError::Failed(_) | CommitError::NotAttempted) {
            wal.clone().submit(vec![1], again(wal, told));
        }
    })
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
