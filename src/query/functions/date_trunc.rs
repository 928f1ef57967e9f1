//! `date_trunc`, which never makes a later time of one.
//!
//! DataFusion 55.2 takes the rest of an hour off the first hour that there is, and comes out at the last
//! one: its sum wraps. Here that is the error that it has for longer parts, such as a year.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_schema::{DataType, TimeUnit};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl};

use super::inner::{as_inner, types};
use crate::times::DAY_NS;

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateTrunc {
    stock: Arc<ScalarUDF>,
}

impl DateTrunc {
    /// Truncates with DataFusion's.
    pub(super) fn new(stock: Arc<ScalarUDF>) -> Self {
        Self { stock }
    }
}

impl ScalarUDFImpl for DateTrunc {
    as_inner!(stock: name, aliases, signature, return_type, return_field_from_args, is_strict,
        output_ordering, documentation);

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let [part, ColumnarValue::Array(times)] = args.args.as_slice()
            && let Some(part_ns) = length_ns(part)
            && let Some(time) = first_without_start(times, part_ns)
        {
            return exec_err!(
                "the time {time} is in the first part of all time that there is, which has no start: date_trunc would be out of range"
            );
        }
        self.stock.invoke_with_args(args)
    }
}

/// The length of parts of which all are equally long.
fn length_ns(part: &ColumnarValue) -> Option<i64> {
    let ColumnarValue::Scalar(part) = part else {
        return None;
    };
    Some(match part.try_as_str()??.to_lowercase().as_str() {
        "microsecond" => 1_000,
        "millisecond" => 1_000_000,
        "second" => 1_000_000_000,
        "minute" => DAY_NS / 24 / 60,
        "hour" => DAY_NS / 24,
        "day" => DAY_NS,
        _ => return None,
    })
}

/// A time of which the part that it is in begins before all times.
fn first_without_start(times: &dyn Array, part_ns: i64) -> Option<i64> {
    let DataType::Timestamp(TimeUnit::Nanosecond, _) = times.data_type() else {
        return None;
    };
    let times = times.as_primitive::<TimestampNanosecondType>();
    let has_start = |time: i64| time.checked_sub(time.rem_euclid(part_ns)).is_some();
    times.iter().flatten().find(|time| !has_start(*time))
}
