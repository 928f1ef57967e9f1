//! Gathering the values of merged rows into Arrow arrays.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, StringDictionaryBuilder,
    TimestampNanosecondBuilder, UInt64Builder,
};
use arrow_array::types::Int32Type;
use arrow_schema::ArrowError;

use super::merge::{MergedRow, Source};
use crate::columnar::{FieldType, FieldValue, Segment, SegmentField};
use crate::merge::Ranks;

/// Columns under construction.
pub(super) struct Gather {
    segments: Vec<Arc<Segment>>,
    ranks: Arc<Ranks>,
    times: TimestampNanosecondBuilder,
    tags: Vec<StringDictionaryBuilder<Int32Type>>,
    tag_positions: HashMap<Box<str>, usize>,
    fields: Vec<FieldGather>,
    rows: usize,
}

/// A field: where each segment has it, and the values so far.
struct FieldGather {
    positions: Vec<Option<usize>>,
    values: Values,
}

enum Values {
    Float(Float64Builder),
    Integer(Int64Builder),
    Unsigned(UInt64Builder),
    Boolean(BooleanBuilder),
    String(StringBuilder),
}

impl Gather {
    pub(super) fn new(
        segments: &[Arc<Segment>],
        ranks: Arc<Ranks>,
        tags: &[Box<str>],
        fields: &[(Box<str>, FieldType)],
    ) -> Self {
        let fields = fields.iter().map(|(name, field_type)| FieldGather {
            positions: segments
                .iter()
                .map(|segment| {
                    segment.fields().iter().position(|field| {
                        field.name() == &**name && field.field_type() == *field_type
                    })
                })
                .collect(),
            values: Values::new(*field_type),
        });
        Self {
            segments: segments.to_vec(),
            ranks,
            times: TimestampNanosecondBuilder::new().with_timezone("UTC"),
            tags: tags
                .iter()
                .map(|_| StringDictionaryBuilder::new())
                .collect(),
            tag_positions: (0..)
                .zip(tags)
                .map(|(place, key)| (key.clone(), place))
                .collect(),
            fields: fields.collect(),
            rows: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, row: &MergedRow) {
        self.times.append_value(row.time_ns);
        self.rows += 1;
        self.push_tags(row.rank);
        for field in &mut self.fields {
            let newest = row.sources.iter().rev();
            let value = newest
                .filter_map(|source| field.value(&self.segments, *source))
                .next();
            field.values.push(value);
        }
    }

    fn push_tags(&mut self, rank: u32) {
        if let Some((segment, series)) = self.ranks.source(rank)
            && let Some(segment) = self.segments.get(segment)
        {
            for (key, value) in segment.series_tags(series) {
                let place = self.tag_positions.get(key);
                if let Some(tag) = place.and_then(|place| self.tags.get_mut(*place)) {
                    tag.append_value(value);
                }
            }
        }
        for tag in &mut self.tags {
            if arrow_array::builder::ArrayBuilder::len(tag) < self.rows {
                tag.append_null();
            }
        }
    }

    /// The columns gathered so far; starts anew.
    pub(super) fn finish(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.rows = 0;
        let times: ArrayRef = Arc::new(self.times.finish());
        let tags = self
            .tags
            .iter_mut()
            .map(|tag| Arc::new(tag.finish()) as ArrayRef);
        let fields = self.fields.iter_mut().map(|field| field.values.finish());
        Ok([times].into_iter().chain(tags).chain(fields).collect())
    }
}

impl FieldGather {
    fn value<'a>(&self, segments: &'a [Arc<Segment>], source: Source) -> Option<FieldValue<'a>> {
        let position = self.positions.get(source.segment).copied().flatten()?;
        let field: &SegmentField = segments.get(source.segment)?.fields().get(position)?;
        field.value(source.row as usize)
    }
}

impl Values {
    fn new(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Float => Self::Float(Float64Builder::new()),
            FieldType::Integer => Self::Integer(Int64Builder::new()),
            FieldType::Unsigned => Self::Unsigned(UInt64Builder::new()),
            FieldType::Boolean => Self::Boolean(BooleanBuilder::new()),
            FieldType::String => Self::String(StringBuilder::new()),
        }
    }

    /// A value of another type cannot come: it would count as absent.
    fn push(&mut self, value: Option<FieldValue<'_>>) {
        match (self, value) {
            (Self::Float(values), Some(FieldValue::Float(value))) => values.append_value(value),
            (Self::Integer(values), Some(FieldValue::Integer(value))) => values.append_value(value),
            (Self::Unsigned(values), Some(FieldValue::Unsigned(value))) => {
                values.append_value(value);
            }
            (Self::Boolean(values), Some(FieldValue::Boolean(value))) => values.append_value(value),
            (Self::String(values), Some(FieldValue::String(value))) => values.append_value(value),
            (Self::Float(values), _) => values.append_null(),
            (Self::Integer(values), _) => values.append_null(),
            (Self::Unsigned(values), _) => values.append_null(),
            (Self::Boolean(values), _) => values.append_null(),
            (Self::String(values), _) => values.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Float(values) => Arc::new(values.finish()),
            Self::Integer(values) => Arc::new(values.finish()),
            Self::Unsigned(values) => Arc::new(values.finish()),
            Self::Boolean(values) => Arc::new(values.finish()),
            Self::String(values) => Arc::new(values.finish()),
        }
    }
}
