//! The reasons for which rows are not written.

use arrow_schema::{DataType, Field};
use thiserror::Error;

use super::format::Format;

/// The reason for which rows are not written.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The format has no room for a column.
    #[error(
        "{format} cannot hold the column \"{column}\" of type {data_type}: cast it, select its parts, or use another format"
    )]
    NoRoom {
        /// The name of the format.
        format: &'static str,
        /// The name of the column.
        column: String,
        /// The type of its values.
        data_type: DataType,
    },
    /// The format has room for one column of each name.
    #[error(
        "{format} holds one column per name, and several are called \"{column}\": give them other names, as in x AS y"
    )]
    Twice {
        /// The name of the format.
        format: &'static str,
        /// The name that several columns have.
        column: String,
    },
    /// A fault of ours.
    #[error("rows could not be written as {format}: {fault}")]
    Internal {
        /// The name of the format.
        format: &'static str,
        /// What went wrong.
        fault: String,
    },
}

/// The reason for which bytes are not rows.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It is something else, or damaged.
    #[error("it is no Arrow stream: {0}")]
    Damaged(String),
    /// The bytes end before the stream does.
    #[error("the Arrow stream is cut short")]
    Short,
}

impl RenderError {
    pub(super) fn no_room(format: Format, field: &Field) -> Self {
        Self::NoRoom {
            format: format.name(),
            column: field.name().clone(),
            data_type: field.data_type().clone(),
        }
    }

    /// Says that writing in this format failed.
    pub(super) fn of(format: Format) -> impl FnOnce(Fault) -> Self {
        move |fault| Self::Internal {
            format: format.name(),
            fault: fault.to_string(),
        }
    }
}

/// The error of a library.
type Fault = arrow_schema::ArrowError;
