//! A cursor: a run and its current row.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::cells::CellIndex;
use super::error::MergeError;
use super::run::{Chunks, Rows, Run};
use super::slots::{Slots, Source};
use super::sorted::SortedSegment;
use crate::certain::{Certain, impossible};
use crate::columnar::Segment;
use crate::merge::order::compare_tags;
use crate::merge::wanted::{Kept, Wanted};
use crate::narrow;

/// The place of a merge in one of its runs.
pub(super) struct Cursor {
    name: Box<str>,
    rows: Rows,
    segment: Arc<Segment>,
    /// The rows of a chunk that are asked for; a sorted segment has no others in its order.
    kept: Option<Kept>,
    /// The slot in which the merge keeps the segment.
    pub(super) slot: usize,
    /// The place of the current row: in the order of a sorted segment, or in the chunk.
    place: usize,
    row: u32,
    series: u32,
    pub(super) time_ns: i64,
}

/// The result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A row of the same series, at the same time or later.
    Row,
    /// A row of a later series.
    Series,
    /// The end: there is no row after the last one.
    End,
}

impl Cursor {
    /// A cursor at the first row of a run, if it has any.
    pub(super) fn open(run: Run, slots: &mut Slots) -> Result<Option<Self>, MergeError> {
        let Run { name, mut rows, .. } = run;
        let found = match &mut rows {
            Rows::Sorted(sorted, places) => first_of(sorted, places),
            Rows::Stream(chunks, wanted) => next_chunk(&mut **chunks, wanted, &name)?,
        };
        let Some(Found {
            segment,
            cells,
            kept,
            place,
        }) = found
        else {
            return Ok(None);
        };
        let mut cursor = Self {
            name,
            slot: slots.put(Arc::clone(&segment), cells, rows.order()),
            rows,
            segment,
            kept,
            place,
            row: 0,
            series: 0,
            time_ns: 0,
        };
        cursor.look();
        Ok(Some(cursor))
    }

