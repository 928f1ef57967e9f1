//! Why a request is not understood, or a part not written.

use arrow_schema::DataType;

/// A request without a query that could be parsed; its text is for the client, with status 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// There is no text.
    #[error("missing required parameter \"q\"")]
    NoText,
    /// `params` is no JSON object.
    #[error("error parsing query parameters: {0}")]
    Parameters(String),
    /// A number of `params` has no point and is no integer of 64 bits.
    #[error("error parsing json value: strconv.ParseInt: parsing \"{number}\": {reason}")]
    Number {
        /// The number as it was sent.
        number: String,
        /// `invalid syntax` or `value out of range`.
        reason: &'static str,
    },
    /// `time_format` is none of the two.
    #[error("invalid time_format \"{0}\": expected \"epoch\" or \"rfc3339\"")]
    TimeFormat(String),
}

/// A part of a series that no format can hold: a fault of whoever made it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// A column has a type that values do not have.
    #[error("column {column} of series {series} has the type {data_type}, which no answer has")]
    Type {
        /// The name of the column.
        column: String,
        /// The name of the series.
        series: String,
        /// Its type.
        data_type: DataType,
    },
    /// There are more or fewer columns than names.
    #[error("series {series} has {columns} columns and {names} names for them")]
    Width {
        /// The name of the series.
        series: String,
        /// The number of columns.
        columns: usize,
        /// The number of names.
        names: usize,
    },
    /// A part came without a statement that it could belong to.
    #[error("series {series} belongs to no statement")]
    Stray {
        /// The name of the series.
        series: String,
    },
}
