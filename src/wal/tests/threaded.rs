//! The log with its thread, and on the real disk.

use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::{
    CommitError, Completion, Generation, GroupReport, Observer, Progress, Wal, WalError, WalOptions,
};
use super::support::{Log, new_storage, payload, recover, small};
use crate::clock;
use crate::id::Sequence;
use crate::storage::fault::Fault;
use crate::storage::{DiskStorage, FaultStorage, Operation, Storage, StorageError};
use crate::vital::tests::{assert_ends_the_process, wait_for_the_end};

/// Longer than anything takes on a machine that is merely slow.
const PATIENCE: Duration = Duration::from_secs(60);

type Told = (u64, Result<(), CommitError>);

fn start(storage: &FaultStorage) -> Wal {
    recover(storage, small())
        .expect("opens")
        .0
        .start()
        .expect("starts")
}

fn submit(wal: &Wal, bytes: Vec<u8>) -> Receiver<Result<(), CommitError>> {
    submit_in(Generation::default(), wal, bytes)
}

fn submit_in(
    generation: Generation,
    wal: &Wal,
    bytes: Vec<u8>,
) -> Receiver<Result<(), CommitError>> {
    let (tx, rx) = channel();
    let done = move |_, result| drop(tx.send(result));
    wal.submit(generation, bytes, Box::new(done));
    rx
}

fn wait(told: &Receiver<Result<(), CommitError>>) -> Result<(), CommitError> {
    told.recv_timeout(PATIENCE).expect("told")
}

#[derive(Debug, Default)]
struct Groups(Mutex<Vec<GroupReport>>);

impl Observer for Groups {
    fn group(&self, group: &GroupReport) {
        self.0.lock().expect("whole").push(*group);
    }
}

/// Submits from many threads at once; returns the completions in their order.
fn hammer(wal: &Wal, submitters: u64, frames: u64) -> Vec<Told> {
    let (tx, rx) = channel::<Told>();
    std::thread::scope(|scope| {
        for _ in 0..submitters {
            let tx: Sender<Told> = tx.clone();
            scope.spawn(move || {
                for _ in 0..frames {
                    let (tx, named) = (tx.clone(), Arc::new(Mutex::new(0)));
                    let name = named.clone();
                    let mut held = named.lock().expect("whole");
                    let done = move |_, result| {
                        let sequence = *name.lock().expect("whole");
                        drop(tx.send((sequence, result)));
                    };
                    *held = wal
                        .submit(Generation::default(), payload(7, 100), Box::new(done))
                        .0;
                }
            });
        }
    });
    drop(tx);
    rx.iter().collect()
}

#[test]
fn on_a_real_disk_all_frames_of_many_submitters_are_completed_in_order_and_found() {
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let root = scratch.path().join("data");
    let open = |groups: &Arc<Groups>| {
        let storage = Arc::new(DiskStorage::open(&root)?);
        let options = WalOptions {
            observer: Some(groups.clone()),
            ..small()
        };
        let mut found = Vec::new();
        let mut on_frame = |sequence: Sequence, bytes: &[u8]| {
            assert_eq!(bytes, payload(7, 100));
            found.push(sequence.0);
            Ok(())
        };
        let recovered = Wal::recover(storage, options, &mut on_frame, &mut |_| {}).expect("opens");
        Ok::<_, StorageError>((recovered, found))
    };
    let groups = Arc::new(Groups::default());
    let wal = open(&groups).expect("opens").0.start().expect("starts");
    assert!(matches!(open(&groups), Err(StorageError::InUse { .. })));
    let told = hammer(&wal, 8, 50);
    assert!(
        told.iter()
            .zip(1..)
            .all(|((at, result), wanted)| *at == wanted && result.is_ok())
    );
    assert_eq!(told.len(), 400);
    let stats = wal.stats();
    assert_eq!(
        (stats.durable, stats.last, stats.backlog_bytes),
        (Sequence(400), Sequence(400), 0)
    );
    let reports = groups.0.lock().expect("whole").clone();
    assert_eq!(reports.iter().map(|group| group.frames).sum::<usize>(), 400);
    assert!(reports.len() < 400, "grouped");
    let segments = std::fs::read_dir(root.join("wal")).expect("listed");
    let files: Vec<_> = segments.map(|entry| entry.expect("listed")).collect();
    let modes = files
        .iter()
        .map(|file| file.metadata().expect("known").permissions().mode());
    assert!(modes.into_iter().all(|mode| mode & 0o777 == 0o600));
    let bytes: u64 = files
        .iter()
        .map(|file| file.metadata().expect("known").len())
        .sum();
    assert_eq!((stats.log_bytes, stats.segments), (bytes, files.len()));
    wal.close().expect("closed");
    wal.close().expect("twice is fine");
    drop(wal);
    let (recovered, found) = open(&groups).expect("free again");
    assert!(recovered.replayed().clean && found.into_iter().eq(1..=400));
}

#[test]
fn what_queues_up_behind_a_sync_is_one_group() {
    let storage = new_storage(1);
    let groups = Arc::new(Groups::default());
    let options = WalOptions {
        observer: Some(groups.clone()),
        ..WalOptions::default()
    };
    let wal = recover(&storage, options)
        .expect("opens")
        .0
        .start()
        .expect("starts");
    let (held, release) = channel::<()>();
    let (entered, inside) = channel();
    wal.submit(
        Generation::default(),
        vec![1],
        Box::new(move |_, _| {
            let _ = entered.send(());
            let _ = release.recv();
        }),
    );
    inside.recv().expect("the thread is busy");
    let told: Vec<_> = (0..100).map(|_| submit(&wal, vec![2])).collect();
    assert_eq!(wal.backlog_bytes(), 100 * 25);
    drop(held);
    assert!(told.iter().all(|told| wait(told).is_ok()));
    let frames: Vec<_> = groups
        .0
        .lock()
        .expect("whole")
        .iter()
        .map(|group| group.frames)
        .collect();
    assert_eq!(frames, [1, 100]);
}

