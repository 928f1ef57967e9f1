//! Random schedules against a disk with every fault of a disk. The check after every restart:
//! acknowledged <= recovered <= submitted, in order, nothing twice.

use std::collections::HashMap;

use super::super::{CommitError, WalError};
use super::support::{Log, new_storage, recover, small};
use crate::id::Sequence;
use crate::storage::fault::{Fault, SplitMix};
use crate::storage::{FaultStorage, Operation};

/// Names a payload over all restarts.
type Id = u64;

struct Model {
    seed: u64,
    random: SplitMix,
    storage: FaultStorage,
    log: Option<Log>,
    next_id: Id,
    /// The payloads of the frames submitted in this run, by sequence from `first` on.
    submitted: Vec<Id>,
    first: u64,
    /// Outcomes of this run already looked at.
    seen: usize,
    /// Must be found, in this order, but for a beginning that was released.
    known: Vec<Id>,
    /// Of those.
    sequences: HashMap<Id, u64>,
    /// The highest sequence of which a release was asked for.
    released: u64,
    /// Was found at the last start, though never acknowledged: continues to be found once anything
    /// is acknowledged.
    recovered: Vec<Id>,
    /// Failed or not answered since the last acknowledgement: may be found, in this order.
    unknown: Vec<Id>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let mut random = SplitMix::new(seed);
        Self {
            seed,
            storage: new_storage(random.next()),
            random,
            log: None,
            next_id: 1,
            submitted: Vec::new(),
            first: 1,
            seen: 0,
            known: Vec::new(),
            sequences: HashMap::new(),
            released: 0,
            recovered: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn run(mut self) {
        self.start();
        for _ in 0..self.random.below(40) + 5 {
            self.act();
            self.look();
        }
        self.finish();
    }

    fn act(&mut self) {
        match self.random.below(22) {
            20 | 21 => self.release(),
            0..=5 => self.submit(),
            6..=10 => self.with_log(|log| log.committer.commit_group()),
            11 | 12 => self.arm(),
            13 => {
                let capacity = self.random.below(12) * 4096;
                self.storage
                    .set_capacity(self.random.chance(2).then_some(capacity as u64));
            }
            14 => self.storage.heal(),
            15 | 16 => self.with_log(|log| log.committer.probe()),
            17 => self.storage.cut_power_after(self.random.below(8) as u64),
            18 => self.crash(),
            _ => self.stop(),
        }
    }

    /// Releases some of the acknowledged frames.
    fn release(&mut self) {
        let places = self
            .known
            .len()
            .min(1 + self.random.below(self.known.len() + 1));
        let Some(id) = places
            .checked_sub(1)
            .and_then(|place| self.known.get(place))
        else {
            return;
        };
        let up_to = self.sequences[id];
        self.released = self.released.max(up_to);
        self.with_log(|log| log.committer.release(Sequence(up_to)));
    }

    fn with_log(&mut self, act: impl FnOnce(&mut Log)) {
        if let Some(log) = &mut self.log {
            act(log);
        }
    }

    fn submit(&mut self) {
        let Some(log) = &self.log else { return };
        for _ in 0..=self.random.below(4) {
            let bytes_max = if self.random.chance(4) { 1500 } else { 80 };
            let bytes = self.random.below(bytes_max);
            let mut payload = self.next_id.to_le_bytes().to_vec();
            payload.resize(8 + bytes, 7);
            log.submit_payload(payload);
            self.submitted.push(self.next_id);
            self.unknown.push(self.next_id);
            self.next_id += 1;
        }
    }

    fn arm(&mut self) {
        use Operation::{Create, Read, Remove, Rename, SetLen, Sync, SyncDir, Write};
        let operations = [
            Write, Write, Write, Sync, Sync, Sync, SetLen, Create, Rename, SyncDir, Read, Remove,
        ];
        let faults = [Fault::Io, Fault::Full, Fault::ShortIo, Fault::ShortFull];
        let operation = operations[self.random.below(operations.len())];
        let fault = faults[self.random.below(faults.len())];
        match self.random.chance(5) {
            true => self.storage.fail_always(operation, fault),
            false => self
                .storage
                .fail(operation, self.random.below(4) as u64, fault),
        }
    }

    /// Records the outcomes of frames.
    fn look(&mut self) {
        let Some(log) = &self.log else { return };
        let outcomes = log.outcomes.lock().expect("whole").clone();
        for (sequence, result) in &outcomes[self.seen..] {
            let at = usize::try_from(sequence - self.first).expect("of this run");
            assert_eq!(
                at, self.seen,
                "seed {}: completed in order, each once",
                self.seed
            );
            self.seen += 1;
            let id = self.submitted[at];
            match result {
                Ok(()) => {
                    self.known.append(&mut self.recovered);
                    self.known.push(id);
                    self.sequences.insert(id, *sequence);
                    // Frames that failed before can never be found again.
                    self.unknown.retain(|other| *other > id);
                }
                Err(CommitError::Failed(_) | CommitError::DiskFull) => {}
                Err(_) => self.unknown.retain(|other| *other != id),
            }
        }
    }

    /// The power goes, and comes back.
    fn crash(&mut self) {
        self.storage = self.storage.crash();
        self.start();
    }

    /// The process is killed, or stopped in order; the disk stays as it is.
    fn stop(&mut self) {
        if self.random.chance(2) && self.random.chance(2) {
            self.with_log(|log| {
                for _ in 0..50 {
                    log.committer.commit_group();
                }
                let _ = log.committer.close();
            });
            self.look();
        }
        self.start();
    }

    fn start(&mut self) {
        self.log = None;
        let log = match Log::try_open(&self.storage) {
            Ok(log) => log,
            Err(WalError::Storage(_)) => {
                // A fault was still waiting, or the power is off: the start is refused.
                self.storage.heal();
                self.storage = self.storage.crash();
                Log::try_open(&self.storage).unwrap_or_else(|error| self.refused(&error))
            }
            Err(error) => self.refused(&error),
        };
        self.check(&log);
        (self.first, self.seen) = (log.wal.last_submitted().0 + 1, 0);
        self.submitted.clear();
        if log.wal.health().is_ok() {
            self.known.append(&mut self.recovered);
            self.unknown.clear();
        }
        self.log = Some(log);
    }

    fn refused(&self, error: &WalError) -> Log {
        panic!("seed {}: {error}", self.seed)
    }

    fn check(&mut self, log: &Log) {
        let seed = self.seed;
        assert!(
            log.found.windows(2).all(|pair| pair[0].0 < pair[1].0),
            "seed {seed}: order"
        );
        let ids: Vec<Id> = log
            .found
            .iter()
            .map(|(_, payload)| Id::from_le_bytes(*payload.first_chunk().expect("an id")))
            .collect();
        let known = self.not_released(ids.first().copied());
        assert!(
            ids.starts_with(known),
            "seed {seed}: acknowledged {known:?}, found {ids:?}"
        );
        let rest = ids[known.len()..].to_vec();
        for (sequence, id) in log.found.iter().map(|(sequence, _)| sequence).zip(&ids) {
            self.sequences.insert(*id, *sequence);
        }
        let mut may_be = std::mem::take(&mut self.recovered);
        may_be.append(&mut self.unknown);
        may_be.sort_unstable();
        let mut in_order = may_be.iter();
        for id in &rest {
            assert!(
                in_order.any(|other| other == id),
                "seed {seed}: {rest:?}, not {may_be:?}"
            );
        }
        // A frame that is not found now can be found later: the cut after a full disk may be lost with
        // the power. But only until something new is durable.
        self.unknown = may_be.into_iter().filter(|id| !rest.contains(id)).collect();
        self.recovered = rest;
    }

    /// Returns the frames that must be found if this is the first one found. Those before it were
    /// released; they can come back as long as the record of that is not durable.
    fn not_released(&self, first: Option<Id>) -> &[Id] {
        let place = first.and_then(|first| self.known.iter().position(|id| *id == first));
        let (gone, known) = self.known.split_at(place.unwrap_or(self.known.len()));
        for id in gone {
            let sequence = self.sequences[id];
            assert!(
                sequence <= self.released,
                "seed {}: frame {sequence} is gone, released was up to {}",
                self.seed,
                self.released
            );
        }
        known
    }

    /// However it went: with a good disk the log works again, and keeps everything.
    fn finish(mut self) {
        self.storage.heal();
        self.storage.set_capacity(None);
        self.crash();
        self.with_log(|log| log.committer.probe());
        self.submit();
        self.with_log(|log| {
            for _ in 0..5 {
                log.committer.commit_group();
            }
            assert!(log.wal.health().is_ok() && log.wal.backlog_bytes() == 0);
            assert!(!log.acknowledged().is_empty());
        });
        self.look();
        assert!(self.unknown.is_empty(), "seed {}", self.seed);
        self.crash();
        self.with_log(|log| log.committer.close().expect("closed"));
        let (recovered, _) = recover(&self.storage.crash(), small()).expect("opens");
        assert!(recovered.replayed().clean, "seed {}", self.seed);
    }
}

fn schedules(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        Model::new(seed).run();
    }
}

// Four tests, so that they run side by side.

#[test]
fn acked_frames_survive_2500_random_schedules() {
    schedules(0..2500);
}

#[test]
fn acked_frames_survive_2500_other_random_schedules() {
    schedules(2500..5000);
}

#[test]
fn acked_frames_survive_another_2500_random_schedules() {
    schedules(5000..7500);
}

#[test]
fn acked_frames_survive_the_last_2500_random_schedules() {
    schedules(7500..10_000);
}
