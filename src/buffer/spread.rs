//! The times between which the rows of a segment lie.
//!
//! A frozen segment is looked at once, by the first reader who wants to know it; every later look at a
//! large buffer costs as much as there are segments, not as there are rows. The memory of what is kept
//! is taken from the budget of that reader, and is held as long as the segment.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::memory::{Budget, Exhausted, Reservation};

/// The length of a part, in nanoseconds: a quarter of an hour, so that a day (UTC) is 96 of them.
const PART_NS: i64 = 15 * 60 * 1_000_000_000;

/// The first and the last time of the rows of each part of a day that has any: few rows that came late
/// then do not count as rows of the whole day.
#[derive(Debug)]
pub struct Spread {
    /// Nanoseconds, both ends included; ascending.
    parts: Box<[(i64, i64)]>,
    _memory: Reservation,
}

impl Spread {
    fn of(times: &[i64], budget: &Budget) -> Result<Self, Exhausted> {
        let mut parts: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
        let part_of = |time_ns: &i64| time_ns.div_euclid(PART_NS);
        for same in times.chunk_by(|a, b| part_of(a) == part_of(b)) {
            let (Some(first), Some(last)) = (same.iter().min(), same.iter().max()) else {
                continue;
            };
            let times = parts.entry(part_of(first)).or_insert((*first, *last));
            *times = (times.0.min(*first), times.1.max(*last));
        }
        let bytes = parts.len() * size_of::<(i64, i64)>();
        let memory = budget.try_reserve(bytes as u64)?;
        Ok(Self {
            parts: parts.into_values().collect(),
            _memory: memory,
        })
    }

    /// The parts, ascending: each lies within one day (UTC), and both of its ends are times of rows.
    pub fn parts(&self) -> impl Iterator<Item = (i64, i64)> + Clone {
        self.parts.iter().copied()
    }
}

/// The spread of a segment, once somebody asked for it.
#[derive(Debug, Default)]
pub(super) struct KnownSpread(OnceLock<Arc<Spread>>);

impl KnownSpread {
    /// Looks at the times of the segment unless that was done before.
    pub(super) fn of(&self, times: &[i64], budget: &Budget) -> Result<Arc<Spread>, Exhausted> {
        if let Some(known) = self.0.get() {
            return Ok(Arc::clone(known));
        }
        let found = Arc::new(Spread::of(times, budget)?);
        // Another reader may have been first: both saw the same times.
        Ok(Arc::clone(self.0.get_or_init(|| found)))
    }
}
