//! The bodies of errors, one form per dialect (contract sections 1.2, 3.1, 3.2).

use serde::Serialize;

use crate::api::dialect::Dialect;
use crate::certain::Certain;

/// The content of an error for the client, in any form.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) bytes_max: Option<u64>,
    pub(super) lines: Option<Lines>,
    pub(super) rejected: Option<Rejected>,
}

/// The members about rejected lines in v1 and v2, beside the message.
#[derive(Debug, Serialize)]
pub(in crate::api) struct Lines {
    /// The number of the first rejected line.
    pub(in crate::api) line: i32,
    pub(in crate::api) accepted: u64,
    pub(in crate::api) rejected: u64,
    pub(in crate::api) errors: Vec<LineError>,
}

/// A rejected line in v1 and v2.
#[derive(Debug, Serialize)]
pub(in crate::api) struct LineError {
    pub(in crate::api) line: i32,
    pub(in crate::api) column: u32,
    pub(in crate::api) code: &'static str,
    pub(in crate::api) message: String,
}

/// The rejected lines in v3: a list, or only the first if that was enough to refuse everything.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(in crate::api) enum Rejected {
    List(Vec<RejectedLine>),
    First(RejectedLine),
}

/// A rejected line in v3.
#[derive(Debug, Serialize)]
pub(in crate::api) struct RejectedLine {
    pub(in crate::api) original_line: String,
    pub(in crate::api) line_number: u32,
    pub(in crate::api) error_message: String,
}

/// The body in v1 and v2, with the members in the order in which they are written. Clients of v1
/// read `error`.
#[derive(Serialize)]
struct Coded<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    code: &'static str,
    message: &'a str,
    #[serde(rename = "maxLength", skip_serializing_if = "Option::is_none")]
    bytes_max: Option<u64>,
    #[serde(flatten)]
    lines: Option<&'a Lines>,
}

/// The body of `/query`, with the members in the order in which its clients can read them.
#[derive(Serialize)]
struct CodedFirst<'a> {
    code: &'static str,
    message: &'a str,
    error: &'a str,
    #[serde(rename = "maxLength", skip_serializing_if = "Option::is_none")]
    bytes_max: Option<u64>,
}

/// The body in v3.
#[derive(Serialize)]
struct Plain<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Rejected>,
}

impl Body {
    pub(super) fn new(code: &'static str, message: String) -> Self {
        Self {
            code,
            message,
            bytes_max: None,
            lines: None,
            rejected: None,
        }
    }

    /// The body as JSON in this dialect.
    pub(super) fn to_json(&self, dialect: Dialect) -> Vec<u8> {
        let message = self.message.as_str();
        let coded = |error| Coded {
            error,
            code: self.code,
            message,
            bytes_max: self.bytes_max,
            lines: self.lines.as_ref(),
        };
        let json = match dialect {
            Dialect::V2 => serde_json::to_vec(&coded(None)),
            Dialect::V1 => serde_json::to_vec(&coded(Some(message))),
            Dialect::V1Query => serde_json::to_vec(&CodedFirst {
                code: self.code,
                message,
                error: message,
                bytes_max: self.bytes_max,
            }),
            // An answer of gRPC has no body: its error is in the headers.
            Dialect::V3 | Dialect::Grpc => serde_json::to_vec(&Plain {
                error: message,
                data: self.rejected.as_ref(),
            }),
        };
        let mut json = json.certain("an error is a struct of plain values");
        if dialect == Dialect::V1Query {
            // As 1.x ends all its answers there.
            json.push(b'\n');
        }
        json
    }
}
