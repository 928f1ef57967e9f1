//! `to_timestamp`: an integer is nanoseconds, as everywhere else in InfluxDB.
//!
//! DataFusion reads it as seconds. All else is as DataFusion has it, without a time zone, so that
//! the result compares with the column `time` as it is. Source of the rule: the documentation of InfluxDB 3.

use arrow_schema::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::functions::datetime::to_timestamp::ToTimestampFunc;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl};

use super::inner::{as_inner, types};

/// The function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ToTimestamp {
    stock: ToTimestampFunc,
}

impl ToTimestamp {
    pub(super) fn new() -> Self {
        Self {
            stock: ToTimestampFunc::new_with_config(&ConfigOptions::default()),
        }
    }
}

impl ScalarUDFImpl for ToTimestamp {
    as_inner!(stock: name, signature, return_type);

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        match args.args.as_slice() {
            [time] if time.data_type().is_integer() => time
                .cast_to(&DataType::Int64, None)?
                .cast_to(&DataType::Timestamp(TimeUnit::Nanosecond, None), None),
            _ => self.stock.invoke_with_args(args),
        }
    }
}
