//! The common part of the write endpoints, once their parameters are read: the body is received,
//! its lines are written, and what the client may not show is logged.

use axum::body::Body as RequestBody;
use axum::extract::Request;
use http::{HeaderMap, StatusCode};

use super::partial::{answer, hint};
use crate::api::error::ApiError;
use crate::api::state::Tells;
use crate::api::{AppState, Dialect, bucket};
use crate::auth::Identity;
use crate::body::Received;
use crate::catalog::TokenId;
use crate::clock;
use crate::engine::Engine;
use crate::ingest::{
    Acknowledge, Body, LineReport, Target, WriteError, WriteOutcome, WriteRequest,
};
use crate::line_protocol::{Oddities, Precision};
use crate::narrow;

/// A write as an endpoint requests it, once it has read its parameters.
pub(super) struct Wanted {
    pub(super) target: Target,
    pub(super) precision: Precision,
    pub(super) accept_partial: bool,
    pub(super) acknowledge: Acknowledge,
    /// The id of the token that the request was sent with.
    pub(super) token: Option<TokenId>,
}

impl Wanted {
    /// Receives the body, writes its lines and answers, as clients of v1 and v2 expect it. `missing`
    /// is the error if the bucket was deleted meanwhile.
    pub(super) async fn serve(
        self,
        app: &AppState,
        identity: &Identity,
        request: Request,
        missing: impl FnOnce() -> ApiError,
        dialect: Dialect,
    ) -> Result<StatusCode, ApiError> {
        let engine = app.ready()?;
        let (head, body) = request.into_parts();
        let body = receive(app, identity, &head.headers, body).await?;
        let hint = hint(&head.headers, &body.bytes);
        let outcome = self.write(app, engine, body).await;
        let outcome = outcome.map_err(|error| bucket::write_error(error, missing))?;
        answer(outcome, hint, dialect)
    }

    /// Writes the lines of a body.
    pub(super) async fn write(
        self,
        app: &AppState,
        engine: &Engine,
        body: Body,
    ) -> Result<WriteOutcome, WriteError> {
        let received = clock::instant();
        let name = self.target.name().to_owned();
        let request = WriteRequest {
            target: self.target,
            body,
            precision: self.precision,
            accept_partial: self.accept_partial,
            acknowledge: self.acknowledge,
            received_ns: app.clock().now_ns(),
        };
        let outcome = engine.ingest.write(request).await?;
        let answered = clock::instant();
        let waited = answered.saturating_duration_since(received);
        app.metrics().ack_seconds(waited.as_secs_f64());
        let told = Told {
            bucket: &name,
            token: self.token,
        };
        if let Some(first) = outcome.reports.first()
            && let Some(left_out) = app.tells(self.token, &name, Tells::Rejected, answered)
        {
            told.rejected(&outcome, first, left_out);
        }
        if !outcome.oddities.is_empty()
            && let Some(left_out) = app.tells(self.token, &name, Tells::Odd, answered)
        {
            told.odd(outcome.oddities, left_out);
        }
        Ok(outcome)
    }
}

/// The sender of the lines that are logged, so that the agent can be found: few agents show the
/// answers they get.
struct Told<'a> {
    bucket: &'a str,
    token: Option<TokenId>,
}

impl Told<'_> {
    fn rejected(&self, outcome: &WriteOutcome, first: &LineReport, left_out: u64) {
        let reason: &str = &first.message;
        tracing::warn!(
            bucket = self.bucket,
            token = self.token,
            line = first.line,
            reason,
            rejected = outcome.rejected,
            accepted = outcome.accepted,
            requests_left_out = (left_out > 0).then_some(left_out),
            "lines were rejected"
        );
    }

    fn odd(&self, oddities: Oddities, left_out: u64) {
        tracing::warn!(
            bucket = self.bucket,
            token = self.token,
            requests_left_out = (left_out > 0).then_some(left_out),
            "{oddities}"
        );
    }
}

/// Receives the body.
pub(super) async fn receive(
    app: &AppState,
    identity: &Identity,
    headers: &HeaderMap,
    body: RequestBody,
) -> Result<Body, ApiError> {
    let Received {
        bytes,
        reservation,
        wire_bytes,
    } = app
        .receiver()
        .receive(identity.token_id(), headers, body)
        .await?;
    let decoded_bytes = narrow::to_u64(bytes.len());
    app.metrics().body_bytes(wire_bytes, decoded_bytes);
    Ok(Body { bytes, reservation })
}
