//! The kinds of columns in a schema, as the clients of InfluxDB 3 read them: in the metadata of a
//! field, under `iox::column::type`.
//!
//! Source of the rule: query contract, section 5.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};

use crate::database::{Column, ColumnKind};

/// The key under which a field says what kind of column it is.
const KEY: &str = "iox::column::type";
const TIME: &str = "iox::column_type::timestamp";
const TAG: &str = "iox::column_type::tag";
const FIELD: &str = "iox::column_type::field::";

/// The field of a column of a table, with its kind. Only times are never null.
pub(crate) fn field(name: &str, data_type: DataType, kind: ColumnKind) -> Field {
    let told = match kind {
        ColumnKind::Time => TIME.to_owned(),
        ColumnKind::Tag => TAG.to_owned(),
        ColumnKind::Field => format!("{FIELD}{}", type_of(&data_type)),
    };
    Field::new(name, data_type, kind != ColumnKind::Time)
        .with_metadata(HashMap::from([(KEY.to_owned(), told)]))
}

/// The columns of a table as plans have them: in bytewise order of their names.
pub(crate) fn schema(columns: &[Column]) -> SchemaRef {
    let fields = columns
        .iter()
        .map(|column| field(&column.name, column.data_type.clone(), column.kind));
    let mut fields: Vec<_> = fields.collect();
    fields.sort_by(|a, b| a.name().cmp(b.name()));
    Arc::new(Schema::new(fields))
}

/// The kind of the column that a field is; none if it is computed.
pub(crate) fn of(field: &Field) -> Option<ColumnKind> {
    match field.metadata().get(KEY)?.as_str() {
        TIME => Some(ColumnKind::Time),
        TAG => Some(ColumnKind::Tag),
        kind => kind.starts_with(FIELD).then_some(ColumnKind::Field),
    }
}

/// The time of a table.
pub(crate) fn time(schema: &SchemaRef) -> Option<&Field> {
    let mut fields = schema.fields().iter();
    let time = fields.find(|field| of(field) == Some(ColumnKind::Time));
    time.map(|field| &**field)
}

/// The type of a column for people and for Grafana: as Arrow printed it when Grafana learned to read
/// it, and for a tag the same one, whatever its values are kept in.
pub(crate) fn type_name(field: &Field) -> String {
    match (of(field), field.data_type()) {
        (Some(ColumnKind::Tag), _) => "Dictionary(Int32, Utf8)".to_owned(),
        (_, DataType::Timestamp(unit, zone)) => format!("Timestamp({unit:?}, {zone:?})"),
        (_, other) => other.to_string(),
    }
}

fn type_of(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Float64 => "float",
        DataType::Int64 => "integer",
        DataType::UInt64 => "uinteger",
        DataType::Boolean => "boolean",
        _ => "string",
    }
}
