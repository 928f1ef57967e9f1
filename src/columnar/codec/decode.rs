//! Bytes to batch, trusting nothing.
//!
//! The result is consistent: ids are in range, runs ascend within the rows, names are
//! distinct, the tags of a series are in order, text is UTF-8.

use super::cursor::Cursor;
use super::error::DecodeError;
use super::head::{SPARSE, distinct, identity, take_counts};
use super::limits::{ROWS_MAX, VALUES_MAX};
use super::lone::decode_lone;
use super::unpack::{unpack_floats, unpack_ids, unpack_signed, unpack_unsigned};
use crate::certain::Certain;
use crate::columnar::batch::{Batch, TagColumn};
use crate::columnar::bits::Bits;
use crate::columnar::column::{FieldColumn, Values};
use crate::columnar::presence::Presence;
use crate::columnar::series::SeriesTable;
use crate::columnar::strings::Strings;
use crate::columnar::value::FieldType;

impl Batch {
    /// Reads one batch from the front of `input` and moves `input` past it. It never panics and
    /// allocates at most a small multiple of the input, or what [`ROWS_MAX`] rows and
    /// [`VALUES_MAX`] values take. On an error `input` is left as it was.
    pub fn decode(input: &mut &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor { rest: input };
        let measurement = cursor.text("the measurement")?;
        let rows = cursor.count(ROWS_MAX, "rows")?;
        let batch = match rows {
            0 => Self {
                measurement: measurement.into(),
                ..Self::default()
            },
            1 => decode_lone(measurement, &mut cursor)?,
            _ => decode_table(measurement, rows, &mut cursor)?,
        };
        *input = cursor.rest;
        Ok(batch)
    }
}

fn decode_table(
    measurement: &str,
    rows: usize,
    cursor: &mut Cursor<'_>,
) -> Result<Batch, DecodeError> {
    let (tag_count, field_count) = take_counts(cursor)?;
    let mut tags = Vec::with_capacity(tag_count);
    for _ in 0..tag_count {
        let key = cursor.text("a tag key")?.into();
        let count = cursor.count_of_rest("tag values")?;
        tags.push(TagColumn {
            key,
            values: take_strings(cursor, count)?,
        });
    }
    distinct(tags.iter().map(|tag| &*tag.key), "a tag key")?;
    let series = take_series(cursor, &tags)?;
    let times = unpack_signed(cursor, rows, "times")?;
    let row_series = unpack_ids(cursor, rows, series.len(), "series of rows")?;
    let mut fields = Vec::with_capacity(field_count);
    let mut values_left = VALUES_MAX;
    for _ in 0..field_count {
        fields.push(take_field(cursor, rows, &mut values_left)?);
    }
    distinct(fields.iter().map(identity), "a field")?;
    Ok(Batch {
        measurement: measurement.into(),
        tags,
        series,
        times,
        row_series,
        fields,
    })
}

/// `count` texts; the caller bounds the count.
fn take_strings(cursor: &mut Cursor<'_>, count: usize) -> Result<Strings, DecodeError> {
    const WHAT: &str = "texts";
    let lengths = unpack_unsigned(cursor, count, WHAT)?;
    let mut offsets = Vec::with_capacity(count + 1);
    let mut end = 0_u64;
    offsets.push(0);
    for length in lengths {
        end = end.checked_add(length).ok_or(DecodeError::TooLarge(WHAT))?;
        offsets.push(i32::try_from(end).map_err(|_| DecodeError::TooLarge(WHAT))?);
    }
    let length = usize::try_from(end).map_err(|_| DecodeError::TooLarge(WHAT))?;
    let bytes = cursor.take(length, WHAT)?;
    let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)?;
    let on_boundary = |offset: &i32| text.is_char_boundary(offset.cast_unsigned() as usize);
    if !text.is_ascii() && !offsets.iter().all(on_boundary) {
        return Err(DecodeError::NotUtf8);
    }
    Ok(Strings::from_parts(text.to_owned(), offsets))
}

/// The reason why an id is found.
const CHECKED: &str = "ids are checked against their limit when they are unpacked";

