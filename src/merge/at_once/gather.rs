//! The values of one field in the order of the output, merged.

use std::ops::Range;

use super::sorted::Sorted;
use crate::certain::Certain;
use crate::columnar::{FieldType, FieldValue, FieldValues, SegmentField};
use crate::narrow;

/// Below one value in this many rows, values are sorted rather than laid out row by row.
const SPARSE: usize = 8;

/// The reason why values are found and have the right type.
const PLACE: &str = "every input row has a place in the output";
const TYPE: &str = "parts are those of this type";

/// Values in the order of rows, without absent ones.
#[derive(Debug)]
pub struct Gathered<T> {
    /// The rows that have a value, ascending; nothing if all have one.
    pub rows: Option<Vec<u32>>,
    /// The values of those rows.
    pub values: Vec<T>,
}

/// The values of a field, of its type.
#[derive(Debug)]
pub enum Values<'a> {
    /// Of a column of doubles.
    Float(Gathered<f64>),
    /// Of a column of signed integers.
    Integer(Gathered<i64>),
    /// Of a column of unsigned integers.
    Unsigned(Gathered<u64>),
    /// Of a column of booleans.
    Boolean(Gathered<bool>),
    /// Of a column of strings.
    String(Gathered<&'a str>),
}

/// A field of a segment, and where that segment's rows begin.
type FieldPart<'a> = (usize, &'a SegmentField);

/// Gathers the values of the field with this name and type, at least those of the given rows of the
/// output; of equal points, the value written last.
pub fn gather<'a>(
    sorted: &'a Sorted,
    name: &str,
    field_type: FieldType,
    rows: Range<usize>,
) -> Values<'a> {
    let mut parts: Vec<FieldPart<'a>> = Vec::new();
    let mut base = 0;
    for segment in &sorted.segments {
        let fields = segment.fields().iter();
        let wanted =
            |field: &&SegmentField| field.name() == name && field.field_type() == field_type;
        parts.extend(fields.filter(wanted).map(|field| (base, field)));
        base += segment.rows();
    }
    let input_rows = base;
    let gather = Gather {
        sorted,
        parts: &parts,
        input_rows,
        // For a small share of the rows, each value is looked up instead of all being laid out. The
        // input rows of a share are known only if there are several days.
        few: (sorted.days().len() > 1 && rows.len() * SPARSE < sorted.rows()).then_some(rows),
    };
    match field_type {
        FieldType::Float => Values::Float(gather.all(
            |values| match values {
                FieldValues::Float(values) => Some(values.iter().copied()),
                _ => None,
            },
            |value| match value {
                FieldValue::Float(value) => Some(value),
                _ => None,
            },
        )),
        FieldType::Integer => Values::Integer(gather.all(
            |values| match values {
                FieldValues::Integer(values) => Some(values.iter().copied()),
                _ => None,
            },
            |value| match value {
                FieldValue::Integer(value) => Some(value),
                _ => None,
            },
        )),
        FieldType::Unsigned => Values::Unsigned(gather.all(
            |values| match values {
                FieldValues::Unsigned(values) => Some(values.iter().copied()),
                _ => None,
            },
            |value| match value {
                FieldValue::Unsigned(value) => Some(value),
                _ => None,
            },
        )),
        FieldType::Boolean => Values::Boolean(gather.all(
            |values| match values {
                FieldValues::Boolean(values) => Some(values.values().iter()),
                _ => None,
            },
            |value| match value {
                FieldValue::Boolean(value) => Some(value),
                _ => None,
            },
        )),
        FieldType::String => Values::String(gather.all(
            |values| match values {
                FieldValues::String(values) => Some(values.iter().flatten()),
                _ => None,
            },
            |value| match value {
                FieldValue::String(value) => Some(value),
                _ => None,
            },
        )),
    }
}

struct Gather<'a, 'p> {
    sorted: &'a Sorted,
    parts: &'p [FieldPart<'a>],
    input_rows: usize,
    /// The rows of the output, if only a few are wanted.
    few: Option<Range<usize>>,
}

