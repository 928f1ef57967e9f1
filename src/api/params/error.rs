//! The faults of query strings.

use thiserror::Error;

use crate::api::error::{ApiError, Code};
use crate::certain::Certain;

/// The faults of a query string. The texts are the contract's (section 1.1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamError {
    /// A parameter is given twice.
    #[error("failed to deserialize {fields} in request: duplicate field `{name}`")]
    Duplicate {
        /// The parameters that the endpoint reads.
        fields: &'static str,
        /// The parameter.
        name: &'static str,
    },
    /// Some bytes are not UTF-8.
    #[error("failed to deserialize {fields} in request: invalid UTF-8")]
    NotUtf8 {
        /// The parameters that the endpoint reads.
        fields: &'static str,
    },
    /// One of a few words was expected.
    #[error(
        "failed to deserialize {fields} in request: unknown variant `{found}`, expected {expected}"
    )]
    UnknownVariant {
        /// The parameters that the endpoint reads.
        fields: &'static str,
        /// The value, cut short.
        found: String,
        /// The words that were expected.
        expected: &'static str,
    },
    /// A point in time was expected.
    #[error(
        "failed to deserialize {fields} in request: `{found}` is no time, expected RFC 3339 or nanoseconds since 1970"
    )]
    NoTime {
        /// The parameters that the endpoint reads.
        fields: &'static str,
        /// The value, cut short.
        found: String,
    },
    /// A required parameter is missing or empty.
    #[error("failed to deserialize {fields} in request: missing field `{name}`")]
    MissingField {
        /// The parameters that the endpoint reads.
        fields: &'static str,
        /// The parameter.
        name: &'static str,
    },
    /// The database or the question is missing. The words are those of InfluxDB 3.
    #[error("missing query {0}")]
    MissingQuestion(&'static str),
    /// The values of a question's parameters cannot be read.
    #[error("failed to deserialize {fields} in request: `params` is not a JSON object: {fault}")]
    NoObject {
        /// The parameters that the endpoint reads.
        fields: &'static str,
        /// The fault, cut short.
        fault: String,
    },
    /// The value of a question's parameter is no single value.
    #[error(
        "the value of the parameter `{name}` is a list or an object, expected null, true, false, a number or a string"
    )]
    Nested {
        /// The name of the parameter, cut short.
        name: String,
    },
    /// The bucket is missing.
    #[error("missing bucket value")]
    MissingBucket,
    /// The organization is empty.
    #[error(
        "missing org value: set a non-empty organization in the client (Telegraf: organization, influxdb3-go: Organization, or INFLUX_ORG), or server.allow_empty_org = true on the server"
    )]
    EmptyOrg,
    /// The format holds a single table, and none is named.
    #[error("missing measurement value: format={format} writes one measurement")]
    MissingMeasurement {
        /// The format.
        format: &'static str,
    },
}

impl From<ParamError> for ApiError {
    fn from(error: ParamError) -> Self {
        Self::new(Code::Invalid, error.to_string())
    }
}

/// The most bytes of a client's value that are repeated.
const ECHO_BYTES_MAX: usize = 64;

/// The value, cut short for an error.
pub(super) fn echo(value: &str) -> String {
    value
        .get(..value.floor_char_boundary(ECHO_BYTES_MAX))
        .certain("a boundary of characters was looked for")
        .to_owned()
}
