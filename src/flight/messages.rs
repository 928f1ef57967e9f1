//! Messages that arrow-flight has not: our own tickets, InfluxDB 3's, and those of sessions.

use std::collections::HashMap;

use bytes::Bytes;
use prost::{Enumeration, Message, Oneof};

/// The most bytes of a message of a client.
pub(super) const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// The type of [`TicketContents`] inside of an `Any`, as tickets have it that are out there.
pub(super) const TICKET_URL: &str = "type.googleapis.com/tidegate.flight.v1.Asked";

/// The type of [`ReadInfo`] inside of an `Any`.
pub(super) const READ_INFO_URL: &str = "type.googleapis.com/influxdata.iox.querier.v1.ReadInfo";

/// All that a ticket of ours, or the handle of a prepared statement, stands for.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TicketContents {
    /// The name of the bucket; empty if none is needed.
    #[prost(string, tag = "1")]
    pub(super) database: String,
    /// The question; empty if there is a command.
    #[prost(string, tag = "2")]
    pub(super) query: String,
    /// The values of the question's parameters: a stream of Arrow IPC with one row.
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) values: Bytes,
    /// A command of Flight SQL, as an `Any`.
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) command: Bytes,
    /// True if the question is InfluxQL.
    #[prost(bool, tag = "5")]
    pub(super) influxql: bool,
}

/// A ticket of InfluxDB 3 (`influxdata.iox.querier.v1`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadInfo {
    #[prost(string, tag = "1")]
    pub(super) database: String,
    #[prost(string, tag = "2")]
    pub(super) sql_query: String,
    #[prost(enumeration = "QueryType", tag = "3")]
    pub(super) query_type: i32,
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) flightsql_command: Bytes,
    #[prost(bool, tag = "5")]
    pub(super) is_debug: bool,
    #[prost(message, repeated, tag = "6")]
    pub(super) params: Vec<QueryParam>,
}

/// The language of a [`ReadInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum QueryType {
    Unspecified = 0,
    Sql = 1,
    InfluxQl = 2,
    FlightSqlMessage = 3,
}

/// The value of a parameter of a [`ReadInfo`].
#[derive(Clone, PartialEq, Message)]
pub(super) struct QueryParam {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(oneof = "ParamValue", tags = "2, 3, 4, 5, 6, 7")]
    pub(super) value: Option<ParamValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum ParamValue {
    /// An enumeration with one value.
    #[prost(int32, tag = "2")]
    Null(i32),
    #[prost(bool, tag = "3")]
    Boolean(bool),
    #[prost(uint64, tag = "4")]
    Unsigned(u64),
    #[prost(int64, tag = "5")]
    Integer(i64),
    #[prost(double, tag = "6")]
    Float(f64),
    #[prost(string, tag = "7")]
    String(String),
}

/// The body of the action `SetSessionOptions`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SetSessionOptionsRequest {
    #[prost(map = "string, message", tag = "1")]
    pub(super) session_options: HashMap<String, SessionOptionValue>,
}

/// Its answer: the options that were not set.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub(super) errors: HashMap<String, OptionError>,
}

/// The answer of the action `GetSessionOptions`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub(super) session_options: HashMap<String, SessionOptionValue>,
}

/// The answer of the action `CloseSession`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct CloseSessionResult {
    #[prost(enumeration = "CloseStatus", tag = "1")]
    pub(super) status: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum CloseStatus {
    Unspecified = 0,
    Closed = 1,
    Closing = 2,
    NotCloseable = 3,
}

/// The value of a session's option. Those that are not strings are read as none.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionOptionValue {
    #[prost(string, optional, tag = "1")]
    pub(super) string_value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct OptionError {
    #[prost(enumeration = "ErrorValue", tag = "1")]
    pub(super) value: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum ErrorValue {
    Unspecified = 0,
    InvalidName = 1,
    InvalidValue = 2,
    Error = 3,
}
