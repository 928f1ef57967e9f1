//! The rows that are asked for: those in a range of times, of the series that pass a condition.

use std::fmt::Debug;
use std::sync::Arc;

use super::day::TimeRange;
use crate::certain::Certain;
use crate::columnar::{FieldType, Segment, SegmentField};

/// A condition on series. It is decided once for a series of a segment or chunk, not for each row.
pub trait SeriesFilter: Debug + Send + Sync {
    /// Returns whether a series with these tags, ordered by key, is asked for.
    fn passes<'t>(&self, tags: &mut dyn Iterator<Item = (&'t str, &'t str)>) -> bool;
}

/// The name and the type of a field.
pub type NameAndType = (Box<str>, FieldType);

/// The rows that are asked for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// The range of their times.
    pub range: TimeRange,
    /// The condition on their series; absent if all are asked for.
    pub series: Option<Arc<dyn SeriesFilter>>,
    /// Present if a row may be left out where there is a newer one of its series with a value in each of these
    /// fields.
    pub newest: Option<Arc<[NameAndType]>>,
}

impl From<TimeRange> for Wanted {
    fn from(range: TimeRange) -> Self {
        Self {
            range,
            series: None,
            newest: None,
        }
    }
}

impl Wanted {
    /// The number of rows of a segment that are asked for.
    pub fn rows_of(&self, segment: &Segment) -> usize {
        if self.series.is_none() {
            let times = segment.times().iter();
            return times
                .filter(|time_ns| self.range.contains(**time_ns))
                .count();
        }
        let kept = self.of(segment);
        let rows = segment.series_of_rows().iter().zip(segment.times());
        let asked = rows.filter(|(series, time_ns)| kept.has(**series, **time_ns));
        asked.count()
    }

    /// The time of the newest row of each series of a segment that may stand for older ones, by series id, and
    /// the earliest time if there is none. None if no row may be left out.
    pub(super) fn newest_of(&self, segment: &Segment, kept: &Kept) -> Option<Vec<i64>> {
        const COUNTED: &str = "rows have series of their segment";
        let present = self.newest.as_ref()?.iter().map(|(name, field_type)| {
            let mut fields = segment.fields().iter();
            fields.find(|field| field.name() == &**name && field.field_type() == *field_type)
        });
        let present: Vec<&SegmentField> = present.collect::<Option<_>>()?;
        let mut newest = vec![i64::MIN; segment.series_count()];
        let rows = segment.series_of_rows().iter().zip(segment.times());
        for (row, (series, time_ns)) in rows.enumerate() {
            let newest = newest.get_mut(*series as usize).certain(COUNTED);
            if *time_ns > *newest
                && kept.has(*series, *time_ns)
                && present.iter().all(|field| field.has(row))
            {
                *newest = *time_ns;
            }
        }
        Some(newest)
    }

    /// Looks at the series of a segment.
    pub(super) fn of(&self, segment: &Segment) -> Kept {
        let series = self.series.as_ref().map(|filter| {
            let all = (0_u32..).take(segment.series_count());
            let passes = |series| filter.passes(&mut segment.series_tags(series));
            all.map(passes).collect()
        });
        let range = self.range;
        Kept { range, series }
    }
}

/// The rows of one segment that are asked for.
#[derive(Debug)]
pub(super) struct Kept {
    range: TimeRange,
    /// By series id; absent if all are asked for.
    series: Option<Vec<bool>>,
}

impl Kept {
    /// Returns whether a row of this series and time is asked for.
    #[inline]
    pub(super) fn has(&self, series: u32, time_ns: i64) -> bool {
        self.range.contains(time_ns) && self.has_series(series)
    }

    /// Returns whether every row is asked for, if they have times between these two.
    pub(super) fn has_all(&self, first_ns: i64, last_ns: i64) -> bool {
        self.series.is_none() && self.has_time(first_ns) && self.has_time(last_ns)
    }

    /// Returns whether a time is asked for.
    #[inline]
    pub(super) fn has_time(&self, time_ns: i64) -> bool {
        self.range.contains(time_ns)
    }

    /// Returns whether rows of a series are asked for.
    #[inline]
    pub(super) fn has_series(&self, series: u32) -> bool {
        const COUNTED: &str = "every series of the segment was looked at";
        let kept = self.series.as_ref();
        kept.is_none_or(|kept| *kept.get(series as usize).certain(COUNTED))
    }
}
