//! Export: tables as a stream of bytes, made on a thread for blocking work.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::ReadError;
use super::csv::CsvWriter;
use super::line_protocol::LineWriter;
use super::merge::TimeRange;
use super::rows::Rows;
use super::scan::Scan;
use crate::buffer::{Buffer, TableSnapshot};
use crate::catalog::Bucket;
use crate::clock::Clock;
use crate::id::{BucketId, Sequence};
use crate::memory::Budget;

/// Text is sent in pieces of about this size, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// What a slow reader is granted beyond the time its rate allows: scheduling, small pieces.
const GRACE: Duration = Duration::from_secs(10);

/// How exports work.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Exports that may run at the same time.
    pub concurrent_max: usize,
    /// What a reader must take, in bytes a second.
    pub rate_bytes_min: u64,
    /// Length of a line at most: what a write takes, in bytes.
    pub line_bytes_max: usize,
}

/// In which form points leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Line protocol, times in nanoseconds.
    Lp,
    /// An Arrow IPC stream of one table.
    Arrow,
    /// CSV with a header, of one table.
    Csv,
}

impl Format {
    /// As it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lp => "lp",
            Self::Arrow => "arrow",
            Self::Csv => "csv",
        }
    }

    /// Whether it has place for one table only.
    pub fn is_of_one_table(self) -> bool {
        match self {
            Self::Lp => false,
            Self::Arrow | Self::Csv => true,
        }
    }
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportQuery {
    /// One table; all of them if absent.
    pub measurement: Option<String>,
    /// The first time, nanoseconds since the epoch.
    pub start_ns: Option<i64>,
    /// The first time behind the last.
    pub end_ns: Option<i64>,
    /// In which form.
    pub format: Format,
}

/// Reads what is stored. Clones share the limits.
#[derive(Clone, Debug)]
pub struct Reader {
    buffer: Buffer,
    budget: Budget,
    clock: Clock,
    options: Options,
    places: Arc<Semaphore>,
}

/// The pieces of an export. An error after the first piece means that the rest is missing.
#[derive(Debug)]
pub struct Pieces {
    receiver: mpsc::Receiver<Result<Bytes, ReadError>>,
    /// Set when everything was handed over. Without it the end is a cut.
    is_whole: Arc<AtomicBool>,
    rate_bytes_min: u64,
}

impl Stream for Pieces {
    type Item = Result<Bytes, ReadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.receiver.poll_recv(cx));
        if next.is_some() || self.is_whole.swap(true, Ordering::Relaxed) {
            return Poll::Ready(next);
        }
        let rate_bytes_min = self.rate_bytes_min;
        Poll::Ready(Some(Err(ReadError::TooSlow { rate_bytes_min })))
    }
}

impl Reader {
    /// A reader of what is buffered.
    pub fn new(buffer: Buffer, budget: Budget, clock: Clock, options: Options) -> Self {
        let places = Arc::new(Semaphore::new(options.concurrent_max));
        Self {
            buffer,
            budget,
            clock,
            options,
            places,
        }
    }

    /// Exports under way, for metrics.
    pub fn exports_running(&self) -> usize {
        let free = self.places.available_permits();
        self.options.concurrent_max.saturating_sub(free)
    }

    /// Starts an export; must be called within a runtime. Dropping the pieces ends it.
    pub fn export(&self, bucket: &Bucket, query: ExportQuery) -> Result<Pieces, ReadError> {
        let measurements = self.measurements(bucket.id, &query)?;
        let concurrent_max = self.options.concurrent_max;
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| ReadError::Busy { concurrent_max })?;
        let (pieces, receiver) = mpsc::channel(2);
        let is_whole = Arc::new(AtomicBool::new(false));
        let oldest_ns = bucket.oldest_ns(self.clock.now_ns()).unwrap_or(i64::MIN);
        let export = Export {
            reader: self.clone(),
            bucket: bucket.id,
            measurements,
            range: TimeRange {
                start_ns: query.start_ns.unwrap_or(i64::MIN).max(oldest_ns),
                end_ns: query.end_ns,
            },
            pieces,
            is_whole: Arc::clone(&is_whole),
            runtime: Handle::current(),
            _place: place,
        };
        tokio::task::spawn_blocking(move || export.run(query.format));
        Ok(Pieces {
            receiver,
            is_whole,
            rate_bytes_min: self.options.rate_bytes_min,
        })
    }

    /// Takes one of the places that exports run in.
    #[cfg(test)]
    pub(super) fn places_for_tests(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .expect("a place is free")
    }

    fn measurements(
        &self,
        bucket: BucketId,
        query: &ExportQuery,
    ) -> Result<Vec<String>, ReadError> {
        let stored = self.buffer.measurements(bucket);
        match &query.measurement {
            None if query.format.is_of_one_table() => Err(ReadError::MeasurementRequired {
                format: query.format.name(),
            }),
            None => Ok(stored),
            Some(name) if stored.contains(name) => Ok(vec![name.clone()]),
            Some(name) => Err(ReadError::UnknownMeasurement(name.clone())),
        }
    }
}

