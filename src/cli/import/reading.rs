//! The thread that reads the inputs one after another, cuts them, and passes the batches on.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::cutter::{Batch, Cutter, Rules};
use super::error::ImportError;
use crate::cli::plain_text::Input;

/// The thread's rules and channels.
pub(super) struct Reading {
    pub(super) rules: Rules,
    pub(super) batches: mpsc::Sender<Batch>,
    /// A place for each batch between here and the ledger.
    pub(super) window: Arc<Semaphore>,
    pub(super) runtime: Handle,
    pub(super) stop: CancellationToken,
}

impl Reading {
    /// Reads until the end of the inputs, a fault, or a stop. Returns the sending end too, so that the
    /// caller decides when the batches end.
    pub(super) fn run(self, inputs: Vec<Input>) -> (Result<(), ImportError>, mpsc::Sender<Batch>) {
        let mut number = 0;
        let mut result = Ok(());
        for (file, input) in inputs.iter().enumerate() {
            result = self.read(file, input, &mut number);
            if result.is_err() || self.stop.is_cancelled() {
                break;
            }
        }
        (result, self.batches)
    }

    fn read(&self, file: usize, input: &Input, number: &mut u64) -> Result<(), ImportError> {
        let wrong = |line: u64, problem: String| ImportError::Input {
            name: input.name.clone(),
            line,
            problem,
        };
        let text = input.open().map_err(|error| wrong(0, error.to_string()))?;
        let mut cutter = Cutter::new(text, self.rules);
        let mut counted = 0;
        loop {
            let cut = cutter.next();
            let cut = cut.map_err(|error| wrong(cutter.line(), error.to_string()))?;
            let is_last = cut.is_none();
            let mut batch = cut.unwrap_or_else(|| Batch::empty(cutter.line()));
            if let Some(taken) = cutter.reader().taken() {
                batch.progress = taken.saturating_sub(counted);
                counted = taken;
            }
            (batch.number, batch.file, batch.is_last) = (*number, file, is_last);
            *number += 1;
            if !self.hand_on(batch) || is_last {
                return Ok(());
            }
        }
    }

    /// Passes a batch on. Returns false if nobody takes it any more.
    fn hand_on(&self, mut batch: Batch) -> bool {
        let place = Arc::clone(&self.window).acquire_owned();
        let place = async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => None,
                place = place => place.ok(),
            }
        };
        batch.place = self.runtime.block_on(place);
        batch.place.is_some() && self.batches.blocking_send(batch).is_ok()
    }
}
