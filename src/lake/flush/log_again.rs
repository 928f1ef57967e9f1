//! Logging the rows of a table that cannot be flushed once more, at the end of the log, so that the
//! log can release everything before them.
//!
//! ```text
//! hold the table ─ seal ─ merge, one range of times after another ─ frames ─ tell the buffer ─ release
//! ```
//!
//! This happens with the table's flushing lock held, and while the log takes no rows for the table, so
//! that no other rows of the table come between. Each point is logged with the newest value of each of
//! its fields. So whatever mix of new and old frames a crash leaves, a replay ends with the newest
//! values. The buffer reports the old frames as not needed only once the last new frame is durable.
//!
//! The memory is that set aside for flushing: the rows are sorted in as many ranges of times as it
//! takes to fit. If they do not fit even so (points of one time, indexes of sparse columns), the rest
//! is taken from free memory, or waited for.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::buffer::{LoggedAgain, Sealed};
use crate::catalog::Bucket;
use crate::certain::Certain;
use crate::columnar::{BatchBuilder, FieldType, FieldValue, Segment};
use crate::id::TableId;
use crate::lake::error::LakeError;
use crate::lake::handle::Lake;
use crate::lake::log::{Log, TableHold};
use crate::memory::{Budget, FlushShare, Reservation};
use crate::merge::{Merge, MergedPoints, Run, SortedSegment, TimeRange};
use crate::narrow;

/// A frame has at most about this many bytes of values and names, and at most one part in
/// [`FRAME_PART`] of the memory set aside for flushing.
const FRAME_BYTES_MAX: u64 = 512 << 10;

const FRAME_PART: u64 = 16;

/// If a point makes a frame larger than this, the rest of the point goes into the next frame.
const POINT_BYTES_MAX: usize = 4 << 20;

/// The memory that a frame takes while it is built and encoded, in frames: vectors double.
const FRAME_COPIES: u64 = 4;

/// Bytes per row for sorting: its place, once by series and once by day.
const ROW_BYTES: u64 = 8;

/// The largest number of ranges of times.
const RANGES_MAX: u64 = 64;

/// The number of times that are sampled to find these ranges.
const SAMPLES: usize = 4096;

/// The rows of a table that were logged again.
#[derive(Clone, Copy, Debug)]
pub(in crate::lake) struct Again {
    pub(in crate::lake) rows: u64,
    pub(in crate::lake) bytes: u64,
}

impl Lake {
    /// Logs the buffered rows of a table again. Returns nothing if there are none. A stop cuts it short.
    pub(in crate::lake) async fn log_again(
        &self,
        bucket: &Bucket,
        measurement: &str,
        log: Arc<dyn Log>,
        stop: CancellationToken,
    ) -> Result<Option<Again>, LakeError> {
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let _owned = table.flushing().await;
        let id = bucket.table(measurement);
        if self.is_in_doubt(&id) {
            let reason = "it is not known whether a flush of it has reached the table";
            return Err(LakeError::NotLogged(reason.to_owned()));
        }
        let held_id = id.clone();
        let held = tokio::task::spawn_blocking(move || log.hold(&held_id)).await?;
        let mut held = held.map_err(LakeError::NotLogged)?;
        let Some(sealed) = self.shared.buffer.seal(&id) else {
            return Ok(None);
        };
        let (pieces, memory) = Memory::take(&self.shared.budget, &sealed).await?;
        let buffer = self.shared.buffer.clone();
        let work = move || {
            let _memory = memory;
            let logged = log_points(
                &id.measurement,
                &sealed.segments,
                &pieces,
                held.as_mut(),
                &stop,
            );
            if let Some(frames) = held.logged() {
                let is_told = buffer.logged_again(&id, sealed.last, (frames, logged.is_ok()));
                // Its bucket may be gone.
                debug_assert!(
                    is_told || buffer.table(&id).is_none(),
                    "nobody else adds to it or takes from it"
                );
            }
            let frames = logged.map(|()| held.logged())?;
            Ok(frames.map(|LoggedAgain { bytes, .. }| Again {
                rows: sealed.rows,
                bytes,
            }))
        };
        tokio::task::spawn_blocking(work).await?
    }
}

