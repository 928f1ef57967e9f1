//! The types that a client may say that its values have. A type which makes no sense is none: the
//! conversion of arrow panics at those.

use arrow_array::timezone::Tz;
use arrow_array::types::{
    Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    validate_decimal_precision_and_scale,
};
use arrow_ipc::{DateUnit, IntervalUnit as Unit, Precision, Type};
use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit};

/// The column of a value; none if values have no such type.
pub(super) fn of(field: &arrow_ipc::Field<'_>) -> Option<Field> {
    if field.dictionary().is_some() {
        return None;
    }
    let data_type = match field.type_type() {
        Type::Null => DataType::Null,
        Type::Bool => DataType::Boolean,
        Type::Utf8 => DataType::Utf8,
        Type::LargeUtf8 => DataType::LargeUtf8,
        Type::Utf8View => DataType::Utf8View,
        Type::Binary => DataType::Binary,
        Type::LargeBinary => DataType::LargeBinary,
        Type::BinaryView => DataType::BinaryView,
        Type::FixedSizeBinary => fixed_size(field)?,
        Type::Int => integer(field)?,
        Type::FloatingPoint => float(field)?,
        Type::Decimal => decimal(field)?,
        Type::Date => date(field)?,
        Type::Time => time(field)?,
        Type::Timestamp => timestamp(field)?,
        Type::Duration => DataType::Duration(unit(field.type_as_duration()?.unit())?),
        Type::Interval => interval(field)?,
        _ => return None,
    };
    Some(Field::new(
        field.name().unwrap_or_default(),
        data_type,
        field.nullable(),
    ))
}

fn fixed_size(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    let bytes = field.type_as_fixed_size_binary()?.byteWidth();
    (bytes > 0).then_some(DataType::FixedSizeBinary(bytes))
}

fn integer(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    let integer = field.type_as_int()?;
    Some(match (integer.bitWidth(), integer.is_signed()) {
        (8, true) => DataType::Int8,
        (8, false) => DataType::UInt8,
        (16, true) => DataType::Int16,
        (16, false) => DataType::UInt16,
        (32, true) => DataType::Int32,
        (32, false) => DataType::UInt32,
        (64, true) => DataType::Int64,
        (64, false) => DataType::UInt64,
        _ => return None,
    })
}

fn float(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    Some(match field.type_as_floating_point()?.precision() {
        Precision::HALF => DataType::Float16,
        Precision::SINGLE => DataType::Float32,
        Precision::DOUBLE => DataType::Float64,
        _ => return None,
    })
}

fn decimal(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    let decimal = field.type_as_decimal()?;
    let precision = u8::try_from(decimal.precision()).ok()?;
    let scale = i8::try_from(decimal.scale()).ok()?;
    let (checked, data_type) = match decimal.bitWidth() {
        32 => (
            validate_decimal_precision_and_scale::<Decimal32Type>(precision, scale),
            DataType::Decimal32(precision, scale),
        ),
        64 => (
            validate_decimal_precision_and_scale::<Decimal64Type>(precision, scale),
            DataType::Decimal64(precision, scale),
        ),
        128 => (
            validate_decimal_precision_and_scale::<Decimal128Type>(precision, scale),
            DataType::Decimal128(precision, scale),
        ),
        256 => (
            validate_decimal_precision_and_scale::<Decimal256Type>(precision, scale),
            DataType::Decimal256(precision, scale),
        ),
        _ => return None,
    };
    checked.ok().map(|()| data_type)
}

fn date(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    Some(match field.type_as_date()?.unit() {
        DateUnit::DAY => DataType::Date32,
        DateUnit::MILLISECOND => DataType::Date64,
        _ => return None,
    })
}

fn time(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    let time = field.type_as_time()?;
    let unit = unit(time.unit())?;
    Some(match (time.bitWidth(), unit) {
        (32, TimeUnit::Second | TimeUnit::Millisecond) => DataType::Time32(unit),
        (64, TimeUnit::Microsecond | TimeUnit::Nanosecond) => DataType::Time64(unit),
        _ => return None,
    })
}

fn timestamp(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    let timestamp = field.type_as_timestamp()?;
    let unit = unit(timestamp.unit())?;
    let zone = timestamp.timezone();
    let known = zone.is_none_or(|zone| zone.parse::<Tz>().is_ok());
    known.then(|| DataType::Timestamp(unit, zone.map(Into::into)))
}

fn interval(field: &arrow_ipc::Field<'_>) -> Option<DataType> {
    let unit = match field.type_as_interval()?.unit() {
        Unit::YEAR_MONTH => IntervalUnit::YearMonth,
        Unit::DAY_TIME => IntervalUnit::DayTime,
        Unit::MONTH_DAY_NANO => IntervalUnit::MonthDayNano,
        _ => return None,
    };
    Some(DataType::Interval(unit))
}

fn unit(unit: arrow_ipc::TimeUnit) -> Option<TimeUnit> {
    Some(match unit {
        arrow_ipc::TimeUnit::SECOND => TimeUnit::Second,
        arrow_ipc::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
        arrow_ipc::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
        arrow_ipc::TimeUnit::NANOSECOND => TimeUnit::Nanosecond,
        _ => return None,
    })
}
