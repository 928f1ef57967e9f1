//! The order of series.

use std::cmp::Ordering;

use super::wanted::Kept;
use crate::certain::Certain;
use crate::columnar::Segment;
use crate::narrow;

/// The reason why numbers fit, and why indexes are valid.
const SERIES: &str = "segments have fewer series than bytes, and these fit into memory";
const KNOWN: &str = "segments, series and ranks are those that were counted";

/// The rank of every series of a segment that is asked for: equal tag sets have equal ranks, and
/// ranks ascend with the tag sets. The other series have none that means anything.
pub(super) fn series_ranks(segment: &Segment, kept: &Kept) -> Vec<u32> {
    let count = narrow::to_u32(segment.series_count(), SERIES);
    let compare = |a: u32, b: u32| compare_tags(segment.series_tags(a), segment.series_tags(b));
    let mut ranks = vec![0; segment.series_count()];
    let asked = (0..count).filter(|series| kept.has_series(*series));
    let mut sorted: Vec<u32> = asked.collect();
    sorted.sort_unstable_by(|a, b| compare(*a, *b));
    let (mut rank, mut last) = (0, None);
    for series in sorted {
        rank += u32::from(last.is_some_and(|last| compare(last, series).is_ne()));
        last = Some(series);
        *ranks.get_mut(series as usize).certain(KNOWN) = rank;
    }
    ranks
}

/// Compares two tag sets, each ordered by key, as rows of a table are compared column by column:
/// an absent tag comes before every value.
pub fn compare_tags<'a, 'b>(
    mut left: impl Iterator<Item = (&'a str, &'a str)>,
    mut right: impl Iterator<Item = (&'b str, &'b str)>,
) -> Ordering {
    loop {
        let (left_key, left_value, right_key, right_value) = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => (left.0, left.1, right.0, right.1),
        };
        // The side with the later key lacks the earlier one.
        let order = right_key.cmp(left_key);
        let order = order.then_with(|| left_value.cmp(right_value));
        if order.is_ne() {
            return order;
        }
    }
}

/// A tag set, ordered by key, as bytes that compare as tag sets do ([`compare_tags`]), and of which none is the
/// beginning of another's.
///
/// ```text
/// tag, tag, ... 00
/// tag: key (inverted) value       key and value end with 00 00, a 00 in them is 00 FF
/// ```
///
/// Keys are inverted because an absent tag comes before all its values: of two sets, the one whose next key is
/// later lacks the earlier key.
pub fn series_bytes<'a>(tags: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut series = Vec::new();
    for (key, value) in tags {
        let start = series.len();
        push_text(&mut series, key);
        for byte in series.iter_mut().skip(start) {
            *byte = !*byte;
        }
        push_text(&mut series, value);
    }
    series.push(0);
    series
}

fn push_text(series: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        series.push(byte);
        if byte == 0 {
            series.push(0xFF);
        }
    }
    series.extend([0, 0]);
}

#[cfg(test)]
mod tests {
    use super::compare_tags;

    #[test]
    fn tag_sets_are_ordered_like_columns_with_an_absent_tag_first() {
        let sets: [&[(&str, &str)]; 7] = [
            &[],
            &[("c", "1")],
            &[("b", "1")],
            &[("a", "1")],
            &[("a", "1"), ("c", "1")],
            &[("a", "1"), ("b", "1")],
            &[("a", "2")],
        ];
        for (left_place, left) in sets.iter().enumerate() {
            for (right_place, right) in sets.iter().enumerate() {
                let order = compare_tags(left.iter().copied(), right.iter().copied());
                assert_eq!(order, left_place.cmp(&right_place), "{left:?} {right:?}");
            }
        }
    }
}
