//! The limit on series in memory: how many a bucket has, and how many are on their way to it.
//!
//! Most requests are far from it and only counted. Near it, series that the buffer knows are told
//! from new ones. A row is refused only when nothing of its bucket is on its way, because only then
//! the count is exact; until then the request waits, and meanwhile only what is really new counts of
//! others. So nobody gets a permanent answer for a state that passes, nobody waits for as long as
//! others write, and a bucket never has more than the limit.

use std::collections::HashMap;
use std::sync::Arc;

use super::in_flight::{Counted, SeriesInFlight};
use super::resolution::{Held, Part, part_series};
use super::rules::Refusal;
use super::scratch::TableRows;
use super::settle::{Clash, Settled};
use crate::buffer::{Buffer, SeriesSet};
use crate::columnar::Batch;
use crate::id::BucketId;

/// The series that are in memory: a bucket may have so many.
pub(super) trait HeldSeries {
    /// How many a bucket has.
    fn series_count(&self, bucket: BucketId) -> u64;

    /// Whether this is one of them. `tags` are unescaped, ordered by key, distinct.
    fn contains_series(&self, bucket: BucketId, measurement: &str, tags: &[(&str, &str)]) -> bool;
}

impl HeldSeries for Buffer {
    fn series_count(&self, bucket: BucketId) -> u64 {
        self.series_count(bucket)
    }

    fn contains_series(&self, bucket: BucketId, measurement: &str, tags: &[(&str, &str)]) -> bool {
        self.contains_series(bucket, measurement, tags)
    }
}

/// The rows that the limit on series lets through.
pub(super) struct Admitted {
    pub(super) parts: Vec<Part>,
    /// Rows that it does not, by part and place in it.
    pub(super) refused: Vec<(Arc<TableRows>, Settled)>,
    /// Counts their series until they are applied.
    pub(super) counted: Counted,
}

/// Holds the series of a request against the limit; `None` if that cannot be decided before some
/// of those on their way have got there.
pub(super) fn admit(
    held: Held<'_>,
    in_flight: &Arc<SeriesInFlight>,
    bucket: BucketId,
    parts: Vec<Part>,
) -> Option<Admitted> {
    let series_max = held.limits.series_max;
    let fits = |series: u64| {
        move |on_their_way: u64| {
            let known = held.buffer.series_count(bucket);
            known.saturating_add(on_their_way).saturating_add(series) <= series_max
        }
    };
    let wanted = parts.iter().map(part_series).sum();
    if !in_flight.is_awaited(bucket)
        && let Some(counted) = in_flight.add(bucket, wanted, fits(wanted))
    {
        return Some(Admitted {
            parts,
            refused: Vec::new(),
            counted,
        });
    }
    let known = held.buffer.series_count(bucket);
    let mut verdicts = Verdicts {
        held,
        bucket,
        free: series_max.saturating_sub(known.saturating_add(in_flight.of(bucket))),
        granted: HashMap::new(),
        new: 0,
    };
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for part in parts {
        let mut kept_part = Part::new();
        for rows in part {
            let settled = verdicts.of(&rows.batch);
            if settled.keep.contains(&false) {
                kept_part.push(Arc::new(rows.retain(&settled)));
                refused.push((rows, settled));
            } else {
                kept_part.push(rows);
            }
        }
        kept_part.retain(|rows| rows.batch.rows() > 0);
        kept.push(kept_part);
    }
    let new = verdicts.new;
    let is_exact = refused.is_empty();
    let counted = in_flight.add(bucket, new, |on_their_way| {
        (is_exact || on_their_way == 0) && (new == 0 || fits(new)(on_their_way))
    })?;
    Some(Admitted {
        parts: kept,
        refused,
        counted,
    })
}

/// Tells known series from new ones, and grants places to those in line order.
struct Verdicts<'a> {
    held: Held<'a>,
    bucket: BucketId,
    /// Places that are left.
    free: u64,
    /// New series that have a place, by measurement.
    granted: HashMap<Box<str>, SeriesSet>,
    new: u64,
}

impl Verdicts<'_> {
    fn of(&mut self, batch: &Batch) -> Settled {
        let refusal = Refusal::Limit {
            name: "series_max",
            what: "the number of series of the bucket in memory",
            limit: self.held.limits.series_max,
            found: self.held.limits.series_max.saturating_add(1),
        };
        let mut verdicts: HashMap<u32, bool> = HashMap::new();
        let mut settled = Settled::keeping(batch.rows(), self.held.reports_max);
        for (row, series) in batch.series_of_rows().iter().enumerate() {
            let verdict = verdicts.entry(*series);
            if !*verdict.or_insert_with(|| self.is_let_in(batch, *series)) {
                let refusal = refusal.clone();
                settled.refuse(row, Clash::Limit { refusal });
            }
        }
        settled
    }

    fn is_let_in(&mut self, batch: &Batch, series: u32) -> bool {
        let tags: Vec<(&str, &str)> = batch.series_tags(series).collect();
        let measurement = batch.measurement();
        let granted = self.granted.get(measurement);
        if granted.is_some_and(|granted| granted.contains(&tags))
            || self
                .held
                .buffer
                .contains_series(self.bucket, measurement, &tags)
        {
            return true;
        }
        if self.free == 0 {
            return false;
        }
        self.free -= 1;
        self.new += 1;
        let granted = self.granted.entry(measurement.into()).or_default();
        granted.insert(tags.into_iter());
        true
    }
}