#[test]
fn a_full_disk_heals_by_itself_within_a_second_or_so() {
    // A busy machine may take its time, but not every time.
    let healed = (0..10).find_map(|_| {
        let took = time_to_heal();
        (took < Duration::from_millis(1500)).then_some(took)
    });
    assert!(healed.is_some(), "ten times it took longer");
}

/// The time that a log takes to recover after its full disk has room again.
fn time_to_heal() -> Duration {
    let storage = new_storage(1);
    let wal = start(&storage);
    storage.set_capacity(Some(4096));
    let full = wait(&submit(&wal, payload(1, 9000)));
    assert!(matches!(full, Err(CommitError::DiskFull)));
    assert!(wal.health().is_err());
    std::thread::sleep(Duration::from_millis(300));
    storage.set_capacity(None);
    let freed = clock::instant();
    while wal.health().is_err() {
        assert!(freed.elapsed() < PATIENCE, "not healthy yet");
        std::thread::sleep(Duration::from_millis(5));
    }
    let took = freed.elapsed();
    wait(&submit_in(Generation::default().next(), &wal, vec![1])).expect("durable");
    wal.close().expect("closed");
    assert_eq!(Log::open(&storage.crash()).found.len(), 1);
    took
}

#[test]
fn frames_submitted_before_close_are_durable_and_later_ones_told() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let told: Vec<_> = (0..50).map(|_| submit(&wal, payload(1, 300))).collect();
    wal.close().expect("closed");
    assert!(told.iter().all(|told| wait(told).is_ok()));
    let late = wait(&submit(&wal, vec![1]));
    assert!(matches!(late, Err(CommitError::Closed)));
    assert_eq!(wal.durable_sequence(), Sequence(50));
    let (recovered, found) = recover(&storage.crash(), small()).expect("opens");
    assert!(recovered.replayed().clean && found.len() == 50);
}

#[test]
fn frames_that_come_while_the_log_is_closing_are_told_in_order() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let (tx, rx) = channel();
    let (again, late) = (wal.clone(), tx.clone());
    wal.submit(
        Generation::default(),
        vec![1],
        Box::new(move |_, result| {
            let _ = tx.send(("first", result.is_ok()));
            again.close().expect("begun");
            again.submit(
                Generation::default(),
                vec![2],
                Box::new(move |_, result| {
                    let _ = late.send(("late", result.is_ok()));
                }),
            );
        }),
    );
    let told: Vec<_> = (0..2).map(|_| rx.recv_timeout(PATIENCE)).collect();
    assert_eq!(told, [Ok(("first", true)), Ok(("late", false))]);
    wal.close().expect("closed");
}

#[test]
fn dropping_the_last_handle_closes_the_log() {
    let storage = new_storage(1);
    let wal = start(&storage);
    wait(&submit(&wal, vec![1])).expect("durable");
    drop(wal);
    let started = clock::instant();
    loop {
        let (recovered, _) = recover(&storage, small()).expect("opens");
        if recovered.replayed().clean {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "never closed");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_panic_on_the_logs_thread_ends_the_process() {
    let test = "wal::tests::threaded::a_panic_on_the_logs_thread_ends_the_process";
    assert_ends_the_process(test, "\"wal\"", || {
        let wal = start(&new_storage(1));
        let done: Completion = Box::new(|_, _| panic!("on purpose"));
        wal.submit(Generation::default(), vec![1], done);
        wait_for_the_end();
    });
}

#[test]
fn a_close_that_cannot_write_the_end_mark_says_so() {
    let storage = new_storage(1);
    let wal = start(&storage);
    wait(&submit(&wal, vec![1])).expect("durable");
    storage.fail_always(Operation::Write, Fault::Io);
    let unclean = wal.close().expect_err("no end mark");
    assert!(matches!(unclean, WalError::Storage(_)), "{unclean}");
    storage.heal();
    let (recovered, found) = recover(&storage.crash(), small()).expect("opens");
    assert!(!recovered.replayed().clean && found.len() == 1);
}

#[test]
fn replay_tells_how_far_it_is_and_hands_out_large_frames() {
    let storage = new_storage(1);
    let wal = start(&storage);
    let told: Vec<_> = (0..12).map(|_| submit(&wal, payload(1, 900_000))).collect();
    assert!(told.iter().all(|told| wait(told).is_ok()));
    wait(&submit(&wal, payload(2, 9 << 20))).expect("larger than the reader's buffer");
    wal.close().expect("closed");
    let shared: Arc<dyn Storage> = Arc::new(storage);
    let (mut steps, mut bytes) = (Vec::new(), 0);
    let mut on_frame = |_: Sequence, payload: &[u8]| {
        bytes += payload.len();
        Ok(())
    };
    let recovered = Wal::recover(shared, small(), &mut on_frame, &mut |step| steps.push(step));
    let replayed = recovered.expect("opens").replayed().clone();
    let Progress {
        bytes_done,
        bytes_total: total,
        ..
    } = *steps.last().expect("told");
    assert_eq!(bytes_done, total);
    assert!(
        steps.len() >= 12
            && steps
                .windows(2)
                .all(|two| two[0].bytes_done <= two[1].bytes_done)
    );
    assert_eq!((replayed.frames, replayed.last), (13, Sequence(13)));
    assert_eq!((bytes, replayed.bytes), (12 * 900_000 + (9 << 20), total));
}
