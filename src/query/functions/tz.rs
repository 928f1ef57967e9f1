//! `tz(time[, zone])`: the same instant, told in a time zone.
//!
//! A time without a zone is one of UTC. Source of the rule: the documentation of InfluxDB 3.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{ScalarValue, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The zone if none is named.
const UTC: &str = "UTC";

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Tz {
    signature: Signature,
}

impl Tz {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for Tz {
    fn name(&self) -> &str {
        "tz"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let (time, zones) = match given {
            [time] => (time, 0),
            [time, _] => (time, 1),
            _ => return plan_err!("tz(time[, zone]) takes one or two arguments"),
        };
        let Some(time) = time_type(time) else {
            return plan_err!("the first argument of tz must be a time, not {time}");
        };
        let zones = std::iter::repeat_n(DataType::Utf8, zones);
        Ok(std::iter::once(time).chain(zones).collect())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the zone of tz decides its type")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let zone = match args.scalar_arguments.get(1) {
            None => UTC,
            Some(Some(ScalarValue::Utf8(Some(zone)))) => zone,
            Some(_) => return plan_err!("the zone of tz must be a text, as in 'Europe/Berlin'"),
        };
        if zone.parse::<arrow_array::timezone::Tz>().is_err() {
            return plan_err!("tz knows no time zone named {zone:?}");
        }
        let is_nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let told = DataType::Timestamp(TimeUnit::Nanosecond, Some(zone.into()));
        Ok(Arc::new(Field::new(self.name(), told, is_nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Timestamp(_, zone) = args.return_field.data_type() else {
            return internal_err!("tz returns a time");
        };
        let zone = zone.clone();
        Ok(match args.args.first() {
            Some(ColumnarValue::Array(times)) => {
                let times = times.as_primitive::<TimestampNanosecondType>().clone();
                ColumnarValue::Array(Arc::new(times.with_timezone_opt(zone)))
            }
            Some(ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(time_ns, _))) => {
                ColumnarValue::Scalar(ScalarValue::TimestampNanosecond(*time_ns, zone))
            }
            _ => return internal_err!("tz was called without a time"),
        })
    }
}

/// The type in which a time is taken: nanoseconds, in its zone. None if it is not a time.
pub(super) fn time_type(given: &DataType) -> Option<DataType> {
    let zone = match given {
        DataType::Timestamp(_, zone) => zone.clone(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => None,
        _ => return None,
    };
    Some(DataType::Timestamp(TimeUnit::Nanosecond, zone))
}
