//! `tidegate import`: files of line protocol into a bucket, several batches at once, every rejected
//! line named with its file and line.
//!
//! ```text
//! reading (plain text of all inputs) > cutter (batches at point boundaries) > window
//!                                                                              |
//!   stdout: rejected lines < ledger (file order, counts) < delivery x parallel (retries, resends)
//! ```
//!
//! Promises: memory is bounded by `--parallel` times the size of a batch; a batch that is sent
//! again writes the same points again; everything that is reported as accepted, or as written up to a
//! line, was acknowledged by the server. A thread of its own reads the input, because reading standard
//! input cannot be interrupted.

mod bucket;
mod cutter;
mod delivery;
mod error;
mod ledger;
mod partial;
mod reading;
mod retry;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::{Mutex, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::plain_text::Input;
use super::progress::{Elsewhere, Progress};
use super::values::{self, Unit};
use super::{CliError, signals};
use crate::certain::Certain as _;
use crate::client::query_value;
use crate::clock::Clock;

pub use error::ImportError;

use cutter::{Batch, Rules};
use delivery::{Courier, Delivery, Terms};
use ledger::Ledger;
use reading::Reading;

const HELP: &str = "\
The input is line protocol, plain or compressed with gzip or zstd, which is recognised by its \
first bytes. `-` is standard input. A missing bucket is created, with a remark, unless the server is \
configured not to.

Output: every rejected line on standard output as FILE:LINE:COLUMN reason, in the order of the \
input, then how many lines were accepted and rejected. Exit status: 0 if every line was \
accepted, 1 if any was rejected or anything failed.

Points without a timestamp get the time at which the import started, in the given precision, so \
that a batch that is sent again writes the same points and not new ones. (A second import has \
another start.)

With several batches in flight their order is not kept, but the first one is delivered before any \
other. The order matters if the input has the same point twice with different values, or floats and \
integers for a field that the first batch does not have: --parallel 1 keeps it.

Ctrl-C stops reading, waits for what is in flight, and prints for each file up to which line \
everything is written, so that you can continue from there. A second Ctrl-C ends at once. Batches \
are retried for --retry-for if the server cannot be reached, restarts or is busy.

Examples:
  tidegate import points.lp --bucket home
  tidegate import january.lp.gz february.lp.gz -b home
  tidegate import seconds.lp --bucket home --precision s
  gzip -dc january.lp.gz | tidegate import - --bucket home
  tidegate import points.lp --bucket home \\
    --parallel 1 --retry-for 1h > rejected.txt";

/// The largest `--batch-bytes`: well below what a server takes by default.
const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;
const BATCH_BYTES_MIN: usize = 1024;

/// The number of batches per courier that are read, in flight, or done before an earlier one.
const WINDOW_PER_COURIER: usize = 2;

/// Import line protocol from files or standard input.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub struct Import {
    /// Files of line protocol, plain, gzip or zstd; `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The bucket, by name or id.
    #[arg(long, short, value_name = "BUCKET", value_parser = values::bucket)]
    bucket: String,
    /// The unit of the timestamps.
    #[arg(long, value_name = "UNIT", default_value = "ns", value_parser = values::unit())]
    precision: Unit,
    /// The number of batches in flight at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// The approximate size of a batch.
    #[arg(long, value_name = "SIZE", default_value = "1MB", value_parser = batch_bytes)]
    batch_bytes: usize,
    /// Retry a batch for this long if the server cannot be reached or is busy.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = values::duration)]
    retry_for: Duration,
    /// Send the batches compressed with gzip: for slow networks, not for this machine.
    #[arg(long)]
    compress: bool,
    #[command(flatten)]
    connection: Connection,
}

fn batch_bytes(text: &str) -> Result<usize, String> {
    let bytes = values::bytes(text)?;
    if (BATCH_BYTES_MIN..=BATCH_BYTES_MAX).contains(&bytes) {
        Ok(bytes)
    } else {
        Err("expected 1KiB to 32MiB".to_owned())
    }
}

impl Import {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let session = self.connection.session()?;
        let inputs = Input::all(&self.files)?;
        let names = inputs.iter().map(|input| input.name.clone()).collect();
        let sizes = inputs.iter().map(|input| input.bytes);
        let total = sizes.sum::<Option<u64>>();
        // A bar would be drawn over what is typed.
        let progress = Arc::new(match inputs.iter().any(Input::is_typed) {
            true => Progress::hidden(),
            false => Progress::new(total, Elsewhere::Lines),
        });
        let interruption = signals::interruption()?;
        let stop = interruption.child_token();

