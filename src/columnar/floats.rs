//! Integers that are stored as floats, because their column is one.

use super::batch::Batch;
use super::column::FieldColumn;
use super::value::{FieldType, FieldValue};
use crate::narrow;

/// The integers from `-EXACT_MAX` to `EXACT_MAX` are floats too, each of them and nothing between.
const EXACT_MAX: u64 = 1 << 53;

/// Returns the float of the same value; nothing if there is none, or if the value is not an
/// integer.
pub fn exact_float(value: FieldValue<'_>) -> Option<f64> {
    #[allow(clippy::cast_precision_loss, reason = "the magnitude is looked at")]
    match value {
        FieldValue::Integer(value) => (value.unsigned_abs() <= EXACT_MAX).then_some(value as f64),
        FieldValue::Unsigned(value) => (value <= EXACT_MAX).then_some(value as f64),
        FieldValue::Float(_) | FieldValue::Boolean(_) | FieldValue::String(_) => None,
    }
}

impl Batch {
    /// The batch with the integers of these fields in the column of floats of that name. They have
    /// to have an [`exact_float`], and no row two values of the name.
    pub fn with_floats(mut self, is_float: impl Fn(&str) -> bool) -> Self {
        let is_integer = |field: &FieldColumn| {
            matches!(field.field_type(), FieldType::Integer | FieldType::Unsigned)
        };
        let moved = |field: &FieldColumn| is_integer(field) && is_float(&field.name);
        let mut fields: Vec<FieldColumn> = Vec::with_capacity(self.fields.len());
        for field in std::mem::take(&mut self.fields) {
            if !moved(&field) {
                // The column of floats may be here already, made of integers before it.
                match fields.iter_mut().find(|known| is_same(known, &field)) {
                    Some(known) => *known = united(known, &field),
                    None => fields.push(field),
                }
                continue;
            }
            let known = fields
                .iter_mut()
                .find(|known| known.name == field.name && known.field_type() == FieldType::Float);
            match known {
                Some(known) => *known = united(known, &field),
                None => fields.push(united(
                    &FieldColumn::new(&field.name, FieldType::Float),
                    &field,
                )),
            }
        }
        self.fields = fields;
        self
    }
}

fn is_same(a: &FieldColumn, b: &FieldColumn) -> bool {
    a.name == b.name && a.field_type() == b.field_type()
}

/// A column of floats with the values of both.
fn united(floats: &FieldColumn, other: &FieldColumn) -> FieldColumn {
    let mut cells: Vec<(usize, f64)> = Vec::new();
    for (row, value) in floats.iter().chain(other.iter()) {
        let float = match value {
            FieldValue::Float(float) => Some(float),
            value => exact_float(value),
        };
        debug_assert!(float.is_some(), "who asks for it has looked");
        cells.extend(float.map(|float| (row, float)));
    }
    // Both are in the order of rows already.
    cells.sort_by_key(|(row, _)| *row);
    let mut united = FieldColumn::new(&floats.name, FieldType::Float);
    for (row, float) in cells {
        united.push(narrow::id(row), FieldValue::Float(float));
    }
    united
}

#[cfg(test)]
mod tests {
    use super::{EXACT_MAX, exact_float};
    use crate::columnar::{Batch, BatchBuilder, FieldType, FieldValue};

    #[test]
    fn integers_up_to_two_to_the_53_are_floats_and_no_others() {
        let max = i64::try_from(EXACT_MAX).expect("small");
        for (value, float) in [
            (FieldValue::Integer(0), Some(0.0)),
            (FieldValue::Integer(max), Some(9_007_199_254_740_992.0)),
            (FieldValue::Integer(-max), Some(-9_007_199_254_740_992.0)),
            (FieldValue::Integer(max + 1), None),
            (FieldValue::Integer(i64::MIN), None),
            (FieldValue::Unsigned(7), Some(7.0)),
            (FieldValue::Unsigned(EXACT_MAX + 1), None),
            (FieldValue::Boolean(true), None),
            (FieldValue::Float(1.5), None),
        ] {
            assert_eq!(exact_float(value), float, "{value:?}");
        }
    }

    /// Returns the rows, each with its value of `f`.
    fn batch(values: &[Option<FieldValue<'_>>]) -> Batch {
        let mut builder = BatchBuilder::new("m");
        let series = builder.series(&[]);
        let other = builder.field_column("other", FieldType::Integer);
        for value in values {
            let mut row = vec![(other, FieldValue::Integer(1))];
            if let Some(value) = value {
                row.push((builder.field_column("f", value.field_type()), *value));
            }
            builder.push_row(series, 0, &row);
        }
        builder.finish()
    }

    #[test]
    fn integers_of_both_kinds_and_floats_become_one_column_in_the_order_of_rows() {
        use FieldValue::{Float, Integer, Unsigned};
        let mixed = [
            Some(Integer(1)),
            None,
            Some(Float(2.5)),
            Some(Unsigned(3)),
            Some(Integer(-4)),
        ];
        let floats = [
            Some(Float(1.0)),
            None,
            Some(Float(2.5)),
            Some(Float(3.0)),
            Some(Float(-4.0)),
        ];
        // Whichever column came first.
        for from in 0..mixed.len() {
            let (mixed, floats) = (batch(&mixed[from..]), batch(&floats[from..]));
            let made = mixed.with_floats(|name| name == "f");
            assert_eq!(made.fields().len(), floats.fields().len(), "{from}");
            for field in floats.fields() {
                let named = made
                    .fields()
                    .iter()
                    .find(|made| made.name() == field.name());
                let made = named.expect("there");
                assert!(made.iter().eq(field.iter()), "{from}: {made:?}");
            }
        }
        let untouched = batch(&mixed);
        assert_eq!(untouched.clone().with_floats(|_| false), untouched);
    }
}
