//! Submitters that do the work of the log's thread.

use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::super::{CommitError, Generation, Lead, Wal};
use super::support::{Log, new_storage, payload, recover, small};
use crate::clock;
use crate::id::Sequence;
use crate::storage::FaultStorage;
use crate::storage::Operation;
use crate::storage::fault::Fault;
use crate::vital::tests::assert_ends_the_process;

/// Longer than anything takes on a machine that is merely slow.
const PATIENCE: Duration = Duration::from_secs(60);

type Outcome = Result<(), CommitError>;

fn start(storage: &FaultStorage) -> Wal {
    let (recovered, _) = recover(storage, small()).expect("opens");
    recovered.start().expect("starts")
}

/// Submits a frame of these bytes; the outcome comes with the thread that tells it.
fn submit(
    wal: &Wal,
    generation: Generation,
    bytes: usize,
) -> (Sequence, Option<Lead>, Receiver<(ThreadId, Outcome)>) {
    let (tx, told) = channel();
    let done = move |_, result| drop(tx.send((thread::current().id(), result)));
    let (sequence, lead) = wal.submit_to_lead(generation, payload(1, bytes), Box::new(done));
    (sequence, lead, told)
}

/// Submits frames until one finds the log's thread asleep.
fn submit_to_sleeper(wal: &Wal) -> (Sequence, Lead, Receiver<(ThreadId, Outcome)>) {
    let started = clock::instant();
    loop {
        let (sequence, lead, told) = submit(wal, Generation::default(), 100);
        if let Some(lead) = lead {
            return (sequence, lead, told);
        }
        let (_, outcome) = told.recv_timeout(PATIENCE).expect("told");
        outcome.expect("durable");
        assert!(started.elapsed() < PATIENCE, "it never sleeps");
        thread::sleep(Duration::from_millis(1));
    }
}

fn soon(what: &str, is_so: impl Fn() -> bool) {
    let started = clock::instant();
    while !is_so() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_frame_that_finds_the_thread_asleep_is_committed_where_it_was_submitted() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (mut sequence, mut lead, mut told) = submit_to_sleeper(&wal);
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(1));
        assert!(wal.durable_sequence() < sequence, "nobody else commits it");
        assert!(told.try_recv().is_err());
        // It comes later and goes with it.
        let (second, none, told_second) = submit(&wal, Generation::default(), 100);
        assert!(none.is_none(), "there is one lead");
        lead.commit();
        let here = thread::current().id();
        for told in [told, told_second] {
            let (by, outcome) = told.try_recv().expect("told when it returns");
            outcome.expect("durable");
            assert_eq!(by, here);
        }
        assert_eq!(wal.durable_sequence(), second);
        // The thread was not woken: it still sleeps.
        let next = submit(&wal, Generation::default(), 100);
        (sequence, told) = (next.0, next.2);
        lead = next.1.expect("it sleeps");
    }
    drop(lead);
    assert!(told.recv_timeout(PATIENCE).expect("told").1.is_ok());
    wal.close().expect("closed");
    let found = Log::open(&storage.crash()).found;
    assert_eq!(found.len() as u64, sequence.0);
}

#[test]
fn a_lead_that_is_dropped_wakes_the_thread() {
    let wal = start(&new_storage(1));
    let (_, lead, told) = submit_to_sleeper(&wal);
    drop(lead);
    let (by, outcome) = told.recv_timeout(PATIENCE).expect("told");
    outcome.expect("durable");
    assert_ne!(by, thread::current().id());
}

#[test]
fn what_comes_while_a_submitter_commits_is_left_to_the_thread() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (_, lead, _) = submit_to_sleeper(&wal);
    let (tx, told) = channel();
    let (again, first) = (wal.clone(), tx.clone());
    let done = move |_, result: Outcome| {
        let _ = first.send((thread::current().id(), result));
        let done = move |_, result| drop(tx.send((thread::current().id(), result)));
        again.submit(Generation::default(), payload(1, 100), Box::new(done));
    };
    wal.submit(Generation::default(), payload(1, 100), Box::new(done));
    lead.commit();
    let here = thread::current().id();
    for is_here in [true, false] {
        let (by, outcome) = told.recv_timeout(PATIENCE).expect("told");
        outcome.expect("durable");
        assert_eq!(by == here, is_here);
    }
}

