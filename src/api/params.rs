//! Query strings, as `application/x-www-form-urlencoded` says: `+` is a blank, `%XX` is decoded.
//! One typed extractor an endpoint; which fault is told first is a rule of the contract and stands
//! with each of them.

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

/// What is wrong with a query string. The texts are the contract's (section 1.1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamError {
    /// A parameter twice.
    #[error("failed to deserialize {fields} in request: duplicate field `{name}`")]
    Duplicate {
        /// What the endpoint reads.
        fields: &'static str,
        /// The parameter.
        name: &'static str,
    },
    /// Bytes that are no text.
    #[error("failed to deserialize {fields} in request: invalid UTF-8")]
    NotUtf8 {
        /// What the endpoint reads.
        fields: &'static str,
    },
    /// One of a few words was expected.
    #[error(
        "failed to deserialize {fields} in request: unknown variant `{found}`, expected {expected}"
    )]
    UnknownVariant {
        /// What the endpoint reads.
        fields: &'static str,
        /// What came, cut.
        found: String,
        /// The words.
        expected: &'static str,
    },
    /// A point in time was expected.
    #[error(
        "failed to deserialize {fields} in request: `{found}` is no time, expected RFC 3339 or nanoseconds since 1970"
    )]
    NoTime {
        /// What the endpoint reads.
        fields: &'static str,
        /// What came, cut.
        found: String,
    },
    /// A parameter that must be there is not, or is empty.
    #[error("failed to deserialize {fields} in request: missing field `{name}`")]
    MissingField {
        /// What the endpoint reads.
        fields: &'static str,
        /// The parameter.
        name: &'static str,
    },
    /// No bucket.
    #[error("missing bucket value")]
    MissingBucket,
    /// `org=`.
    #[error(
        "missing org value: set a non-empty organization in the client (Telegraf: organization, influxdb3-go: Organization, or INFLUX_ORG), or server.allow_empty_org = true on the server"
    )]
    EmptyOrg,
    /// A format of a single table, without saying which.
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

/// The words that an endpoint takes for something, each with what it means; in an error, what is
/// told of them.
struct Words<T: 'static> {
    meanings: &'static [(&'static str, T)],
    told: &'static str,
}

const YES_OR_NO: Words<bool> = Words {
    meanings: &[("true", true), ("false", false)],
    told: "`true` or `false`",
};

impl<T: Copy> Words<T> {
    /// What a value means.
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

/// Bytes of a client's value that are repeated at most.
const ECHO_BYTES_MAX: usize = 64;

/// The value, cut.
fn echo(value: &str) -> String {
    value
        .get(..value.floor_char_boundary(ECHO_BYTES_MAX))
        .certain("a boundary of characters was looked for")
        .to_owned()
}
