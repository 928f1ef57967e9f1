//! `date_bin_wallclock(interval, time[, origin])`: bins of the clock on the wall of a time zone.
//!
//! A day has 23 or 25 hours if its zone says so, and still is one bin. Where a clock is set back, a
//! bin that begins in the hour that comes twice begins at the earlier one if it is longer than the
//! shift; shorter bins come twice as well. Where a clock is set forward, a bin that would begin in
//! the hour that is left out begins right after it.
//!
//! Source of the rule: the functions of SQL that InfluxDB 3 documents.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow_array::TimestampNanosecondArray;
use arrow_array::cast::AsArray;
use arrow_array::temporal_conversions::{as_datetime, as_datetime_with_timezone};
use arrow_array::timezone::Tz;
use arrow_array::types::TimestampNanosecondType;
use arrow_schema::{DataType, TimeUnit};
use chrono::Offset;
use datafusion::common::{ScalarValue, exec_datafusion_err, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::interval::Length;
use super::tz::time_type;
use crate::times::DAY_NS;

/// Bins of local time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wallclock {
    /// The length of a bin on the wall's clock.
    pub step_ns: i64,
    /// What the clock shows where a bin begins.
    pub origin_ns: i64,
    /// The zone of the clock.
    pub zone: Tz,
}

impl Wallclock {
    /// The instant at which the bin of an instant begins; none if it is out of range.
    pub(crate) fn bin(&self, time_ns: i64) -> Option<i64> {
        let since_origin = self.local(time_ns)?.checked_sub(self.origin_ns)?;
        let start = since_origin.checked_sub(since_origin.rem_euclid(self.step_ns))?;
        let start = start.checked_add(self.origin_ns)?;
        self.instant(start, time_ns)
    }

    /// What the clock shows at an instant.
    fn local(&self, time_ns: i64) -> Option<i64> {
        let shown = as_datetime_with_timezone::<TimestampNanosecondType>(time_ns, self.zone)?;
        shown.naive_local().and_utc().timestamp_nanos_opt()
    }

    /// The instant at which the clock shows `start`, for the bin with `time_ns` in it.
    fn instant(&self, start: i64, time_ns: i64) -> Option<i64> {
        let shown = as_datetime::<TimestampNanosecondType>(start)?.and_local_timezone(self.zone);
        let Some(earliest) = shown.earliest() else {
            return self.after_gap(start);
        };
        let earliest = earliest.timestamp_nanos_opt()?;
        let latest = shown.latest()?.timestamp_nanos_opt()?;
        let is_short = self.step_ns <= latest.checked_sub(earliest)?;
        Some(if is_short && latest <= time_ns {
            latest
        } else {
            earliest
        })
    }

    /// The instant at which the clock jumps over `start`. No zone is a day away from UTC.
    fn after_gap(&self, start: i64) -> Option<i64> {
        let (mut before, mut after) = (start.checked_sub(DAY_NS)?, start.checked_add(DAY_NS)?);
        while after - before > 1 {
            let middle = before + (after - before) / 2;
            if self.local(middle)? < start {
                before = middle;
            } else {
                after = middle;
            }
        }
        Some(after)
    }
}

/// The instants of a range from which on a clock shows times again that it has shown, but for its first.
pub(crate) fn set_backs(zone: Tz, range: RangeInclusive<i64>) -> Vec<i64> {
    const HOUR_NS: i64 = DAY_NS / 24;
    let offset = |time_ns: i64| {
        let shown = as_datetime_with_timezone::<TimestampNanosecondType>(time_ns, zone);
        shown.map(|shown| shown.offset().fix().local_minus_utc())
    };
    let mut found = Vec::new();
    let (mut time, end) = (*range.start(), *range.end());
    // No clock is changed twice in an hour.
    while time < end {
        let later = time.saturating_add(HOUR_NS).min(end);
        let (mut before, mut after) = (time, later);
        if offset(after) < offset(before) {
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                if offset(middle) == offset(time) {
                    before = middle;
                } else {
                    after = middle;
                }
            }
            found.push(after);
        }
        time = later;
    }
    found
}

