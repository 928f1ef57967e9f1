//! `POST /api/v3/write_lp`: the write of InfluxDB 3 clients (contract section 3.2).

use axum::extract::{Extension, Request, State};
use bytes::Bytes;
use http::StatusCode;

use super::partial::hint;
use super::receive::{Wanted, receive};
use crate::api::error::{ApiError, Rejected, RejectedLine};
use crate::api::params::V3WriteParams;
use crate::api::{AppState, bucket};
use crate::auth::Identity;
use crate::certain::Certain;
use crate::ingest::{Acknowledge, LineReport, WriteOutcome};

/// The most bytes of a client's line that are repeated.
const LINE_BYTES_MAX: usize = 64;

/// The endpoint.
pub async fn write_lp(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let engine = app.ready()?;
    let params = V3WriteParams::parse(request.uri().query())?;
    let found = engine.catalog.bucket_named(&params.db);
    let missing = || bucket::database_not_found(&params.db);
    let new = params.db.clone();
    let wanted = Wanted {
        target: bucket::to_write(&app, &identity, found, new, missing)?,
        precision: params.precision,
        accept_partial: params.accept_partial,
        acknowledge: match params.no_sync {
            true => Acknowledge::Queued,
            false => Acknowledge::Durable,
        },
        token: identity.token_id(),
    };
    let (head, body) = request.into_parts();
    let body = receive(&app, &identity, &head.headers, body).await?;
    // The same memory, kept a little longer to show rejected lines.
    let text = body.bytes.clone();
    let hint = hint(&head.headers, &text);
    let outcome = wanted.write(&app, engine, body).await;
    let outcome = outcome.map_err(|error| bucket::write_error(error, missing))?;
    if outcome.reports.is_empty() {
        return Ok(StatusCode::NO_CONTENT);
    }
    let mut error = rejected(outcome, &text, params.accept_partial);
    if let Some(hint) = hint {
        error = error.hinted(hint);
    }
    Err(error)
}

fn rejected(outcome: WriteOutcome, text: &Bytes, accept_partial: bool) -> ApiError {
    let partial = outcome.accepted > 0;
    let mut lines = Lines::of(text);
    let mut told = outcome.reports.into_iter().map(|report| {
        let LineReport { line, message, .. } = report;
        RejectedLine {
            original_line: lines.excerpt(line),
            line_number: line,
            error_message: message,
        }
    });
    if accept_partial {
        let text = match partial {
            true => "partial write of line protocol occurred",
            false => "no line of line protocol was written",
        };
        return ApiError::rejected(text, Rejected::List(told.collect()));
    }
    let text = "parsing failed for write_lp endpoint";
    let first = told.next().certain("at least one line was rejected");
    ApiError::rejected(text, Rejected::First(first))
}

/// The physical lines of a body, looked up in ascending order.
struct Lines<'a> {
    rest: &'a [u8],
    /// The number of the line that `rest` begins with.
    number: u32,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            number: 1,
        }
    }

    /// The beginning of a line; empty after the last.
    fn excerpt(&mut self, number: u32) -> String {
        while self.number < number {
            let Some(end) = memchr::memchr(b'\n', self.rest) else {
                self.rest = &[];
                break;
            };
            self.rest = self
                .rest
                .get(end + 1..)
                .certain("a line end was found there");
            self.number += 1;
        }
        let end = memchr::memchr2(b'\n', b'\r', self.rest).unwrap_or(self.rest.len());
        let line = self
            .rest
            .get(..end.min(LINE_BYTES_MAX))
            .certain("the end of a line is at most the end of the text");
        cut_to_text(line)
    }
}

/// Converts bytes to text; a character that the cut divides is left out.
fn cut_to_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => {
            let whole = bytes
                .get(..error.valid_up_to())
                .certain("this part was found to be text");
            String::from_utf8_lossy(whole).into_owned()
        }
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn lines_are_found_by_their_numbers_and_cut_at_64_bytes() {
        let text = format!("first\n\r\nthird\r\n{}\nf\u{e9}", "\u{e4}".repeat(40));
        let mut lines = Lines::of(text.as_bytes());
        assert_eq!(lines.excerpt(1), "first");
        assert_eq!(lines.excerpt(2), "");
        assert_eq!(lines.excerpt(3), "third");
        assert_eq!(lines.excerpt(3), "third", "twice the same");
        assert_eq!(lines.excerpt(4), "\u{e4}".repeat(32));
        assert_eq!(lines.excerpt(5), "f\u{e9}");
        assert_eq!(lines.excerpt(9), "");
        let mut odd = Lines::of(b"a\xffb");
        assert_eq!(odd.excerpt(1), "a\u{fffd}b");
        let divided = [[b'x'; 63].as_slice(), "\u{e4}".as_bytes()].concat();
        let mut cut = Lines::of(&divided);
        assert_eq!(cut.excerpt(1), "x".repeat(63));
    }
}