impl Lake {
    /// Returns whether a flush of the table has an unknown outcome. Only their place in the log tells the
    /// rows of that flush from later ones, so the rows must stay there.
    pub(in crate::lake) fn is_in_doubt(&self, table: &TableId) -> bool {
        let position = self.shared.positions.of(table);
        position.doubts().next().is_some()
    }
}

/// Logs every point of some segments, which are ordered from old to new.
fn log_points(
    measurement: &str,
    segments: &[Arc<Segment>],
    pieces: &Pieces,
    held: &mut dyn TableHold,
    stop: &CancellationToken,
) -> Result<(), LakeError> {
    let mut frames = Frames {
        measurement,
        bytes_max: pieces.frame_bytes,
        held,
        stop,
        builder: BatchBuilder::new(measurement),
        bytes: 0,
    };
    for range in &pieces.ranges {
        let sorted = segments.iter().map(|segment| {
            let segment = Arc::clone(segment);
            Arc::new(SortedSegment::new(segment, *range))
        });
        let sorted: Vec<_> = sorted.collect();
        let days: BTreeSet<i32> = sorted.iter().flat_map(|segment| segment.days()).collect();
        let mut points = MergedPoints::of_all_fields();
        for day in days {
            let runs = sorted.iter().map(|segment| Run::of_day(segment, day));
            points.start(Merge::new(runs).map_err(LakeError::merge)?);
            while points.advance().map_err(LakeError::merge)? {
                frames.add(&points)?;
            }
        }
    }
    frames.submit()
}

/// Points on their way to the log.
struct Frames<'a> {
    measurement: &'a str,
    bytes_max: usize,
    held: &'a mut dyn TableHold,
    stop: &'a CancellationToken,
    builder: BatchBuilder,
    /// Of values and names in the builder.
    bytes: usize,
}

impl Frames<'_> {
    /// Adds the current point.
    fn add(&mut self, points: &MergedPoints) -> Result<(), LakeError> {
        if self.bytes >= self.bytes_max {
            self.submit()?;
        }
        let tags: Vec<(&str, &str)> = points.tags().collect();
        let mut series = self.series(&tags);
        let mut cells = Vec::new();
        for (place, value) in points.values() {
            if self.bytes >= POINT_BYTES_MAX && !cells.is_empty() {
                self.builder.push_row(series, points.time_ns(), &cells);
                cells.clear();
                self.submit()?;
                series = self.series(&tags);
            }
            // A value left out would be lost: the frames that have it are released.
            let field = points.field(place);
            let (name, field_type) = field.certain("values are at the places of fields");
            cells.push((self.column(name, field_type), value));
            self.bytes += match value {
                FieldValue::String(text) => text.len() + size_of::<i32>(),
                _ => size_of::<i64>(),
            };
        }
        self.bytes += size_of::<i64>();
        self.builder.push_row(series, points.time_ns(), &cells);
        Ok(())
    }

    fn series(&mut self, tags: &[(&str, &str)]) -> u32 {
        let known = self.builder.series_count();
        let series = self.builder.series(tags);
        if self.builder.series_count() > known {
            let lengths = tags.iter().map(|(key, value)| key.len() + value.len());
            self.bytes += lengths.sum::<usize>();
        }
        series
    }

    fn column(&mut self, name: &str, field_type: FieldType) -> u32 {
        let known = self.builder.batch().fields().len();
        let column = self.builder.field_column(name, field_type);
        if self.builder.batch().fields().len() > known {
            self.bytes += name.len();
        }
        column
    }

    /// Logs what there is.
    fn submit(&mut self) -> Result<(), LakeError> {
        let next = BatchBuilder::new(self.measurement);
        let builder = std::mem::replace(&mut self.builder, next);
        self.bytes = 0;
        if builder.rows() == 0 {
            return Ok(());
        }
        if self.stop.is_cancelled() {
            return Err(LakeError::NotLogged("the server is stopping".to_owned()));
        }
        let logged = self.held.log_again(builder.batch());
        logged.map_err(LakeError::NotLogged)
    }
}

