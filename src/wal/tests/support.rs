//! Shared by the tests: a log without a thread, small enough to break at every byte.

use std::sync::{Arc, Mutex};

use super::super::write::committer::Committer;
use super::super::{CommitError, Generation, Recovered, Wal, WalError, WalOptions};
use crate::id::Sequence;
use crate::storage::{FaultStorage, Storage};

/// Sequence and payload.
pub(super) type Frames = Vec<(u64, Vec<u8>)>;

/// The outcomes of frames.
pub(super) type Outcomes = Arc<Mutex<Vec<(u64, Result<(), CommitError>)>>>;

pub(super) fn small() -> WalOptions {
    WalOptions {
        segment_bytes_max: 3000,
        group_bytes_max: 1000,
        room_bytes_min: 2000,
        ..WalOptions::default()
    }
}

/// The node of [`new_storage`].
pub(super) const NODE: u64 = 0xab;

/// A disk with a data folder of a fixed identity, so that a seed always gives the same bytes.
pub(super) fn new_storage(seed: u64) -> FaultStorage {
    let storage = FaultStorage::new(seed);
    storage.put("format", b"tidegate data format 1\nnode 00000000000000ab\n");
    storage
}

pub(super) fn recover(
    storage: &FaultStorage,
    options: WalOptions,
) -> Result<(Recovered, Frames), WalError> {
    let storage: Arc<dyn Storage> = Arc::new(storage.clone());
    let mut frames = Frames::new();
    let mut on_frame = |sequence: Sequence, payload: &[u8]| {
        frames.push((sequence.0, payload.to_vec()));
        Ok(())
    };
    let recovered = Wal::recover(storage, options, &mut on_frame, &mut |_| {})?;
    Ok((recovered, frames))
}

/// A log that is driven by hand.
pub(super) struct Log {
    pub wal: Wal,
    pub committer: Committer,
    pub found: Frames,
    pub outcomes: Outcomes,
    generation: Arc<Mutex<Generation>>,
}

impl Log {
    pub(super) fn open(storage: &FaultStorage) -> Self {
        Self::try_open(storage).expect("the log opens")
    }

    pub(super) fn try_open(storage: &FaultStorage) -> Result<Self, WalError> {
        let (recovered, found) = recover(storage, small())?;
        let (wal, mut committer) = recovered.into_parts();
        committer.open();
        Ok(Self {
            wal,
            committer,
            found,
            outcomes: Outcomes::default(),
            generation: Arc::default(),
        })
    }

    /// Submits a frame whose payload says which it is.
    pub(super) fn submit(&self, bytes: usize) -> u64 {
        self.submit_payload(payload(self.wal.last_submitted().0 + 1, bytes))
    }

    pub(super) fn submit_payload(&self, payload: Vec<u8>) -> u64 {
        let sequence = self.wal.last_submitted().0 + 1;
        let (outcomes, current) = (self.outcomes.clone(), Arc::clone(&self.generation));
        let generation = *current.lock().expect("whole");
        let done = move |_, result: Result<(), CommitError>| {
            if result.is_err() {
                let mut current = current.lock().expect("whole");
                *current = (*current).max(generation.next());
            }
            outcomes.lock().expect("whole").push((sequence, result));
        };
        let submitted = self.wal.submit(generation, payload, Box::new(done));
        assert_eq!(submitted.0, sequence);
        sequence
    }

    /// Submits and commits.
    pub(super) fn write(&mut self, bytes: usize) -> Result<(), CommitError> {
        let sequence = self.submit(bytes);
        self.committer.commit_group();
        let outcomes = self.outcomes.lock().expect("whole");
        let (told, result) = outcomes.last().expect("completed").clone();
        assert_eq!(told, sequence);
        result
    }

    /// Sequences of the acknowledged frames.
    pub(super) fn acknowledged(&self) -> Vec<u64> {
        let outcomes = self.outcomes.lock().expect("whole");
        outcomes
            .iter()
            .filter(|(_, result)| result.is_ok())
            .map(|(sequence, _)| *sequence)
            .collect()
    }
}

pub(super) fn payload(sequence: u64, bytes: usize) -> Vec<u8> {
    let text = sequence.to_le_bytes();
    text.iter().copied().cycle().take(bytes).collect()
}

pub(super) fn segment(number: u64) -> String {
    super::super::format::segment::path(number)
}