#[test]
fn many_that_lead_in_turn_are_completed_in_order_and_found() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (tx, told) = channel();
    thread::scope(|scope| {
        for submitter in 0..6 {
            let (tx, wal) = (tx.clone(), &wal);
            scope.spawn(move || {
                for frame in 0..200 {
                    let (tx, (over, is_over)) = (tx.clone(), channel());
                    let done = move |sequence, result: Outcome| {
                        let _ = tx.send((sequence, result.is_ok()));
                        let _ = over.send(());
                    };
                    let bytes = payload(1, 50);
                    let generation = Generation::default();
                    let (_, lead) = wal.submit_to_lead(generation, bytes, Box::new(done));
                    match lead {
                        Some(lead) if (submitter + frame) % 3 > 0 => lead.commit(),
                        lead => drop(lead),
                    }
                    is_over.recv_timeout(PATIENCE).expect("somebody commits it");
                }
            });
        }
    });
    drop(tx);
    let expected = (1..=1200).map(|sequence| (Sequence(sequence), true));
    assert!(told.iter().eq(expected), "in order, each once");
    wal.close().expect("closed");
    assert_eq!(Log::open(&storage.crash()).found.len(), 1200);
}

#[test]
fn after_a_submitter_has_met_a_full_disk_the_thread_tries_again() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (_, lead, told) = submit_to_sleeper(&wal);
    storage.fail_always(Operation::Write, Fault::Io);
    lead.commit();
    let (by, outcome) = told.try_recv().expect("told");
    assert!(outcome.is_err());
    assert_eq!(by, thread::current().id());
    assert!(wal.health().is_err());
    storage.heal();
    soon("it heals", || wal.health().is_ok());
    let next = Generation::default().next();
    let (_, lead, told) = submit(&wal, next, 100);
    drop(lead);
    let (_, outcome) = told.recv_timeout(PATIENCE).expect("told");
    outcome.expect("durable");
}

#[test]
fn a_failed_sync_of_a_submitter_costs_its_generation_and_no_other() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (_, lead, told) = submit_to_sleeper(&wal);
    storage.fail(Operation::Sync, 0, Fault::Io);
    lead.commit();
    assert!(told.try_recv().expect("told").1.is_err());
    let (_, lead, told) = submit(&wal, Generation::default(), 100);
    drop(lead);
    let (_, outcome) = told.recv_timeout(PATIENCE).expect("told");
    assert!(matches!(outcome, Err(CommitError::NotAttempted)));
    let (last, lead, told) = submit(&wal, Generation::default().next(), 100);
    if let Some(lead) = lead {
        lead.commit();
    }
    let (_, outcome) = told.recv_timeout(PATIENCE).expect("told");
    outcome.expect("durable");
    let found = Log::open(&storage.crash()).found;
    let lost = [last.0 - 1, last.0 - 2];
    assert!(found.iter().all(|(sequence, _)| !lost.contains(sequence)));
    assert_eq!(found.last().map(|(sequence, _)| *sequence), Some(last.0));
}

#[test]
fn closing_waits_for_a_lead_and_in_its_completion_only_begins() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (_, lead, told) = submit_to_sleeper(&wal);
    let closing = wal.clone();
    let done = move |_, _| closing.close().expect("begun");
    wal.submit(Generation::default(), payload(1, 100), Box::new(done));
    lead.commit();
    assert!(told.try_recv().expect("told").1.is_ok());
    wal.close().expect("closed");
    let (_, none, told) = submit(&wal, Generation::default(), 100);
    assert!(none.is_none(), "nothing is committed any more");
    let (_, outcome) = told.recv_timeout(PATIENCE).expect("told");
    assert!(matches!(outcome, Err(CommitError::Closed)));
    let (recovered, _) = recover(&storage.crash(), small()).expect("opens");
    assert!(recovered.replayed().clean);
}

#[test]
fn what_waits_for_a_lead_when_the_log_is_closed_is_durable() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (last, lead, told) = submit_to_sleeper(&wal);
    wal.close().expect("closed");
    assert!(told.try_recv().expect("told").1.is_ok());
    lead.commit();
    assert_eq!(Log::open(&storage.crash()).found.len() as u64, last.0);
}

#[test]
fn a_release_that_is_asked_for_meanwhile_is_done() {
    let storage = new_storage(1);
    let wal = start(&storage);
    while wal.stats().segments < 3 {
        let (_, lead, told) = submit(&wal, Generation::default(), 900);
        if let Some(lead) = lead {
            lead.commit();
        }
        told.recv_timeout(PATIENCE)
            .expect("told")
            .1
            .expect("durable");
    }
    let (_, lead, told) = submit_to_sleeper(&wal);
    wal.release(wal.durable_sequence());
    lead.commit();
    told.recv_timeout(PATIENCE)
        .expect("told")
        .1
        .expect("durable");
    soon("the segments are deleted", || wal.stats().segments == 1);
}

#[test]
fn a_panic_where_a_submitter_commits_ends_the_process() {
    let test = "wal::tests::lead::a_panic_where_a_submitter_commits_ends_the_process";
    assert_ends_the_process(test, "\"wal\"", || {
        let wal = start(&new_storage(1));
        let (_, lead, _) = submit_to_sleeper(&wal);
        let done = |_, _| panic!("on purpose");
        wal.submit(Generation::default(), vec![1], Box::new(done));
        lead.commit();
    });
}
