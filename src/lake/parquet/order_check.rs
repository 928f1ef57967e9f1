//! A check that rows are in the order that the footer claims.

use std::sync::Arc;

use crate::columnar::Segment;
use crate::merge::{Tags, compare_tags};

/// The last row so far.
#[derive(Debug, Default)]
pub(super) struct OrderCheck {
    last: Option<(Tags, i64)>,
}

impl OrderCheck {
    /// Checks that the rows of a segment ascend, and follow those of the previous segment. The error is
    /// the number of rows of the segment before the wrong one.
    pub(super) fn check(&mut self, segment: &Arc<Segment>) -> Result<(), usize> {
        let rows = segment.series_of_rows().iter().zip(segment.times());
        let mut last: Option<(u32, i64)> = None;
        for (row, (series, time_ns)) in rows.enumerate() {
            let ascends = match last {
                Some((before, time_before)) if before == *series => time_before < *time_ns,
                Some((before, time_before)) => {
                    is_before((segment, before, time_before), (segment, *series, *time_ns))
                }
                None => self.last.as_ref().is_none_or(|(before, time_before)| {
                    let before = before.iter().map(|(key, value)| (&**key, &**value));
                    let tags = compare_tags(before, segment.series_tags(*series));
                    tags.then(time_before.cmp(time_ns)).is_lt()
                }),
            };
            if !ascends {
                return Err(row);
            }
            last = Some((*series, *time_ns));
        }
        if let Some((series, time_ns)) = last {
            // A copy, so that the chunk is not kept for it.
            let tags = segment.series_tags(series);
            let tags = tags.map(|(key, value)| (key.into(), value.into()));
            self.last = Some((tags.collect(), time_ns));
        }
        Ok(())
    }
}

type Row<'a> = (&'a Segment, u32, i64);

fn is_before(left: Row<'_>, right: Row<'_>) -> bool {
    let tags = compare_tags(left.0.series_tags(left.1), right.0.series_tags(right.1));
    tags.then(left.2.cmp(&right.2)).is_lt()
}
