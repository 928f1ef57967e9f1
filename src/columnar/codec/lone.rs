//! A single row: no lists, no ids, numbers in as many bytes as they need. Most writes of small
//! clients are one point, and the log is synced for each of them.

use super::cursor::{Cursor, put_text, unzigzag, zigzag};
use super::error::DecodeError;
use super::head::{distinct, identity, put_counts, take_counts};
use crate::certain::Certain;
use crate::columnar::batch::{Batch, TagColumn};
use crate::columnar::bits::Bits;
use crate::columnar::column::{FieldColumn, Values};
use crate::columnar::series::SeriesTable;
use crate::columnar::strings::Strings;
use crate::columnar::value::{FieldType, FieldValue};

const VALUE: &str = "the value of a field";

/// The only row of `batch`. What that row does not use is left out.
pub(super) fn encode_lone(batch: &Batch, out: &mut Vec<u8>) {
    let series = batch.row_series.first().certain("it has a row");
    let tags = batch.series_tags(*series);
    let cells = || {
        batch
            .fields
            .iter()
            .filter_map(|field| Some((field, field.value(0)?)))
    };
    put_counts(tags.clone().count(), cells().count(), out);
    batch
        .times
        .iter()
        .for_each(|time_ns| out.extend_from_slice(&time_ns.to_le_bytes()));
    for (key, value) in tags {
        put_text(key, out);
        put_text(value, out);
    }
    for (field, value) in cells() {
        put_text(&field.name, out);
        put_value(value, out);
    }
}

fn put_value(value: FieldValue<'_>, out: &mut Vec<u8>) {
    let code = value.field_type().code();
    match value {
        FieldValue::Float(value) => {
            let bits = value.to_bits();
            put_number(code, bits.swap_bytes(), out);
        }
        FieldValue::Integer(value) => put_number(code, zigzag(value), out),
        FieldValue::Unsigned(value) => put_number(code, value, out),
        FieldValue::Boolean(value) => out.push(code | u8::from(value) << 4),
        FieldValue::String(value) => {
            out.push(code);
            put_text(value, out);
        }
    }
}

/// The low bytes of `number` up to its highest one that is not zero.
fn put_number(code: u8, number: u64, out: &mut Vec<u8>) {
    let length = (u64::BITS - number.leading_zeros()).div_ceil(8);
    out.push(code | u8::try_from(length << 4).certain("at most eight bytes"));
    out.extend(number.to_le_bytes().into_iter().take(length as usize));
}

pub(super) fn decode_lone(
    measurement: &str,
    cursor: &mut Cursor<'_>,
) -> Result<Batch, DecodeError> {
    let (tag_count, field_count) = take_counts(cursor)?;
    let time = cursor
        .take(8, "a time")?
        .first_chunk()
        .ok_or(DecodeError::Truncated("a time"))?;
    let mut tags: Vec<TagColumn> = Vec::with_capacity(tag_count);
    for _ in 0..tag_count {
        let key = cursor.text("a tag key")?.into();
        tags.push(TagColumn {
            key,
            values: Strings::one(cursor.text("a tag value")?),
        });
    }
    if !tags.is_sorted_by(|a, b| a.key < b.key) {
        return Err(DecodeError::Disorder("a tag key"));
    }
    let mut fields = Vec::with_capacity(field_count);
    for _ in 0..field_count {
        fields.push(take_field(cursor)?);
    }
    distinct(fields.iter().map(identity), "a field")?;
    let mut series = SeriesTable::default();
    let columns: Vec<u32> = (0..).zip(&tags).map(|(column, _)| column).collect();
    let shape = series.push_shape(&columns);
    series.push(shape, &vec![0; tags.len()]);
    let (times, row_series) = (vec![i64::from_le_bytes(*time)], vec![0]);
    Ok(Batch {
        measurement: measurement.into(),
        tags,
        series,
        times,
        row_series,
        fields,
    })
}

fn take_field(cursor: &mut Cursor<'_>) -> Result<FieldColumn, DecodeError> {
    let name = cursor.text("a field's name")?;
    let head = cursor.byte(VALUE)?;
    let field_type = FieldType::from_code(head & 0x0f);
    let field_type = field_type.ok_or(DecodeError::UnknownCode("a field's type"))?;
    let high = head >> 4;
    let values = match field_type {
        FieldType::Float => Values::Float(vec![f64::from_bits(
            take_number(cursor, high)?.swap_bytes(),
        )]),
        FieldType::Integer => Values::Integer(vec![unzigzag(take_number(cursor, high)?)]),
        FieldType::Unsigned => Values::Unsigned(vec![take_number(cursor, high)?]),
        FieldType::Boolean if high < 2 => {
            let mut bits = Bits::default();
            bits.push(high == 1);
            Values::Boolean(bits)
        }
        FieldType::String if high == 0 => Values::String(Strings::one(cursor.text(VALUE)?)),
        FieldType::Boolean | FieldType::String => return Err(DecodeError::UnknownCode(VALUE)),
    };
    let mut field = FieldColumn::new(name, field_type);
    field.presence.push(0);
    field.values = values;
    Ok(field)
}

fn take_number(cursor: &mut Cursor<'_>, length: u8) -> Result<u64, DecodeError> {
    let mut bytes = [0; 8];
    let low = bytes
        .get_mut(..usize::from(length))
        .ok_or(DecodeError::UnknownCode(VALUE))?;
    low.copy_from_slice(cursor.take(usize::from(length), VALUE)?);
    Ok(u64::from_le_bytes(bytes))
}
