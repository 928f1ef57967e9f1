//! Rows as people read them: NULL is told, times are in RFC 3339 with no more digits than they need,
//! numbers stand on the right.

use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use crate::cli::table::{Head, Side};

/// What stands for no value.
const NULL: &str = "NULL";

/// The most characters of a value that a table shows.
const CELL_CHARS_MAX: usize = 1000;

/// The zone of a time whose type has none, as that of the column `time`.
const UTC: &str = "+00:00";

/// The same columns, with a zone for each time, so that it is written with its `Z`.
pub(super) fn zoned_schema(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Timestamp(unit, None) => {
            let zoned = DataType::Timestamp(*unit, Some(UTC.into()));
            Field::clone(field).with_data_type(zoned)
        }
        _ => Field::clone(field),
    });
    let fields: Vec<Field> = fields.collect();
    Schema::new_with_metadata(fields, schema.metadata().clone()).into()
}

/// The same rows in the columns of [`zoned_schema`].
pub(super) fn zoned(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = rows.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<_, _>>()?;
    RecordBatch::try_new(schema.clone(), columns)
}

/// The heads of these columns.
pub(super) fn heads(schema: &Schema) -> Vec<Head> {
    let heads = schema.fields().iter().map(|field| {
        let side = match field.data_type().is_numeric() {
            true => Side::Right,
            false => Side::Left,
        };
        Head::new(field.name(), side)
    });
    heads.collect()
}

/// The cells of rows that have been through [`zoned`].
pub(super) fn cells(rows: &RecordBatch) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::default().with_null(NULL);
    let columns = rows.columns().iter().map(|column| {
        let is_time = matches!(column.data_type(), DataType::Timestamp(..));
        ArrayFormatter::try_new(column, &options).map(|shown| (shown, is_time))
    });
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let row = |index| {
        let cells = columns.iter().map(|(shown, is_time)| {
            let text = shown.value(index).try_to_string()?;
            Ok(match is_time {
                true => short_time(text),
                false => short(text),
            })
        });
        cells.collect()
    };
    (0..rows.num_rows()).map(row).collect()
}

/// A time without zeros at the end of its fraction.
fn short_time(text: String) -> String {
    let Some((seconds, rest)) = text.split_once('.') else {
        return text;
    };
    let zone = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let fraction = rest.strip_suffix(zone).unwrap_or(rest);
    match fraction.trim_end_matches('0') {
        "" => format!("{seconds}{zone}"),
        fraction => format!("{seconds}.{fraction}{zone}"),
    }
}

/// A value, or its start.
pub(super) fn short(text: String) -> String {
    match text.char_indices().nth(CELL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
        TimestampNanosecondArray,
    };

    use super::*;
    use crate::cli::table::render;

    fn times(times_ns: &[Option<i64>], zone: Option<&str>) -> ArrayRef {
        let times = TimestampNanosecondArray::from(times_ns.to_vec());
        Arc::new(times.with_timezone_opt(zone))
    }

    fn shown(columns: Vec<(&str, ArrayRef)>) -> Vec<Vec<String>> {
        let rows = RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, values)| (name, values, true)),
        );
        let rows = rows.expect("columns of one length");
        let schema = zoned_schema(&rows.schema());
        cells(&zoned(&rows, &schema).expect("times")).expect("shown")
    }

    #[test]
    fn a_time_has_its_zone_and_no_more_digits_than_it_needs() {
        let ns = [
            Some(1_700_000_000_000_000_000),
            Some(1_700_000_000_500_000_000),
            Some(1_700_000_000_000_000_001),
            Some(-1_000),
            None,
        ];
        let rows = shown(vec![
            ("time", times(&ns, None)),
            ("zone", times(&ns, Some("+01:00"))),
        ]);
        assert_eq!(
            rows,
            [
                ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00"],
                ["2023-11-14T22:13:20.5Z", "2023-11-14T23:13:20.5+01:00"],
                [
                    "2023-11-14T22:13:20.000000001Z",
                    "2023-11-14T23:13:20.000000001+01:00"
                ],
                [
                    "1969-12-31T23:59:59.999999Z",
                    "1970-01-01T00:59:59.999999+01:00"
                ],
                ["NULL", "NULL"],
            ]
        );
    }

    #[test]
    fn null_is_told_apart_from_nothing_and_a_long_value_is_cut() {
        let long = "ä".repeat(CELL_CHARS_MAX + 1);
        let rows = shown(vec![
            (
                "s",
                Arc::new(StringArray::from(vec![None, Some(""), Some(&long)])),
            ),
            (
                "b",
                Arc::new(BooleanArray::from(vec![None, Some(true), Some(false)])),
            ),
            (
                "f",
                Arc::new(Float64Array::from(vec![None, Some(21.0), Some(f64::NAN)])),
            ),
        ]);
        assert_eq!(rows[0], ["NULL", "NULL", "NULL"]);
        assert_eq!(rows[1], ["", "true", "21.0"]);
        assert_eq!(rows[2][0], format!("{}…", "ä".repeat(CELL_CHARS_MAX)));
        assert_eq!(rows[2][2], "NaN");
    }

    #[test]
    fn numbers_stand_on_the_right_and_a_text_cannot_command_the_terminal() {
        let rows = RecordBatch::try_from_iter([
            (
                "room",
                Arc::new(StringArray::from(vec!["\x1b[2J", "温度"])) as ArrayRef,
            ),
            ("n", Arc::new(Int64Array::from(vec![5, -100]))),
        ]);
        let rows = rows.expect("columns of one length");
        let text = render(&heads(&rows.schema()), &cells(&rows).expect("shown"), None);
        assert_eq!(text, "room          n\n\\u{1b}[2J     5\n温度       -100");
    }
}