impl<'a> Gather<'a, '_> {
    /// Gathers with `of`, which takes the values of a part, all of one type, or with `one`, which takes
    /// a single value of it.
    fn all<T, I>(
        &self,
        of: impl Fn(FieldValues<'a>) -> Option<I>,
        one: impl Fn(FieldValue<'a>) -> Option<T>,
    ) -> Gathered<T>
    where
        T: Copy + Default,
        I: Iterator<Item = T>,
    {
        if let Some(rows) = &self.few {
            return self.looked_up(rows.clone(), one);
        }
        let count: usize = self
            .parts
            .iter()
            .map(|(_, field)| field.present_count())
            .sum();
        if count == self.input_rows {
            self.every_row(of)
        } else if count * SPARSE < self.sorted.rows() {
            self.few_rows(of, count)
        } else {
            self.some_rows(of)
        }
    }

    fn looked_up<T: Copy>(
        &self,
        rows: Range<usize>,
        one: impl Fn(FieldValue<'a>) -> Option<T>,
    ) -> Gathered<T> {
        let (mut rows_of, mut values): (Vec<u32>, Vec<T>) = (Vec::new(), Vec::new());
        for (row, input) in self.sorted.inputs_of(rows) {
            let Some(value) = self.value(input as usize) else {
                continue;
            };
            let value = one(value).certain(TYPE);
            match values.last_mut() {
                // Of equal points the newest comes last.
                Some(last) if rows_of.last() == Some(&row) => *last = value,
                _ => {
                    rows_of.push(row);
                    values.push(value);
                }
            }
        }
        Gathered {
            rows: Some(rows_of),
            values,
        }
    }

    /// The value of an input row.
    fn value(&self, input: usize) -> Option<FieldValue<'a>> {
        let later = self.parts.partition_point(|(base, _)| *base <= input);
        let (base, field) = self.parts.get(later.checked_sub(1)?)?;
        field.value(input - base)
    }

    fn every_row<T, I>(&self, of: impl Fn(FieldValues<'a>) -> Option<I>) -> Gathered<T>
    where
        T: Copy + Default,
        I: Iterator<Item = T>,
    {
        let parts = self
            .parts
            .iter()
            .map(|(_, field)| of(field.values()).certain(TYPE));
        let values = parts.flatten();
        let Some(places) = &self.sorted.places else {
            let values = values.collect();
            return Gathered { rows: None, values };
        };
        let mut placed = vec![T::default(); self.sorted.rows()];
        for (place, value) in places.iter().zip(values) {
            *placed.get_mut(*place as usize).certain(PLACE) = value;
        }
        Gathered {
            rows: None,
            values: placed,
        }
    }

    fn some_rows<T, I>(&self, of: impl Fn(FieldValues<'a>) -> Option<I>) -> Gathered<T>
    where
        T: Copy + Default,
        I: Iterator<Item = T>,
    {
        let mut placed: Vec<Option<T>> = vec![None; self.sorted.rows()];
        self.for_each(of, |place, value| {
            *placed.get_mut(place as usize).certain(PLACE) = Some(value);
        });
        let present = (0_u32..).zip(&placed).filter(|(_, value)| value.is_some());
        let rows: Vec<u32> = present.map(|(row, _)| row).collect();
        Gathered {
            rows: (rows.len() < placed.len()).then_some(rows),
            values: placed.into_iter().flatten().collect(),
        }
    }

    fn few_rows<T, I>(&self, of: impl Fn(FieldValues<'a>) -> Option<I>, count: usize) -> Gathered<T>
    where
        T: Copy + Default,
        I: Iterator<Item = T>,
    {
        let mut placed: Vec<(u32, T)> = Vec::with_capacity(count);
        self.for_each(of, |place, value| placed.push((place, value)));
        // Stable: of equal places the newest value is the last.
        placed.sort_by_key(|(place, _)| *place);
        let newest = placed.chunk_by(|a, b| a.0 == b.0).filter_map(<[_]>::last);
        let (rows, values) = newest.copied().unzip();
        Gathered {
            rows: Some(rows),
            values,
        }
    }

    /// Calls `found` with the place and value of every value, oldest first.
    fn for_each<T, I>(
        &self,
        of: impl Fn(FieldValues<'a>) -> Option<I>,
        mut found: impl FnMut(u32, T),
    ) where
        I: Iterator<Item = T>,
    {
        for (base, field) in self.parts {
            let mut values = of(field.values()).certain(TYPE);
            for (row, length) in field.runs() {
                let rows = base + row as usize..base + row as usize + length as usize;
                match &self.sorted.places {
                    Some(places) => {
                        let places = places.get(rows).certain(PLACE);
                        places
                            .iter()
                            .zip(values.by_ref())
                            .for_each(|(p, v)| found(*p, v));
                    }
                    None => {
                        let first =
                            narrow::to_u32(rows.start, "it was checked when they were sorted");
                        (first..first + length)
                            .zip(values.by_ref())
                            .for_each(|(p, v)| found(p, v));
                    }
                }
            }
        }
    }
}