/// The last instant at which a clock shows the same as at an earlier one; none if it does not come again.
pub(crate) fn shown_again(zone: Tz, time_ns: i64) -> Option<i64> {
    let shown = as_datetime_with_timezone::<TimestampNanosecondType>(time_ns, zone)?;
    let last = shown.naive_local().and_local_timezone(zone).latest()?;
    let last = last.timestamp_nanos_opt()?;
    (last > time_ns).then_some(last)
}

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateBinWallclock {
    signature: Signature,
}

impl DateBinWallclock {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for DateBinWallclock {
    fn name(&self) -> &str {
        "date_bin_wallclock"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (time, origins) = match given {
            [_, time] => (time, 0),
            [_, time, _] => (time, 1),
            _ => {
                return plan_err!(
                    "date_bin_wallclock(interval, time[, origin]) takes two or three arguments"
                );
            }
        };
        let Some(time) = time_type(time) else {
            return plan_err!("the second argument of date_bin_wallclock must be a time");
        };
        let interval = DataType::Interval(arrow_schema::IntervalUnit::MonthDayNano);
        let origin = DataType::Timestamp(TimeUnit::Nanosecond, None);
        let origins = std::iter::repeat_n(origin, origins);
        Ok([interval, time].into_iter().chain(origins).collect())
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given {
            [_, time, ..] => Ok(time.clone()),
            _ => internal_err!("date_bin_wallclock of {} arguments", given.len()),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Timestamp(_, zone) = args.return_field.data_type() else {
            return internal_err!("date_bin_wallclock returns a time");
        };
        let [interval, time, origin @ ..] = args.args.as_slice() else {
            return internal_err!("date_bin_wallclock of {} arguments", args.args.len());
        };
        let bins = Wallclock {
            step_ns: step(interval)?,
            origin_ns: origin.first().map_or(Ok(0), origin_of)?,
            zone: zone.as_deref().unwrap_or("UTC").parse()?,
        };
        let bin = |time_ns| {
            let bin = bins.bin(time_ns);
            bin.ok_or_else(|| exec_datafusion_err!("the bin of {time_ns} ns is out of range"))
        };
        Ok(match time {
            ColumnarValue::Array(times) => {
                let times = times.as_primitive::<TimestampNanosecondType>();
                let starts: TimestampNanosecondArray = times.try_unary(bin)?;
                ColumnarValue::Array(Arc::new(starts.with_timezone_opt(zone.clone())))
            }
            ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(time_ns, _)) => {
                let start = time_ns.map(bin).transpose()?;
                ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(start, zone.clone()))
            }
            ColumnarValue::Scalar(_) => return internal_err!("date_bin_wallclock without a time"),
        })
    }
}

/// The length of a bin.
fn step(interval: &ColumnarValue) -> Result<i64> {
    let length = match interval {
        ColumnarValue::Scalar(interval) => Length::of(interval),
        ColumnarValue::Array(_) => None,
    };
    let Some(Length { months, rest_ns }) = length else {
        return exec_err!("the interval of date_bin_wallclock must be a constant");
    };
    if months != 0 {
        return exec_err!("date_bin_wallclock takes weeks and shorter: no months, no years");
    }
    match i64::try_from(rest_ns) {
        Ok(step_ns) if step_ns > 0 => Ok(step_ns),
        _ => exec_err!("the interval of date_bin_wallclock must be longer than 0"),
    }
}

fn origin_of(origin: &ColumnarValue) -> Result<i64> {
    match origin {
        ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(Some(origin_ns), _)) => {
            Ok(*origin_ns)
        }
        _ => exec_err!("the origin of date_bin_wallclock must be a constant time"),
    }
}
