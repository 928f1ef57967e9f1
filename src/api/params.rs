//! Query strings, read as `application/x-www-form-urlencoded`: `+` is a blank, `%XX` is decoded.
//! There is one typed extractor per endpoint; the contract fixes which fault is reported first, and
//! each extractor says so.

mod buckets;
mod export;
mod form;
mod hidden;
#[cfg(feature = "lake")]
mod lake;
mod statement;
mod v1;
mod v3;
mod write;

pub use buckets::BucketsParams;
pub use export::ExportParams;
pub use hidden::HiddenParams;
#[cfg(feature = "lake")]
pub use lake::LakeParams;
pub use statement::statement_of;
pub use v1::V1WriteParams;
pub use v3::V3WriteParams;
pub use write::WriteParams;

use thiserror::Error;

use super::error::{ApiError, Code};
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

/// The words that an endpoint accepts for a value, each with its meaning, and their list in errors.
struct Words<T: 'static> {
    meanings: &'static [(&'static str, T)],
    told: &'static str,
}

const YES_OR_NO: Words<bool> = Words {
    meanings: &[("true", true), ("false", false)],
    told: "`true` or `false`",
};

impl<T: Copy> Words<T> {
    /// Returns the meaning of a value.
    fn read(&self, value: &str, fields: &'static str) -> Result<T, ParamError> {
        let meaning = self.meanings.iter().find(|(word, _)| *word == value);
        meaning
            .map(|(_, meaning)| *meaning)
            .ok_or_else(|| ParamError::UnknownVariant {
                fields,
                found: echo(value),
                expected: self.told,
            })
    }
}

/// The most bytes of a client's value that are repeated.
const ECHO_BYTES_MAX: usize = 64;

/// The value, cut short for an error.
fn echo(value: &str) -> String {
    value
        .get(..value.floor_char_boundary(ECHO_BYTES_MAX))
        .certain("a boundary of characters was looked for")
        .to_owned()
}
