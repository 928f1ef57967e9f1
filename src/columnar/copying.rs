//! The columns of picked rows, copied from segments to a builder: whole stretches at a time.

use arrow_array::StringArray;
use arrow_buffer::BooleanBuffer;

use super::bits::Bits;
use super::builder::BatchBuilder;
use super::column::{FieldColumn, Values};
use super::picked::{Picked, PickedRow};
use super::presence::Presence;
use super::segment::{FieldValues, Segment, SegmentField};
use super::strings::Strings;
use super::value::FieldValue;
use crate::certain::{Certain, impossible};
use crate::narrow;

/// The reason why rows and values are found.
const ROWS: &str = "rows are picked from those of the segment";
const VALUES: &str = "a field has as many values, of its type, as rows that have one";

impl BatchBuilder {
    /// Adds picked rows of a segment, all to one series, without values: [`BatchBuilder::push_field`]
    /// brings these. Returns the first of the new rows.
    pub fn push_picked(&mut self, series: u32, segment: &Segment, picked: &Picked<'_>) -> u32 {
        debug_assert!(
            (series as usize) < self.series_count(),
            "a series of this builder"
        );
        let batch = &mut self.batch;
        let first = narrow::id(batch.times.len());
        let _checked = narrow::id(batch.times.len() + picked.len());
        copy(segment.times(), picked, &mut batch.times);
        batch.row_series.resize(batch.times.len(), series);
        first
    }

    /// Adds the values that picked rows have of a field to a column of its type, after all of that
    /// column. The first picked row is `first` here. Returns their bytes, where a value that is not
    /// a text counts with `value_bytes`.
    pub fn push_field(
        &mut self,
        column: u32,
        first: u32,
        field: &SegmentField,
        picked: &Picked<'_>,
        value_bytes: usize,
    ) -> usize {
        let target = self.field_mut(column).certain("a column of this builder");
        match &mut target.values {
            // Most columns have a value in every row.
            _ if field.present_count() == 0 => 0,
            Values::String(_) => target.pick_texts(first, field, picked),
            _ => target.pick(first, field, picked) * value_bytes,
        }
    }

    /// Adds a row without values. Returns it.
    pub fn push_time(&mut self, series: u32, time_ns: i64) -> u32 {
        let row = narrow::id(self.rows());
        self.push_row(series, time_ns, &[]);
        row
    }

    /// Adds values to a column, after all of that column: of each row the one of its last source
    /// that has one. `parts` are the fields of the sources' segments, of the column's type, absent
    /// where a segment lacks the field. Rows count from `first`; the sources of each end where
    /// `ends` says. Returns the number of values if they are not texts, else 0 and their bytes.
    pub fn push_newest(
        &mut self,
        column: u32,
        first: u32,
        parts: &[Option<&SegmentField>],
        (ends, sources): (&[u32], &[PickedRow]),
    ) -> (usize, usize) {
        let target = self.field_mut(column).certain("a column of this builder");
        let rows = Rows {
            first,
            ends,
            sources,
        };
        let FieldColumn {
            presence, values, ..
        } = target;
        let before = presence.count();
        match values {
            Values::Float(to) => rows.copy(&floats(parts), presence, |rank, from| {
                to.push(*from.get(rank).certain(VALUES));
            }),
            Values::Integer(to) => rows.copy(&integers(parts), presence, |rank, from| {
                to.push(*from.get(rank).certain(VALUES));
            }),
            Values::Unsigned(to) => rows.copy(&unsigned(parts), presence, |rank, from| {
                to.push(*from.get(rank).certain(VALUES));
            }),
            Values::Boolean(to) => rows.copy(&booleans(parts), presence, |rank, from| {
                to.push(from.value(rank));
            }),
            Values::String(to) => {
                let bytes = to.byte_len();
                rows.copy(&texts(parts), presence, |rank, from| {
                    to.push(from.value(rank));
                });
                return (0, to.byte_len() - bytes);
            }
        }
        (presence.count() - before, 0)
    }

    /// Sets a value of a row added before, after all of that column.
    pub fn push_cell(&mut self, column: u32, row: u32, value: FieldValue<'_>) {
        let target = self.field_mut(column).certain("a column of this builder");
        target.push(row, value);
    }
}