/// The pieces that the work is divided into.
struct Pieces {
    ranges: Vec<TimeRange>,
    /// Of a frame, about.
    frame_bytes: usize,
    /// The bytes that the largest range takes.
    memory_bytes: u64,
}

/// The memory that sorting and encoding takes.
struct Memory {
    _share: FlushShare,
    _more: Option<Reservation>,
}

impl Memory {
    /// Takes it, for as few pieces as fit.
    async fn take(budget: &Budget, sealed: &Sealed) -> Result<(Pieces, Self), LakeError> {
        let share_bytes = budget.marks().flush_bytes();
        let pieces = Pieces::of(sealed, share_bytes);
        let share = budget.flush_share(pieces.memory_bytes).await;
        let more = match pieces.memory_bytes.saturating_sub(share_bytes) {
            0 => None,
            more => Some(budget.try_reserve(more)?),
        };
        let memory = Self {
            _share: share,
            _more: more,
        };
        Ok((pieces, memory))
    }
}

impl Pieces {
    /// Ranges of times that cover all rows, each with few enough rows to be sorted in `bytes_max`, if
    /// that is possible.
    fn of(sealed: &Sealed, bytes_max: u64) -> Self {
        let frame_bytes = (bytes_max / FRAME_PART).clamp(1, FRAME_BYTES_MAX);
        let all = sealed.segments.iter();
        let all_bytes: u64 = all.map(|segment| SortedSegment::bytes_max(segment)).sum();
        let rows_bytes = sealed.rows.saturating_mul(ROW_BYTES);
        let fixed_bytes = all_bytes.saturating_sub(rows_bytes) + FRAME_COPIES * frame_bytes;
        // Times are not evenly spread: half of what there is for them is aimed at.
        let aim = (bytes_max.saturating_sub(fixed_bytes) / 2).max(1);
        let count = match fixed_bytes.saturating_add(rows_bytes) <= bytes_max {
            true => 1,
            false => rows_bytes.div_ceil(aim).clamp(1, RANGES_MAX),
        };
        let ranges = ranges(&sealed.segments, narrow::to_usize(count));
        let rows_of = |range: &TimeRange| {
            let times = sealed.segments.iter().flat_map(|segment| segment.times());
            times.filter(|time_ns| range.contains(**time_ns)).count()
        };
        let rows = ranges.iter().map(rows_of).max().unwrap_or(0) as u64;
        Self {
            ranges,
            frame_bytes: narrow::to_usize(frame_bytes),
            memory_bytes: fixed_bytes + rows * ROW_BYTES,
        }
    }
}

/// So many ranges of times at most, with about as many rows each.
fn ranges(segments: &[Arc<Segment>], count: usize) -> Vec<TimeRange> {
    let rows: usize = segments.iter().map(|segment| segment.rows()).sum();
    let times = segments.iter().flat_map(|segment| segment.times());
    let mut samples: Vec<i64> = times.step_by(rows / SAMPLES + 1).copied().collect();
    samples.sort_unstable();
    let bounds = (1..count).filter_map(|bound| samples.get(bound * samples.len() / count));
    let bounds: BTreeSet<i64> = bounds.copied().collect();
    let starts = [i64::MIN].into_iter().chain(bounds.iter().copied());
    let ends = bounds.iter().map(|end| Some(*end)).chain([None]);
    let ranges = starts.zip(ends);
    ranges
        .map(|(start_ns, end_ns)| TimeRange { start_ns, end_ns })
        .collect()
}
