//! Row groups: sorted rows as encoded columns.

use std::collections::BTreeMap;
use std::ops::Range;

use hashbrown::HashMap;

use super::EncodeError;
use super::chunk::{Chunk, ChunkEncoder, TagRuns};
use super::layout::Layout;
use super::row_selection::RowSelection;
use super::values::Plain;
use crate::certain::Certain;
use crate::columnar::ColumnKind;
use crate::merge::at_once::{Gathered, Sorted, Values, gather};
use crate::narrow;

/// The rows of a row group. Small on purpose: a reader of many files holds a row group of each.
pub(super) const ROWS_MAX: usize = 128 * 1024;

/// The bytes of columns in memory that make a row group, if rows are long.
pub(super) const BYTES_MAX: u64 = 32 << 20;

/// The reason why a column has a place.
const PLACED: &str = "columns that the layout lacks were refused before";

/// Encoded columns of some rows of one file.
#[derive(Debug)]
pub(super) struct RowGroup {
    pub(super) rows: usize,
    pub(super) time: Chunk,
    pub(super) time_ns: Chunk,
    /// The columns by place in the layout, without those that have no values.
    pub(super) columns: BTreeMap<usize, Chunk>,
}

impl RowGroup {
    /// The bytes of all columns.
    pub(super) fn bytes(&self) -> u64 {
        let bytes = self.chunks().map(|chunk| chunk.bytes.len());
        bytes.sum::<usize>() as u64
    }

    /// All columns.
    pub(super) fn chunks(&self) -> impl Iterator<Item = &Chunk> {
        [&self.time, &self.time_ns]
            .into_iter()
            .chain(self.columns.values())
    }

    /// The column at a place of the layout, if it has values here.
    pub(super) fn column(&self, place: usize) -> Option<&Chunk> {
        self.columns.get(&place)
    }
}

/// Encodes some ranges of rows, ascending, each as a row group.
pub(super) fn encode(
    sorted: &Sorted,
    layout: &Layout,
    ranges: &[Range<usize>],
    encoder: &mut ChunkEncoder,
) -> Result<Vec<RowGroup>, EncodeError> {
    let used = used(sorted, layout)?;
    let mut groups = Vec::with_capacity(ranges.len());
    for range in ranges {
        groups.push(times(sorted, range, encoder)?);
    }
    tags(sorted, layout, ranges, encoder, &mut groups)?;
    let starts = ranges.first().map_or(0, |range| range.start);
    let all = starts..ranges.last().map_or(starts, |range| range.end);
    let columns = layout.columns().iter().enumerate().zip(used);
    for ((place, column), is_used) in columns {
        let (ColumnKind::Field(field_type), true) = (column.kind, is_used) else {
            continue;
        };
        // One column at a time, so that its gathered values are dropped before the next.
        let values = gather(sorted, &column.name, field_type, all.clone());
        for (range, group) in ranges.iter().zip(&mut groups) {
            let chunk = field(&values, range.clone(), encoder)?;
            group.columns.extend(chunk.map(|chunk| (place, chunk)));
        }
    }
    Ok(groups)
}

/// The columns of the layout that the rows have. A column that the layout lacks is an error, as its
/// values would be lost.
fn used(sorted: &Sorted, layout: &Layout) -> Result<Vec<bool>, EncodeError> {
    let mut used = vec![false; layout.columns().len()];
    for segment in sorted.segments() {
        for (name, kind) in segment.columns() {
            let place = layout.find(name, kind);
            let slot = place.and_then(|place| used.get_mut(place));
            *slot.ok_or_else(|| EncodeError::NoSuchColumn {
                name: name.to_owned(),
                kind: kind.as_str(),
            })? = true;
        }
    }
    Ok(used)
}

fn times(
    sorted: &Sorted,
    range: &Range<usize>,
    encoder: &mut ChunkEncoder,
) -> Result<RowGroup, EncodeError> {
    let slice = RowSelection::full(range.clone());
    let time_ns = sorted.times(range.clone());
    let time: Vec<i64> = time_ns
        .iter()
        .map(|time_ns| time_ns.div_euclid(1000))
        .collect();
    Ok(RowGroup {
        rows: range.len(),
        time: encoder.values(Plain::Integer(&time), &slice, false)?,
        time_ns: encoder.values(Plain::Integer(time_ns), &slice, false)?,
        columns: BTreeMap::new(),
    })
}

