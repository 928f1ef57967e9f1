//! The order of series across segments.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::columnar::Segment;

/// The rank of every series of every segment: equal tag sets have equal ranks, and ranks ascend
/// with the tag sets, compared by sorted keys and their values, bytewise.
#[derive(Debug)]
pub(super) struct Ranks {
    /// By segment, then by series id.
    ranks: Vec<Vec<u32>>,
    /// One source (segment, series) a rank.
    sources: Vec<(u32, u32)>,
}

impl Ranks {
    pub(super) fn new(segments: &[Arc<Segment>]) -> Self {
        let mut all: Vec<(u32, u32)> = Vec::new();
        for (index, segment) in (0_u32..).zip(segments) {
            let count = u32::try_from(segment.series_count()).unwrap_or(u32::MAX);
            all.extend((0..count).map(|series| (index, series)));
        }
        all.sort_unstable_by(|a, b| compare(segments, *a, *b));
        let mut ranks: Vec<Vec<u32>> = segments
            .iter()
            .map(|segment| vec![0; segment.series_count()])
            .collect();
        let mut sources: Vec<(u32, u32)> = Vec::new();
        for source in all {
            let is_new = sources
                .last()
                .is_none_or(|last| compare(segments, *last, source).is_ne());
            if is_new {
                sources.push(source);
            }
            let rank = u32::try_from(sources.len().saturating_sub(1)).unwrap_or(u32::MAX);
            let of_segment = ranks.get_mut(source.0 as usize);
            if let Some(slot) = of_segment.and_then(|ranks| ranks.get_mut(source.1 as usize)) {
                *slot = rank;
            }
        }
        Self { ranks, sources }
    }

    /// The rank of each series of a segment.
    pub(super) fn of_segment(&self, segment: usize) -> &[u32] {
        self.ranks.get(segment).map_or(&[], Vec::as_slice)
    }

    /// A segment and a series id there that have this rank.
    pub(super) fn source(&self, rank: u32) -> Option<(usize, u32)> {
        self.sources
            .get(rank as usize)
            .map(|(segment, series)| (*segment as usize, *series))
    }
}

fn compare(segments: &[Arc<Segment>], a: (u32, u32), b: (u32, u32)) -> Ordering {
    match (segments.get(a.0 as usize), segments.get(b.0 as usize)) {
        (Some(left), Some(right)) => left.series_tags(a.1).cmp(right.series_tags(b.1)),
        _ => Ordering::Equal,
    }
}