impl FieldColumn {
    /// Copies values that are not texts. Returns their number.
    fn pick(&mut self, first: u32, field: &SegmentField, picked: &Picked<'_>) -> usize {
        let before = self.presence.count();
        let Self {
            presence, values, ..
        } = self;
        let push_run = |row, length| presence.push_run(row, length);
        match (values, field.values()) {
            (Values::Float(to), FieldValues::Float(from)) => {
                field.picked(picked, first, push_run, |ranks| copy(from, &ranks, to));
            }
            (Values::Integer(to), FieldValues::Integer(from)) => {
                field.picked(picked, first, push_run, |ranks| copy(from, &ranks, to));
            }
            (Values::Unsigned(to), FieldValues::Unsigned(from)) => {
                field.picked(picked, first, push_run, |ranks| copy(from, &ranks, to));
            }
            (Values::Boolean(to), FieldValues::Boolean(from)) => {
                let from = from.values();
                field.picked(picked, first, push_run, |ranks| copy_bits(from, &ranks, to));
            }
            _ => impossible("columns are looked up by name and type"),
        }
        self.presence.count() - before
    }

    /// Copies texts. Returns their bytes.
    fn pick_texts(&mut self, first: u32, field: &SegmentField, picked: &Picked<'_>) -> usize {
        let Self {
            presence, values, ..
        } = self;
        let (Values::String(to), FieldValues::String(from)) = (values, field.values()) else {
            impossible("columns are looked up by name and type");
        };
        let before = to.byte_len();
        let push_run = |row, length| presence.push_run(row, length);
        field.picked(picked, first, push_run, |ranks| {
            copy_texts(from, &ranks, to)
        });
        to.byte_len() - before
    }
}

impl SegmentField {
    /// Returns true if one of the picked rows has a value.
    pub fn has_any(&self, picked: &Picked<'_>) -> bool {
        match picked {
            _ if self.present_count() == 0 => false,
            Picked::Stretch(rows) => self.presence.runs_in(rows.clone()).next().is_some(),
            Picked::List(rows) => rows.iter().any(|row| self.has(*row as usize)),
        }
    }

    /// The bytes of the text that a row has, if it has one.
    pub fn text_bytes(&self, row: u32) -> usize {
        match self.value(row as usize) {
            Some(FieldValue::String(text)) => text.len(),
            _ => 0,
        }
    }

    /// The bytes of the values that picked rows have, where a value that is not a text counts with
    /// `value_bytes`.
    pub fn bytes_in(&self, picked: &Picked<'_>, value_bytes: usize) -> usize {
        let mut bytes = 0;
        let texts = match self.values() {
            FieldValues::String(texts) => Some(texts),
            _ => None,
        };
        let count = |ranks: Picked<'_>| {
            bytes += match (texts, &ranks) {
                (None, _) => ranks.len() * value_bytes,
                (Some(texts), Picked::Stretch(ranks)) => {
                    let offset_of = |rank: u32| texts.value_offsets().get(rank as usize);
                    let ends = offset_of(ranks.end).zip(offset_of(ranks.start));
                    let (end, start) = ends.certain(VALUES);
                    (end - start).cast_unsigned() as usize
                }
                (Some(texts), Picked::List(ranks)) => {
                    let lengths = ranks.iter().map(|rank| texts.value(*rank as usize).len());
                    lengths.sum()
                }
            };
        };
        self.picked(picked, 0, |_, _| {}, count);
        bytes
    }

    /// Calls `push_run` with every run of picked rows that have a value, numbered from `first` on,
    /// and `copy` with the places of their values, both in order.
    fn picked(
        &self,
        picked: &Picked<'_>,
        first: u32,
        mut push_run: impl FnMut(u32, u32),
        mut copy: impl FnMut(Picked<'_>),
    ) {
        let has_all = self.presence.is_unbroken_to(picked);
        match picked {
            _ if picked.is_empty() => {}
            // Rows are their own places.
            _ if has_all => {
                push_run(first, narrow::id(picked.len()));
                copy(picked.clone());
            }
            Picked::Stretch(rows) => {
                for (row, rank, length) in self.presence.runs_in(rows.clone()) {
                    push_run(first + (row - rows.start), length);
                    copy(Picked::Stretch(rank..rank + length));
                }
            }
            Picked::List(rows) => {
                let mut ranks = Vec::with_capacity(rows.len());
                for (place, row) in (first..).zip(rows.iter()) {
                    if let Some(rank) = self.presence.rank(*row as usize) {
                        push_run(place, 1);
                        ranks.push(narrow::id(rank));
                    }
                }
                copy(Picked::List(&ranks));
            }
        }
    }
}