        let (read, end_of_reading, batches) = self.start_reading(inputs, &stop)?;
        let (done, mut deliveries) = mpsc::channel(usize::from(self.parallel));
        let courier = Courier::new(session, self.terms(), &stop, &progress);
        let batches = Arc::new(Mutex::new(batches));
        for _ in 0..self.parallel {
            let (courier, batches, done) = (courier.clone(), Arc::clone(&batches), done.clone());
            tokio::spawn(deliver_all(courier, batches, done));
        }
        drop((done, batches));

        let mut ledger = Ledger::new(names);
        while let Some(delivery) = deliveries.recv().await {
            progress.add(delivery.progress);
            if delivery.failed() {
                stop.cancel();
            }
            ledger
                .take(delivery, &progress)
                .inspect_err(|_| stop.cancel())?;
        }
        ledger.take_the_rest(&progress)?;
        progress.finish();
        let read_to_the_end = read_result(end_of_reading, &stop).await;
        if let Err(error) = read_to_the_end.certain("the thread sends its result before it ends") {
            ledger.fail(error);
        }
        drop(read);
        ledger.close(&progress, interruption.is_cancelled())
    }

    /// Starts the thread that reads and cuts the input.
    fn start_reading(
        &self,
        inputs: Vec<Input>,
        stop: &CancellationToken,
    ) -> Result<Started, CliError> {
        let (batches, cut) = mpsc::channel(1);
        let (ended, end) = oneshot::channel();
        let parallel = usize::from(self.parallel);
        let reading = Reading {
            rules: self.rules(),
            batches,
            window: Arc::new(Semaphore::new(parallel * WINDOW_PER_COURIER + 1)),
            runtime: tokio::runtime::Handle::current(),
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new().name("input".to_owned());
        let read = thread
            .spawn(move || {
                // In this order, so that the result is there when the batches end.
                let (result, batches) = reading.run(inputs);
                let _ = ended.send(result);
                drop(batches);
            })
            .map_err(CliError::system("start a thread"))?;
        Ok((read, end, cut))
    }

    fn rules(&self) -> Rules {
        let precision = self.precision.precision;
        let now_ns = Clock::system().now_ns();
        Rules {
            precision,
            batch_bytes: self.batch_bytes,
            default_time: precision.from_ns(now_ns),
        }
    }

    fn terms(&self) -> Terms {
        let bucket = query_value(&self.bucket);
        let unit = self.precision.word;
        Terms {
            path: format!("/api/v2/write?bucket={bucket}&precision={unit}"),
            bucket: self.bucket.clone(),
            precision: self.precision.precision,
            compress: self.compress,
            retry_for: self.retry_for,
        }
    }
}

type Started = (
    std::thread::JoinHandle<()>,
    oneshot::Receiver<Result<(), ImportError>>,
    mpsc::Receiver<Batch>,
);

/// Takes batches and delivers them, one at a time, until there are none or the import stops.
async fn deliver_all(
    courier: Courier,
    batches: Arc<Mutex<mpsc::Receiver<Batch>>>,
    done: mpsc::Sender<Delivery>,
) {
    loop {
        let next = async {
            let mut batches = batches.lock().await;
            let batch = batches.recv().await?;
            // The types of its fields are settled before another batch is sent.
            let others_wait = (batch.number == 0).then_some(batches);
            Some((batch, others_wait))
        };
        let batch = tokio::select! {
            biased;
            () = courier.stopped() => return,
            batch = next => batch,
        };
        let Some((batch, others_wait)) = batch else {
            return;
        };
        let delivery = courier.deliver(batch).await;
        drop(others_wait);
        if done.send(delivery).await.is_err() {
            return;
        }
    }
}

/// The result of reading; success if it was stopped, because it may hang in standard input.
async fn read_result(
    end: oneshot::Receiver<Result<(), ImportError>>,
    stop: &CancellationToken,
) -> Result<Result<(), ImportError>, oneshot::error::RecvError> {
    tokio::select! {
        biased;
        result = end => result,
        () = stop.cancelled() => Ok(Ok(())),
    }
}
