//! An export: the requested tables, one after the other, on a thread for blocking work.

use std::sync::Arc;

use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::csv::CsvWriter;
use super::error::ExportError;
use super::line_protocol::LineWriter;
use super::pace::{Ended, Pieces, PiecesSender, TextPieces, channel};
use crate::behind;
use crate::catalog::Bucket;
use crate::clock::Clock;
use crate::id::{BucketId, TableId};
use crate::memory::Room;
use crate::read::{ReadError, Rows, Scan, Sources, Table, TimeRange};

/// The limits on exports.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The most exports that may run at the same time.
    pub concurrent_max: usize,
    /// The rate at which a reader must take an export, in bytes per second.
    pub rate_bytes_min: u64,
    /// The most bytes of a line: as many as a write accepts.
    pub line_bytes_max: usize,
}

/// The form in which points leave.
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
    /// The name in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lp => "lp",
            Self::Arrow => "arrow",
            Self::Csv => "csv",
        }
    }

    /// Returns true if it has room for one table only.
    pub fn is_of_one_table(self) -> bool {
        match self {
            Self::Lp => false,
            Self::Arrow | Self::Csv => true,
        }
    }
}

/// The points and the form that are requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportQuery {
    /// One table; all of them if absent.
    pub measurement: Option<String>,
    /// The first time, nanoseconds since the epoch.
    pub start_ns: Option<i64>,
    /// The end of the time range, exclusive, nanoseconds since the epoch.
    pub end_ns: Option<i64>,
    /// The form of the export.
    pub format: Format,
}

/// Exports stored points. Clones share the limits.
#[derive(Clone, Debug)]
pub struct Exporter {
    sources: Sources,
    clock: Clock,
    options: Options,
    places: Arc<Semaphore>,
}

impl Exporter {
    /// Exports from these sources.
    pub fn new(sources: Sources, clock: Clock, options: Options) -> Self {
        let places = Arc::new(Semaphore::new(options.concurrent_max));
        Self {
            sources,
            clock,
            options,
            places,
        }
    }

    /// The number of running exports, for metrics.
    pub fn exports_running(&self) -> usize {
        let free = self.places.available_permits();
        self.options.concurrent_max.saturating_sub(free)
    }

    /// Starts an export and waits for its first piece, so that an early failure is an error and not
    /// a cut; must be called within a runtime. Dropping the pieces ends it.
    pub async fn export(&self, bucket: &Bucket, query: ExportQuery) -> Result<Pieces, ExportError> {
        if query.measurement.is_none() && query.format.is_of_one_table() {
            let format = query.format.name();
            return Err(ExportError::MeasurementRequired { format });
        }
        let concurrent_max = self.options.concurrent_max;
        let place = Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| ExportError::Busy { concurrent_max })?;
        let (pieces, receiver) = channel(Handle::current(), self.options.rate_bytes_min);
        let oldest_ns = bucket.oldest_ns(self.clock.now_ns()).unwrap_or(i64::MIN);
        let export = Export {
            sources: self.sources.clone(),
            line_bytes_max: self.options.line_bytes_max,
            bucket: bucket.id,
            range: TimeRange {
                start_ns: query.start_ns.unwrap_or(i64::MIN).max(oldest_ns),
                end_ns: query.end_ns,
            },
            pieces,
            place,
        };
        tokio::task::spawn_blocking(move || behind::others(|| export.run(&query)));
        receiver.begun().await
    }

    /// Takes one of the places that exports run in.
    #[cfg(test)]
    pub(super) fn places_for_tests(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.places)
            .try_acquire_owned()
            .expect("a place is free")
    }
}

/// A running export.
struct Export {
    sources: Sources,
    line_bytes_max: usize,
    bucket: BucketId,
    range: TimeRange,
    pieces: PiecesSender,
    place: OwnedSemaphorePermit,
}

/// The reason for which an export stops.
enum Stop {
    Ended(Ended),
    Failed(ExportError),
}

impl<E: Into<ExportError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Export {
    fn run(self, query: &ExportQuery) {
        let outcome = self.tables(query);
        // First: whoever learns of the end may begin the next one.
        drop(self.place);
        match outcome {
            Ok(()) => self.pieces.finish(),
            Err(Stop::Ended(Ended)) => {}
            Err(Stop::Failed(error)) => self.pieces.fail(error),
        }
    }

    fn tables(&self, query: &ExportQuery) -> Result<(), Stop> {
        // Taken before the first row, and for all tables.
        let room = self.sources.room()?;
        let room = room.as_ref();
        let Some(measurement) = &query.measurement else {
            for measurement in self.sources.measurements(self.bucket)? {
                // A table that was deleted in the meantime is left out.
                if let Some(rows) = self.rows(&measurement, room)? {
                    self.write(&measurement, rows, query.format)?;
                }
            }
            return Ok(());
        };
        let rows = self.rows(measurement, room)?;
        let rows = rows.ok_or_else(|| ExportError::UnknownMeasurement(measurement.clone()))?;
        self.write(measurement, rows, query.format)
    }

    fn rows(&self, measurement: &str, room: Option<&Room>) -> Result<Option<Rows>, ReadError> {
        let table = TableId::new(self.bucket, measurement);
        let table = Table::open(&self.sources, &table, self.range, room)?;
        Ok(table.map(Rows::new))
    }

    fn write(&self, measurement: &str, rows: Rows, format: Format) -> Result<(), Stop> {
        match format {
            Format::Lp => {
                let mut writer = LineWriter::new(measurement, &rows, self.line_bytes_max);
                let text = TextPieces::new(&self.pieces);
                self.text(rows, text, |rows, text| writer.write(rows, text))
            }
            Format::Csv => {
                let mut text = TextPieces::new(&self.pieces);
                let mut writer = CsvWriter::new(&rows, &mut text.text);
                self.text(rows, text, |rows, text| writer.write(rows, text))
            }
            Format::Arrow => self.arrow(Scan::new(rows)),
        }
    }

    /// Hands over `text` and then the text of every row.
    fn text(
        &self,
        mut rows: Rows,
        mut text: TextPieces<'_>,
        mut write: impl FnMut(&Rows, &mut TextPieces<'_>) -> Result<(), Ended>,
    ) -> Result<(), Stop> {
        while rows.advance()? {
            write(&rows, &mut text).map_err(Stop::Ended)?;
        }
        text.hand_over().map_err(Stop::Ended)
    }

    fn arrow(&self, mut scan: Scan) -> Result<(), Stop> {
        let mut writer = StreamWriter::try_new(Vec::new(), &scan.schema())?;
        while let Some(batch) = scan.next_batch()? {
            writer.write(&batch)?;
            self.send(std::mem::take(writer.get_mut()))?;
        }
        writer.finish()?;
        self.send(std::mem::take(writer.get_mut()))
    }

    fn send(&self, piece: impl Into<Bytes>) -> Result<(), Stop> {
        self.pieces.send(piece.into()).map_err(Stop::Ended)
    }
}
