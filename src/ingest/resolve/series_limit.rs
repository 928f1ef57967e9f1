//! The limit on series in memory: how many a bucket has, and how many are on their way to it.
//!
//! Most requests are far from the limit and are only counted. Near it, series that the buffer knows
//! are distinguished from new ones. A row is rejected only when nothing of its bucket is on its way,
//! because only then is the count exact; until then the request waits, and in the meantime only
//! series of others that are really new count. So nobody gets a permanent answer for a passing
//! state, nobody waits for as long as others write, and a bucket never exceeds the limit.

use std::collections::HashMap;
use std::sync::Arc;

use super::constraints::Constraints;
use super::rows::{Conflict, RowDecisions};
use crate::buffer::SeriesSet;
use crate::columnar::Batch;
use crate::id::BucketId;
use crate::ingest::in_flight::{Counted, SeriesInFlight};
use crate::ingest::rules::Rejection;
use crate::ingest::scratch::{Part, TableRows};
use crate::narrow;

/// The rows that the limit on series lets through.
pub(in crate::ingest) struct Admitted {
    pub(super) parts: Vec<Part>,
    /// Rows that it rejected, in line order per table.
    pub(super) rejected: Vec<(Arc<TableRows>, RowDecisions)>,
    /// Counts the admitted series until they are applied.
    pub(super) counted: Counted,
}

/// Checks the series of a request against the limit. Returns `None` if that cannot be decided
/// before some of the series that are on their way have arrived.
pub(in crate::ingest) fn admit(
    constraints: Constraints<'_>,
    in_flight: &Arc<SeriesInFlight>,
    bucket: BucketId,
    parts: Vec<Part>,
) -> Option<Admitted> {
    let series_max = constraints.limits.series_max;
    let fits = |series: u64| {
        move |on_their_way: u64| {
            let known = constraints.series.series_count(bucket);
            known.saturating_add(on_their_way).saturating_add(series) <= series_max
        }
    };
    let wanted = parts.iter().map(part_series).sum();
    if !in_flight.is_awaited(bucket)
        && let Some(counted) = in_flight.add(bucket, wanted, fits(wanted))
    {
        return Some(Admitted {
            parts,
            rejected: Vec::new(),
            counted,
        });
    }
    let known = constraints.series.series_count(bucket);
    let mut verdicts = Verdicts {
        constraints,
        bucket,
        free: series_max.saturating_sub(known.saturating_add(in_flight.of(bucket))),
        granted: HashMap::new(),
        new: 0,
    };
    let (mut kept, mut rejected) = (Vec::new(), Vec::new());
    for part in parts {
        let mut kept_part = Part::new();
        for rows in part {
            let decisions = verdicts.of(&rows.batch);
            if decisions.keep.contains(&false) {
                kept_part.push(Arc::new(decisions.retain(&rows)));
                rejected.push((rows, decisions));
            } else {
                kept_part.push(rows);
            }
        }
        kept_part.retain(|rows| rows.batch.rows() > 0);
        kept.push(kept_part);
    }
    let new = verdicts.new;
    let is_exact = rejected.is_empty();
    let counted = in_flight.add(bucket, new, |on_their_way| {
        (is_exact || on_their_way == 0) && (new == 0 || fits(new)(on_their_way))
    })?;
    Some(Admitted {
        parts: kept,
        rejected,
        counted,
    })
}

/// The number of series in a part, over all its tables.
fn part_series(part: &Part) -> u64 {
    part.iter()
        .map(|table| narrow::to_u64(table.batch.series_count()))
        .sum()
}

/// Distinguishes known series from new ones, and grants places to the new ones in line order.
struct Verdicts<'a> {
    constraints: Constraints<'a>,
    bucket: BucketId,
    /// Places that are left.
    free: u64,
    /// New series that have a place, by measurement.
    granted: HashMap<Box<str>, SeriesSet>,
    new: u64,
}

impl Verdicts<'_> {
    fn of(&mut self, batch: &Batch) -> RowDecisions {
        let series_max = self.constraints.limits.series_max;
        let rejection = Rejection::Limit {
            name: "series_max",
            what: "the number of series of the bucket in memory",
            limit: series_max,
            found: series_max.saturating_add(1),
        };
        let mut verdicts: HashMap<u32, bool> = HashMap::new();
        let mut decisions = RowDecisions::keeping(batch.rows(), self.constraints.reports_max);
        for (row, series) in batch.series_of_rows().iter().enumerate() {
            let verdict = verdicts.entry(*series);
            if !*verdict.or_insert_with(|| self.is_let_in(batch, *series)) {
                let rejection = rejection.clone();
                decisions.reject(row, Conflict::Limit { rejection });
            }
        }
        decisions
    }

    fn is_let_in(&mut self, batch: &Batch, series: u32) -> bool {
        let tags: Vec<(&str, &str)> = batch.series_tags(series).collect();
        let measurement = batch.measurement();
        let granted = self.granted.get(measurement);
        let known = self.constraints.series;
        if granted.is_some_and(|granted| granted.contains(&tags))
            || known.contains_series(self.bucket, measurement, &tags)
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
