//! Facts about the server that are the same for every bucket: what Flight SQL asks for to learn
//! whom it talks to (query contract, on Flight SQL).

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_flight::error::Result;
use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetDbSchemas, Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

/// The catalog, as SQL names it.
pub(super) const CATALOG: &str = "public";

/// The schema of the tables of points.
pub(super) const SCHEMA: &str = "iox";

/// The types of tables.
pub(super) const BASE_TABLE: &str = "BASE TABLE";
const VIEW: &str = "VIEW";

pub(super) fn schemas(command: CommandGetDbSchemas) -> Result<RecordBatch> {
    let mut builder = command.into_builder();
    for schema in [SCHEMA, "system", "information_schema"] {
        builder.append(CATALOG, schema);
    }
    builder.build()
}

pub(super) fn table_types() -> Result<RecordBatch> {
    let mut builder = arrow_flight::sql::CommandGetTableTypes {}.into_builder();
    builder.append(BASE_TABLE);
    builder.append(VIEW);
    builder.build()
}

/// The types of values.
pub(super) fn types() -> Result<XdbcTypeInfoData> {
    let mut builder = XdbcTypeInfoDataBuilder::new();
    for info in [
        quoted("VARCHAR", XdbcDataType::XdbcVarchar, Some(i32::MAX)),
        number("INTEGER", XdbcDataType::XdbcInteger, 32),
        number("BIGINT", XdbcDataType::XdbcBigint, 64),
        number("FLOAT", XdbcDataType::XdbcFloat, 24),
        number("DOUBLE", XdbcDataType::XdbcDouble, 53),
        plain("BOOLEAN", XdbcDataType::XdbcBit),
        XdbcTypeInfo {
            datetime_subcode: Some(XdbcDatetimeSubcode::XdbcSubcodeTimestamp),
            ..quoted("TIMESTAMP", XdbcDataType::XdbcTimestamp, Some(29))
        },
        quoted("INTERVAL", XdbcDataType::XdbcInterval, None),
    ] {
        builder.append(info);
    }
    builder.build()
}

fn plain(name: &str, data_type: XdbcDataType) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_owned(),
        data_type,
        sql_data_type: data_type,
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Full,
        ..XdbcTypeInfo::default()
    }
}

fn quoted(name: &str, data_type: XdbcDataType, size: Option<i32>) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some("'".to_owned()),
        literal_suffix: Some("'".to_owned()),
        case_sensitive: true,
        column_size: size,
        ..plain(name, data_type)
    }
}

fn number(name: &str, data_type: XdbcDataType, bits: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        column_size: Some(bits),
        num_prec_radix: Some(2),
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        ..plain(name, data_type)
    }
}

/// The columns about primary keys, of which there are none.
pub(super) fn primary_keys() -> SchemaRef {
    schema(&[
        ("catalog_name", DataType::Utf8, true),
        ("db_schema_name", DataType::Utf8, true),
        ("table_name", DataType::Utf8, false),
        ("column_name", DataType::Utf8, false),
        ("key_name", DataType::Utf8, true),
        ("key_sequence", DataType::Int32, false),
    ])
}

/// The columns about foreign keys, of which there are none.
pub(super) fn foreign_keys() -> SchemaRef {
    schema(&[
        ("pk_catalog_name", DataType::Utf8, true),
        ("pk_db_schema_name", DataType::Utf8, true),
        ("pk_table_name", DataType::Utf8, false),
        ("pk_column_name", DataType::Utf8, false),
        ("fk_catalog_name", DataType::Utf8, true),
        ("fk_db_schema_name", DataType::Utf8, true),
        ("fk_table_name", DataType::Utf8, false),
        ("fk_column_name", DataType::Utf8, false),
        ("key_sequence", DataType::Int32, false),
        ("fk_key_name", DataType::Utf8, true),
        ("pk_key_name", DataType::Utf8, true),
        ("update_rule", DataType::UInt8, false),
        ("delete_rule", DataType::UInt8, false),
    ])
}

fn schema(columns: &[(&str, DataType, bool)]) -> SchemaRef {
    let columns = columns.iter();
    let fields = columns.map(|(name, kind, nullable)| Field::new(*name, kind.clone(), *nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}