    /// The tag set of the current row.
    pub(super) fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.segment.series_tags(self.series)
    }

    /// The current row, as one of this run.
    pub(super) fn source(&self, run: usize) -> Source {
        Source {
            run,
            slot: self.slot,
            row: self.row,
            place: self.place,
        }
    }

    /// The number of rows, from the current one on, that need no look at another run: they are of
    /// one series, and each has a time of its own before `limit_ns`. The row after them is of that
    /// series and chunk too, so the last of them is known to be alone at its time.
    pub(super) fn plain(&self, limit_ns: i64) -> usize {
        match &self.rows {
            Rows::Sorted(sorted, places) => {
                let rows = sorted.rows_at(self.place..places.end).iter();
                let rank = sorted.rank(self.series);
                let mut before_ns = self.time_ns;
                let rest = rows.skip(1).map(|row| look(&self.segment, *row));
                let plain = rest.take_while(|(_, series, time_ns)| {
                    let is_same = *series == self.series || sorted.rank(*series) == rank;
                    let is_plain = before_ns < *time_ns && before_ns < limit_ns;
                    before_ns = *time_ns;
                    is_same && is_plain
                });
                plain.count()
            }
            Rows::Stream(..) => {
                let Some(kept) = &self.kept else { return 0 };
                let times = self.segment.times().get(self.place..).unwrap_or_default();
                let series = self.segment.series_of_rows().get(self.place..);
                let next = times.iter().zip(series.unwrap_or_default()).skip(1);
                let plain = times
                    .iter()
                    .zip(next)
                    .take_while(|(time_ns, (next_ns, series))| {
                        let is_plain = *time_ns < next_ns && **time_ns < limit_ns;
                        is_plain && **series == self.series && kept.has_time(**next_ns)
                    });
                plain.count()
            }
        }
    }

    /// Goes past rows that are [`Cursor::plain`].
    pub(super) fn skip(&mut self, rows: usize) {
        self.place += rows;
        self.look();
    }

    /// Goes to the next row. If that leaves a chunk, the chunk stays in its slot until the merge
    /// frees it.
    #[inline]
    pub(super) fn advance(&mut self, slots: &mut Slots) -> Result<Step, MergeError> {
        let before = self.series;
        match &self.rows {
            Rows::Sorted(sorted, places) => {
                self.place += 1;
                if self.place >= places.end {
                    return Ok(Step::End);
                }
                let row = sorted.row(self.place);
                (self.row, self.series, self.time_ns) = look(&self.segment, row);
                let is_same =
                    self.series == before || sorted.rank(self.series) == sorted.rank(before);
                Ok(if is_same { Step::Row } else { Step::Series })
            }
            Rows::Stream(..) => {
                let kept = self.kept.as_ref();
                match kept.and_then(|kept| asked(&self.segment, kept, self.place + 1)) {
                    None => self.next_chunk(slots),
                    Some(place) => self.step_to(place),
                }
            }
        }
    }

    /// Goes to a later row of the chunk.
    fn step_to(&mut self, place: usize) -> Result<Step, MergeError> {
        let (series, time_ns) = (self.series, self.time_ns);
        self.place = place;
        self.look();
        let order = if self.series == series {
            Ordering::Equal
        } else {
            compare_tags(self.segment.series_tags(series), self.tags())
        };
        self.checked(order, time_ns)
    }

    #[cold]
    fn next_chunk(&mut self, slots: &mut Slots) -> Result<Step, MergeError> {
        let Rows::Stream(chunks, wanted) = &mut self.rows else {
            impossible("only a stream comes in chunks");
        };
        let Some(Found {
            segment,
            cells,
            kept,
            place,
        }) = next_chunk(&mut **chunks, wanted, &self.name)?
        else {
            return Ok(Step::End);
        };
        let (series, time_ns) = (self.series, self.time_ns);
        slots.retire(self.slot);
        self.slot = slots.put(Arc::clone(&segment), cells, None);
        let used = std::mem::replace(&mut self.segment, segment);
        self.kept = kept;
        self.place = place;
        self.look();
        let order = compare_tags(used.series_tags(series), self.tags());
        self.checked(order, time_ns)
    }

    /// The result of a step in a stream; an error if the step went backwards.
    fn checked(&self, order: Ordering, before_ns: i64) -> Result<Step, MergeError> {
        match order {
            Ordering::Less => Ok(Step::Series),
            Ordering::Equal if before_ns <= self.time_ns => Ok(Step::Row),
            _ => Err(MergeError::OutOfOrder {
                run: self.name.clone(),
            }),
        }
    }

    /// Reads the current row.
    #[inline]
    fn look(&mut self) {
        let row = match &self.rows {
            Rows::Sorted(sorted, _) => sorted.row(self.place),
            Rows::Stream(..) => narrow::to_u32(self.place, "a segment has fewer rows"),
        };
        (self.row, self.series, self.time_ns) = look(&self.segment, row);
    }
}

/// A row with its series and time.
#[inline]
fn look(segment: &Segment, row: u32) -> (u32, u32, i64) {
    const WHY: &str = "it is a row of the segment, and each has a series and a time";
    let series = segment.series_of_rows().get(row as usize).certain(WHY);
    let time_ns = segment.times().get(row as usize).certain(WHY);
    (row, *series, *time_ns)
}

/// Rows, and the place of the first one that is asked for.
struct Found {
    segment: Arc<Segment>,
    cells: Arc<CellIndex>,
    kept: Option<Kept>,
    place: usize,
}

fn first_of(sorted: &SortedSegment, places: &Range<usize>) -> Option<Found> {
    (!places.is_empty()).then(|| Found {
        segment: Arc::clone(sorted.segment()),
        cells: Arc::clone(sorted.cells()),
        kept: None,
        place: places.start,
    })
}

/// The place of the first row from `start` on that is asked for.
#[inline]
fn asked(segment: &Segment, kept: &Kept, start: usize) -> Option<usize> {
    let rows = segment.series_of_rows().iter().zip(segment.times());
    let mut rest = rows.enumerate().skip(start);
    let found = rest.find(|(_, (series, time_ns))| kept.has(**series, **time_ns));
    found.map(|(place, _)| place)
}

/// The next chunk that has a row that is asked for.
fn next_chunk(
    chunks: &mut dyn Chunks,
    wanted: &Wanted,
    name: &str,
) -> Result<Option<Found>, MergeError> {
    let failed = |source| MergeError::Chunks {
        run: name.into(),
        source,
    };
    while let Some(segment) = chunks.next().map_err(failed)? {
        let kept = wanted.of(&segment);
        if let Some(place) = asked(&segment, &kept, 0) {
            return Ok(Some(Found {
                cells: Arc::new(CellIndex::new(&segment)),
                segment,
                kept: Some(kept),
                place,
            }));
        }
    }
    Ok(None)
}
