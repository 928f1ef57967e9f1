//! The part that the general form and the form of a lone row have in common: the number of columns,
//! and that each is there once.

use super::cursor::{Cursor, put_count};
use super::error::DecodeError;
use crate::certain::Certain;
use crate::columnar::column::FieldColumn;
use crate::columnar::value::FieldType;

/// The bit in a field's head that says that a list of runs follows.
pub(super) const SPARSE: u8 = 0x10;

/// Two small counts in a byte, so that a lone point pays one byte for both.
pub(super) fn put_counts(tags: usize, fields: usize, out: &mut Vec<u8>) {
    let nibble = |count: usize| u8::try_from(count.min(15)).certain("at most 15");
    out.push(nibble(tags) << 4 | nibble(fields));
    for count in [tags, fields] {
        if let Some(extra) = count.checked_sub(15) {
            put_count(extra, out);
        }
    }
}

/// The numbers of tags and of fields; both take at least a byte each.
pub(super) fn take_counts(cursor: &mut Cursor<'_>) -> Result<(usize, usize), DecodeError> {
    let counts = cursor.byte("counts")?;
    let mut count = |nibble: u8, what| {
        let extra = if nibble == 15 {
            cursor.count_of_rest(what)?
        } else {
            0
        };
        let count = usize::from(nibble) + extra;
        // Refused here, so that nothing is allocated for what cannot come.
        if count > cursor.rest.len() {
            Err(DecodeError::Truncated(what))
        } else {
            Ok(count)
        }
    };
    Ok((count(counts >> 4, "tags")?, count(counts & 15, "fields")?))
}

pub(super) fn identity(field: &FieldColumn) -> (&str, FieldType) {
    (field.name(), field.field_type())
}

pub(super) fn distinct<T: Ord>(
    items: impl Iterator<Item = T>,
    what: &'static str,
) -> Result<(), DecodeError> {
    let mut sorted: Vec<T> = items.collect();
    sorted.sort_unstable();
    match sorted.array_windows().any(|[a, b]| a == b) {
        true => Err(DecodeError::Disorder(what)),
        false => Ok(()),
    }
}
