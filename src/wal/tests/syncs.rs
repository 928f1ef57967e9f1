//! Every single sync of the log fails once, work continues, and then the power goes: issue 8, A2.

use super::super::WalError;
use super::support::{Log, new_storage};
use crate::id::Sequence;
use crate::storage::fault::Fault;
use crate::storage::{FaultStorage, Operation};

/// The knowledge of a writer to a log, over all its restarts.
struct Writer {
    what: String,
    storage: FaultStorage,
    /// True if the process is killed once it has met the failing sync.
    is_killed: bool,
    log: Log,
    next_id: u64,
    /// The outcomes of frames before this one are known.
    noted: u64,
    /// The acknowledged frames: what their payloads say, and their sequences.
    acknowledged: Vec<(u64, u64)>,
    /// The highest sequence of which a release was asked for.
    released: u64,
}

/// Opens a log; a start that meets the failing sync is tried again, by another process.
fn open(storage: &FaultStorage, what: &str) -> Log {
    match Log::try_open(storage) {
        Ok(log) => log,
        Err(WalError::Storage(_)) => Log::open(storage),
        Err(error) => panic!("{what}: {error}"),
    }
}

fn ids(log: &Log) -> Vec<u64> {
    let found = log.found.iter();
    let id = |payload: &[u8]| u64::from_le_bytes(*payload.first_chunk().expect("an id"));
    found.map(|(_, payload)| id(payload)).collect()
}

impl Writer {
    fn open(storage: FaultStorage, is_killed: bool, what: String) -> Self {
        Self {
            log: open(&storage, &what),
            is_killed,
            what,
            storage,
            next_id: 1,
            noted: 1,
            acknowledged: Vec::new(),
            released: 0,
        }
    }

    /// Writes some frames, each a group of its own; then one group of two.
    fn write(&mut self, frames: u64) {
        for _ in 0..frames {
            self.submit(900);
            self.commit();
        }
        self.submit(20);
        self.submit(20);
        self.commit();
    }

    fn submit(&mut self, bytes: usize) {
        let mut payload = self.next_id.to_le_bytes().to_vec();
        payload.resize(bytes, 7);
        self.log.submit_payload(payload);
        self.next_id += 1;
    }

    fn commit(&mut self) {
        let is_armed = self.storage.has_faults();
        while self.log.wal.backlog_bytes() > 0 {
            self.log.committer.commit_group();
            if is_armed && self.is_killed && !self.storage.has_faults() {
                break;
            }
        }
        let is_met = is_armed && !self.storage.has_faults();
        let is_killed = is_met && self.is_killed;
        if self.log.wal.health().is_err() && !is_killed {
            self.log.committer.probe();
        }
        self.take_note();
        if is_killed {
            self.restart(false);
        }
    }

    /// Records the outcomes of frames. Those without an outcome ended with their process.
    fn take_note(&mut self) {
        let told: Vec<_> = self.log.outcomes.lock().expect("whole").drain(..).collect();
        for (id, (sequence, result)) in (self.noted..).zip(told) {
            if result.is_ok() {
                self.acknowledged.push((id, sequence));
            }
        }
        self.noted = self.next_id;
        self.check();
    }

    /// Lets go of all acknowledged frames but the last few.
    fn release(&mut self) {
        let kept = self.acknowledged.len().saturating_sub(3);
        let released = self.acknowledged.get(..kept).and_then(<[_]>::last);
        self.released = released.map_or(0, |(_, sequence)| *sequence);
        // A failure delays it: the next one makes it good.
        for _ in 0..2 {
            self.log.committer.release(Sequence(self.released));
            self.check();
        }
    }

    /// Another process takes over: the disk stays as it is.
    fn restart(&mut self, is_clean: bool) {
        if is_clean {
            // That it was not clean is all that an error says.
            let _ = self.log.committer.close();
            self.check();
        }
        self.log = open(&self.storage, &self.what);
        self.check();
    }

    /// Returns what a start finds if the power goes now.
    fn check(&self) {
        let what = &self.what;
        let found = Log::try_open(&self.storage.crash());
        let found = ids(&found.unwrap_or_else(|error| panic!("{what}: {error}")));
        assert!(
            found.is_sorted_by(|a, b| a < b),
            "{what}: {found:?} is out of order"
        );
        assert!(found.iter().all(|id| *id < self.next_id), "{what}");
        for (id, sequence) in &self.acknowledged {
            assert!(
                *sequence <= self.released || found.contains(id),
                "{what}: frame {id} of {:?} is lost, found {found:?}",
                self.acknowledged
            );
        }
    }
}

/// Works with one failing sync, and says whether there were that many. The power goes after each
/// step.
fn run(seed: u64, operation: Operation, after: u64, is_killed: bool) -> bool {
    let storage = new_storage(seed);
    storage.fail(operation, after, Fault::Io);
    let what = format!("seed {seed}, {operation} {after}, killed then: {is_killed}");
    let mut writer = Writer::open(storage, is_killed, what);
    writer.write(5);
    writer.release();
    writer.write(2);
    writer.restart(false);
    writer.write(4);
    writer.release();
    writer.restart(true);
    writer.write(4);
    writer.release();
    writer.write(1);
    let is_met = !writer.storage.has_faults();
    // At most the groups that met it went unanswered: the log continued.
    assert!(
        writer.acknowledged.len() as u64 + 4 >= writer.next_id - 1,
        "{}: {:?}",
        writer.what,
        writer.acknowledged
    );
    is_met
}

#[test]
fn acknowledged_frames_are_there_whichever_sync_failed_before_the_power_went() {
    for (operation, least) in [(Operation::Sync, 40), (Operation::SyncDir, 15)] {
        for seed in 0..8 {
            let mut after = 0;
            while run(seed, operation, after, seed % 2 == 1) {
                after += 1;
            }
            assert!(after >= least, "only {after} of {operation}");
        }
    }
}