fn take_series(cursor: &mut Cursor<'_>, tags: &[TagColumn]) -> Result<SeriesTable, DecodeError> {
    let mut series = SeriesTable::default();
    for _ in 0..cursor.count_of_rest("shapes")? {
        let columns = take_shape(cursor, tags)?;
        series.push_shape(&columns);
    }
    let shape_count = series.shapes().len();
    let count = cursor.count(if shape_count == 0 { 0 } else { ROWS_MAX }, "series")?;
    let shape_of = match shape_count {
        0 | 1 => vec![0; count],
        _ => unpack_ids(cursor, count, shape_count, "shapes of series")?,
    };
    let mut members = vec![0_usize; shape_count];
    for shape in &shape_of {
        *members.get_mut(*shape as usize).certain(CHECKED) += 1;
    }
    // Column by column, then put together series by series.
    let mut ids_left = VALUES_MAX;
    let mut columns_of = Vec::with_capacity(shape_count);
    for (shape, count) in series.shapes().iter().zip(members) {
        let mut columns = Vec::with_capacity(shape.len());
        for column in shape {
            ids_left = ids_left
                .checked_sub(count)
                .ok_or(DecodeError::TooLarge("tags of series"))?;
            let limit = tags.get(*column as usize).certain(CHECKED).values.len();
            columns.push(unpack_ids(cursor, count, limit, "tags of series")?.into_iter());
        }
        columns_of.push(columns);
    }
    let mut values = Vec::new();
    for shape in shape_of {
        values.clear();
        let columns = columns_of.get_mut(shape as usize).certain(CHECKED);
        let ids = columns.iter_mut().map(Iterator::next);
        values.extend(ids.map(|id| id.certain("as many as series of the shape")));
        series.push(shape, &values);
    }
    Ok(series)
}

/// A list of tag columns whose keys ascend.
fn take_shape(cursor: &mut Cursor<'_>, tags: &[TagColumn]) -> Result<Vec<u32>, DecodeError> {
    const WHAT: &str = "tags of a shape";
    let count = cursor.count_of_rest(WHAT)?;
    let mut columns = Vec::with_capacity(count);
    let mut last: Option<&str> = None;
    for _ in 0..count {
        let column = u32::try_from(cursor.varint(WHAT)?).ok();
        let tag = column.and_then(|column| tags.get(column as usize));
        let (Some(column), Some(tag)) = (column, tag) else {
            return Err(DecodeError::OutOfRange(WHAT));
        };
        if last.is_some_and(|last| last >= &*tag.key) {
            return Err(DecodeError::Disorder(WHAT));
        }
        last = Some(&tag.key);
        columns.push(column);
    }
    Ok(columns)
}

fn take_field(
    cursor: &mut Cursor<'_>,
    rows: usize,
    values_left: &mut usize,
) -> Result<FieldColumn, DecodeError> {
    const WHAT: &str = "values of a field";
    let name = cursor.text("a field's name")?.into();
    let head = cursor.byte(WHAT)?;
    let field_type =
        FieldType::from_code(head & !SPARSE).ok_or(DecodeError::UnknownCode("a field's type"))?;
    let presence = take_presence(cursor, rows, head & SPARSE != 0)?;
    let count = presence.count();
    *values_left = values_left
        .checked_sub(count)
        .ok_or(DecodeError::TooLarge(WHAT))?;
    let values = match field_type {
        FieldType::Float => Values::Float(unpack_floats(cursor, count, WHAT)?),
        FieldType::Integer => Values::Integer(unpack_signed(cursor, count, WHAT)?),
        FieldType::Unsigned => Values::Unsigned(unpack_unsigned(cursor, count, WHAT)?),
        FieldType::Boolean => {
            let bytes = cursor.take(count.div_ceil(8), WHAT)?.to_vec();
            Values::Boolean(Bits::from_bytes(bytes, count).ok_or(DecodeError::Truncated(WHAT))?)
        }
        FieldType::String => Values::String(take_strings(cursor, count)?),
    };
    Ok(FieldColumn {
        name,
        presence,
        values,
    })
}

fn take_presence(
    cursor: &mut Cursor<'_>,
    rows: usize,
    sparse: bool,
) -> Result<Presence, DecodeError> {
    const WHAT: &str = "rows of a field";
    let mut presence = Presence::default();
    let row_count = u32::try_from(rows).map_err(|_| DecodeError::TooLarge(WHAT))?;
    if !sparse {
        presence.push_run(0, row_count);
        return Ok(presence);
    }
    let mut end = 0;
    for run in 0..cursor.count_of_rest(WHAT)? {
        let left = (row_count - end) as usize;
        let skipped = cursor.count(left, WHAT)?;
        let length = cursor.count(left - skipped, WHAT)?;
        if length == 0 || (run > 0 && skipped == 0) {
            return Err(DecodeError::Disorder(WHAT));
        }
        let narrow = |count| u32::try_from(count).map_err(|_| DecodeError::TooLarge(WHAT));
        let (row, length) = (end + narrow(skipped)?, narrow(length)?);
        presence.push_run(row, length);
        end = row + length;
    }
    Ok(presence)
}
