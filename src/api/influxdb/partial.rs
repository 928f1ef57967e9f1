//! The answer to a write with rejected lines (contract section 1.3).

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use crate::api::Dialect;
use crate::api::error::{ApiError, LineError, Lines};
use crate::ingest::{LineReport, Stage, WriteOutcome};
use crate::narrow;

/// Returns a 204 only if there is nothing to report about any line.
pub(super) fn answer(
    outcome: WriteOutcome,
    hint: Option<&'static str>,
    dialect: Dialect,
) -> Result<StatusCode, ApiError> {
    if outcome.reports.is_empty() {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(rejected(outcome, hint, dialect))
}

/// The 400 that reports what happened to the lines; `hint` is about the whole body.
pub(in crate::api) fn rejected(
    outcome: WriteOutcome,
    hint: Option<&'static str>,
    dialect: Dialect,
) -> ApiError {
    let mut message = beginning(&outcome, dialect);
    for LineReport {
        line,
        stage,
        code,
        message: reason,
        ..
    } in &outcome.reports
    {
        let verb = match stage {
            Stage::Parse => "parsing",
            Stage::Write => "writing",
        };
        let kind = kind(code, dialect);
        message.push_str(&format!(
            "\n  error {verb} line {line} (1-based): {kind}{reason}"
        ));
    }
    if outcome.more > 0 {
        message.push_str(&format!("\n  … and {} more", outcome.more));
    }
    if let Some(hint) = hint {
        message.push_str(&format!("\n  hint: {hint}"));
    }
    let lines = Lines {
        line: outcome.first_line().map_or(0, number),
        accepted: outcome.accepted,
        rejected: outcome.rejected,
        errors: outcome.reports.into_iter().map(error).collect(),
    };
    ApiError::lines(message, lines)
}

/// The first line of the message. The Go client of v2 hides every error that contains `partial
/// write` or `unable to parse`; clients of v1 look for these words. influxdb-java retries errors
/// that it takes for transient, and later writes wait for that: for a rejected line it has to find
/// `unable to parse`, or the text of [`kind`].
fn beginning(outcome: &WriteOutcome, dialect: Dialect) -> String {
    let WriteOutcome {
        accepted, rejected, ..
    } = *outcome;
    match dialect {
        Dialect::V1 | Dialect::V1Query if accepted == 0 => {
            "no data written, unable to parse or store line(s):".into()
        }
        Dialect::V1 | Dialect::V1Query => {
            "partial write has occurred, unable to parse or store line(s):".into()
        }
        _ if accepted == 0 => "no data written, errors encountered on line(s):".into(),
        Dialect::V3 => "partial write has occurred, errors encountered on line(s):".into(),
        // No write arrives over gRPC.
        Dialect::V2 | Dialect::Grpc if rejected == 0 => {
            format!("{accepted} of {accepted} lines written; rejected field(s):")
        }
        Dialect::V2 | Dialect::Grpc => {
            let lines = accepted.saturating_add(rejected);
            format!("{accepted} of {lines} lines written; rejected line(s):")
        }
    }
}

/// The name that InfluxDB 1.x gives a rejection with this code, before the reason: clients of v1
/// distinguish rejections by it.
fn kind(code: &str, dialect: Dialect) -> &'static str {
    match (dialect, code) {
        (Dialect::V1, "type_conflict") => "field type conflict: ",
        (Dialect::V1, "retention") => "points beyond retention policy: ",
        _ => "",
    }
}

/// Advice about a body that is probably not what its sender intended, if lines of it were rejected.
/// (curl declares every body as a form unless another type is given.)
pub(super) fn hint(headers: &HeaderMap, body: &[u8]) -> Option<&'static str> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind).trim();
    let is = |other: &str| kind.eq_ignore_ascii_case(other);
    let marks = |byte: &u8| MARK.contains(byte) || byte.is_ascii_whitespace();
    match body.iter().find(|byte| !marks(byte))? {
        _ if is("multipart/form-data") => {
            Some("the body is a form (`curl -F`): send the lines alone, with `--data-binary @file`")
        }
        b'{' | b'[' => {
            Some("the body looks like JSON: line protocol is expected, as in `m,tag=a field=1.5`")
        }
        _ if is("application/x-www-form-urlencoded") && may_be_joined(body) => Some(
            "the body is one line; `curl -d @file` removes line ends, `--data-binary @file` does not",
        ),
        _ => None,
    }
}

/// The bytes of a byte order mark.
const MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// Returns true if a body of one line may be several that have lost their ends: after the fields of a
/// point no other key has a value.
fn may_be_joined(body: &[u8]) -> bool {
    let parts = body.split(|byte| *byte == b' ');
    let mut after_fields = parts.filter(|part| !part.is_empty()).skip(2);
    memchr::memchr(b'\n', body).is_none() && after_fields.any(|part| part.contains(&b'='))
}

fn error(report: LineReport) -> LineError {
    let LineReport {
        line,
        column,
        code,
        message,
        ..
    } = report;
    LineError {
        line: number(line),
        column,
        code,
        message,
    }
}

/// The number of a line. Telegraf loses the whole text if it does not fit an i32.
fn number(line: u32) -> i32 {
    narrow::capped_i32(line as usize)
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue};

    use super::hint;

    #[test]
    fn how_a_body_was_sent_tells_why_it_is_no_line_protocol() {
        let form = "application/x-www-form-urlencoded";
        for (kind, body, told) in [
            (form, "m f=1 1m f=2 2", Some("--data-binary @file")),
            (form, "m f=1 1\nm f=2 2", None),
            (
                "Multipart/Form-Data; boundary=x",
                "--x\nm f=1 1\n",
                Some("curl -F"),
            ),
            ("application/json", r#" {"m":1}"#, Some("JSON")),
            (form, "[1]", Some("JSON")),
            ("application/json", "m f=1 1", None),
            ("text/plain; charset=utf-8", "m f=1 1", None),
            (form, "\u{feff}{\"m\":1}", Some("JSON")),
            ("", "", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            let hint = hint(&headers, body.as_bytes());
            assert_eq!(hint.is_some(), told.is_some(), "{kind} {body}: {hint:?}");
            assert!(
                hint.zip(told)
                    .is_none_or(|(hint, told)| hint.contains(told))
            );
        }
    }
}