/// Nobody takes the pieces any more, or an error was sent: nothing is left to do.
struct Ended;

/// An export under way.
struct Export {
    reader: Reader,
    bucket: BucketId,
    measurements: Vec<String>,
    range: TimeRange,
    pieces: mpsc::Sender<Result<Bytes, ReadError>>,
    is_whole: Arc<AtomicBool>,
    runtime: Handle,
    _place: OwnedSemaphorePermit,
}

impl Export {
    fn run(self, format: Format) {
        for measurement in &self.measurements {
            let done = match format {
                Format::Lp => self.line_protocol(measurement),
                Format::Arrow => self.arrow(measurement),
                Format::Csv => self.csv(measurement),
            };
            match done {
                Ok(Ok(())) => {}
                Ok(Err(Ended)) => return,
                Err(error) => {
                    let _ = self.send(Err(error));
                    return;
                }
            }
        }
        self.is_whole.store(true, Ordering::Relaxed);
    }

    fn line_protocol(&self, measurement: &str) -> Result<Result<(), Ended>, ReadError> {
        let Some(snapshot) = self.snapshot(measurement)? else {
            return Ok(Ok(()));
        };
        let rows = Rows::new(
            &snapshot.after(Sequence(0)),
            self.range,
            &self.reader.budget,
        )?;
        let line_bytes_max = self.reader.options.line_bytes_max;
        let mut writer = LineWriter::new(measurement, &rows, line_bytes_max);
        Ok(self.text(rows, String::new(), |rows, text| writer.write(rows, text)))
    }

    fn csv(&self, measurement: &str) -> Result<Result<(), Ended>, ReadError> {
        let Some(snapshot) = self.snapshot(measurement)? else {
            return Ok(Ok(()));
        };
        let rows = Rows::new(
            &snapshot.after(Sequence(0)),
            self.range,
            &self.reader.budget,
        )?;
        let mut header = String::new();
        let mut writer = CsvWriter::new(&rows, &mut header);
        Ok(self.text(rows, header, |rows, text| writer.write(rows, text)))
    }

    /// Hands the text of every row over, behind `text`, in pieces.
    fn text(
        &self,
        mut rows: Rows,
        mut text: String,
        mut write: impl FnMut(&Rows, &mut String),
    ) -> Result<(), Ended> {
        while rows.next() {
            write(&rows, &mut text);
            if text.len() >= PIECE_BYTES {
                self.send(Ok(std::mem::take(&mut text).into()))?;
            }
        }
        match text.is_empty() {
            true => Ok(()),
            false => self.send(Ok(text.into())),
        }
    }

    fn arrow(&self, measurement: &str) -> Result<Result<(), Ended>, ReadError> {
        let Some(snapshot) = self.snapshot(measurement)? else {
            return Ok(Ok(()));
        };
        let mut scan = Scan::new(
            &snapshot.after(Sequence(0)),
            self.range,
            &self.reader.budget,
        )?;
        let mut writer = StreamWriter::try_new(Vec::new(), &scan.schema())?;
        while let Some(batch) = scan.next_batch()? {
            writer.write(&batch)?;
            let piece = std::mem::take(writer.get_mut());
            if self.send(Ok(piece.into())).is_err() {
                return Ok(Err(Ended));
            }
        }
        writer.finish()?;
        Ok(self.send(Ok(std::mem::take(writer.get_mut()).into())))
    }

    fn snapshot(&self, measurement: &str) -> Result<Option<TableSnapshot>, ReadError> {
        let Reader { buffer, budget, .. } = &self.reader;
        Ok(buffer.snapshot(self.bucket, measurement, budget)?)
    }

    /// Hands a piece over, waiting no longer than the slowest reader that is tolerated would.
    fn send(&self, piece: Result<Bytes, ReadError>) -> Result<(), Ended> {
        let rate_bytes_min = self.reader.options.rate_bytes_min.max(1);
        let bytes = piece.as_ref().map_or(0, Bytes::len);
        let seconds = u64::try_from(bytes).unwrap_or(u64::MAX) / rate_bytes_min;
        let patience = Duration::from_secs(seconds).saturating_add(GRACE);
        let sent = self
            .runtime
            .block_on(async { tokio::time::timeout(patience, self.pieces.send(piece)).await });
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Ended),
            Err(_) => {
                tracing::warn!(rate_bytes_min, "an export was cut: its reader is too slow");
                Err(Ended)
            }
        }
    }
}