/// The rows of which the newest values are wanted.
struct Rows<'a> {
    first: u32,
    ends: &'a [u32],
    sources: &'a [PickedRow],
}

/// The values of a part, and the rows that have one.
type Part<'a, V> = Option<(&'a Presence, V)>;

impl Rows<'_> {
    /// Calls `push` with the place and the values of the newest value of every row that has one.
    fn copy<V: Copy>(
        &self,
        parts: &[Part<'_, V>],
        presence: &mut Presence,
        mut push: impl FnMut(usize, V),
    ) {
        let mut start = 0;
        for (row, end) in (self.first..).zip(self.ends) {
            let sources = self.sources.get(start..*end as usize).certain(ROWS);
            start = *end as usize;
            let newest = sources.iter().rev().find_map(|source| {
                let (has, values) = parts.get(source.part as usize).copied().flatten()?;
                Some((has.rank(source.row as usize)?, values))
            });
            if let Some((rank, values)) = newest {
                presence.push(row);
                push(rank, values);
            }
        }
    }
}

fn of_parts<'a, V>(
    parts: &[Option<&'a SegmentField>],
    of: impl Fn(FieldValues<'a>) -> Option<V>,
) -> Vec<Part<'a, V>> {
    const TYPE: &str = "columns are looked up by name and type";
    let part = |field: &'a SegmentField| (&field.presence, of(field.values()).certain(TYPE));
    parts.iter().map(|field| field.map(part)).collect()
}

fn floats<'a>(parts: &[Option<&'a SegmentField>]) -> Vec<Part<'a, &'a [f64]>> {
    of_parts(parts, |values| match values {
        FieldValues::Float(values) => Some(values),
        _ => None,
    })
}

fn integers<'a>(parts: &[Option<&'a SegmentField>]) -> Vec<Part<'a, &'a [i64]>> {
    of_parts(parts, |values| match values {
        FieldValues::Integer(values) => Some(values),
        _ => None,
    })
}

fn unsigned<'a>(parts: &[Option<&'a SegmentField>]) -> Vec<Part<'a, &'a [u64]>> {
    of_parts(parts, |values| match values {
        FieldValues::Unsigned(values) => Some(values),
        _ => None,
    })
}

fn booleans<'a>(parts: &[Option<&'a SegmentField>]) -> Vec<Part<'a, &'a BooleanBuffer>> {
    of_parts(parts, |values| match values {
        FieldValues::Boolean(values) => Some(values.values()),
        _ => None,
    })
}

fn texts<'a>(parts: &[Option<&'a SegmentField>]) -> Vec<Part<'a, &'a StringArray>> {
    of_parts(parts, |values| match values {
        FieldValues::String(values) => Some(values),
        _ => None,
    })
}

/// Appends picked values.
fn copy<T: Copy>(from: &[T], picked: &Picked<'_>, to: &mut Vec<T>) {
    match picked {
        Picked::Stretch(rows) => {
            let values = from.get(rows.start as usize..rows.end as usize);
            to.extend_from_slice(values.certain(ROWS));
        }
        Picked::List(rows) => {
            let value_of = |row: &u32| *from.get(*row as usize).certain(ROWS);
            to.extend(rows.iter().map(value_of));
        }
    }
}

fn copy_bits(from: &BooleanBuffer, picked: &Picked<'_>, to: &mut Bits) {
    match picked {
        Picked::Stretch(rows) => {
            let bits = from.slice(rows.start as usize, rows.len());
            let chunks = bits.bit_chunks();
            chunks.iter().for_each(|word| to.push_word(word, 64));
            to.push_word(chunks.remainder_bits(), chunks.remainder_len());
        }
        Picked::List(rows) => rows
            .iter()
            .for_each(|row| to.push(from.value(*row as usize))),
    }
}

fn copy_texts(from: &StringArray, picked: &Picked<'_>, to: &mut Strings) {
    match picked {
        Picked::Stretch(rows) => {
            let offsets = from.value_offsets();
            let offsets = offsets.get(rows.start as usize..=rows.end as usize);
            to.push_all(from.value_data(), offsets.certain(VALUES));
        }
        Picked::List(rows) => rows
            .iter()
            .for_each(|row| to.push(from.value(*row as usize))),
    }
}