fn field(
    values: &Values<'_>,
    range: Range<usize>,
    encoder: &mut ChunkEncoder,
) -> Result<Option<Chunk>, EncodeError> {
    fn part<'a, T>(
        gathered: &'a Gathered<T>,
        range: Range<usize>,
        plain: impl Fn(&'a [T]) -> Plain<'a>,
        encoder: &mut ChunkEncoder,
    ) -> Result<Option<Chunk>, EncodeError> {
        let (slice, values) = RowSelection::of(gathered, range);
        if values.is_empty() {
            return Ok(None);
        }
        encoder.values(plain(values), &slice, true).map(Some)
    }
    match values {
        Values::Float(values) => part(values, range, Plain::Float, encoder),
        Values::Integer(values) => part(values, range, Plain::Integer, encoder),
        Values::Unsigned(values) => part(values, range, Plain::Unsigned, encoder),
        Values::Boolean(values) => part(values, range, Plain::Boolean, encoder),
        Values::String(values) => part(values, range, Plain::String, encoder),
    }
}

/// Encodes all tags. Looks at their values once per series, not once per row.
fn tags(
    sorted: &Sorted,
    layout: &Layout,
    ranges: &[Range<usize>],
    encoder: &mut ChunkEncoder,
    groups: &mut [RowGroup],
) -> Result<(), EncodeError> {
    let by_name = layout.tags_by_name().into_iter();
    let by_name: HashMap<&str, usize> = by_name
        .map(|place| (&*layout.columns().get(place).certain(PLACED).name, place))
        .collect();
    let place_of = |key| *by_name.get(key).certain(PLACED);
    let segments = sorted.segments().iter();
    let places: Vec<Vec<usize>> = segments
        .map(|segment| segment.tag_keys().map(place_of).collect())
        .collect();
    for (range, group) in ranges.iter().zip(groups) {
        let mut tags: HashMap<usize, TagColumn<'_>> = HashMap::new();
        let mut rows = 0;
        for (at, series, length) in sorted.runs_in(range.clone()) {
            let (segment, places) = (sorted.segment(at), places.get(at).certain(PLACED));
            let keys = segment.series_ids(series).map(|(key, _)| key);
            for (key, (_, value)) in keys.zip(segment.series_tags(series)) {
                let place = *places.get(key as usize).certain(PLACED);
                tags.entry(place).or_default().push(rows, value, length);
            }
            rows += length;
        }
        for (place, tag) in tags {
            let chunk = encoder.tag(&tag.finish(rows))?;
            group.columns.insert(place, chunk);
        }
    }
    Ok(())
}

#[derive(Default)]
struct TagColumn<'a> {
    tag: TagRuns<'a>,
    indexes: HashMap<&'a str, u32>,
    /// The number of rows that the runs cover.
    rows: usize,
    /// Neighbouring series share most of their tags.
    last: Option<(&'a str, u32)>,
}

impl<'a> TagColumn<'a> {
    fn push(&mut self, row: usize, value: &'a str, length: usize) {
        self.fill(row);
        let index = match self.last {
            Some((text, index)) if text == value => index,
            _ => *self.indexes.entry(value).or_insert_with(|| {
                self.tag.distinct.push(value);
                narrow::to_u32(self.tag.distinct.len() - 1, "a row group has few rows")
            }),
        };
        self.last = Some((value, index));
        self.tag.runs.push((Some(index), length));
        self.rows = row + length;
    }

    /// Marks the tag as absent in the rows up to `row`.
    fn fill(&mut self, row: usize) {
        if row > self.rows {
            self.tag.runs.push((None, row - self.rows));
        }
    }

    fn finish(mut self, rows: usize) -> TagRuns<'a> {
        self.fill(rows);
        self.tag
    }
}
