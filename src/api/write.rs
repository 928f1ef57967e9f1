//! `POST /api/v2/write`: line protocol in, 204 once it is on disk (contract section 1).

use axum::extract::{Extension, Request, State};
use http::StatusCode;

use super::error::{ApiError, Code};
use super::params::{ParamError, WriteParams};
use super::{App, Engine, bucket, partial};
use crate::auth::Identity;
use crate::body::Received;
use crate::catalog::{InvalidBucketName, valid_bucket_name};
use crate::clock;
use crate::ingest::{Body, Target, WriteOutcome, WriteRequest};

/// The endpoint.
pub async fn write(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let engine = app.ready()?;
    let params = parameters(&app, &identity, request.uri().query())?;
    let target = target(&app, engine, &identity, params.bucket)?;
    let (head, body) = request.into_parts();
    let Received {
        bytes,
        reservation,
        wire_bytes,
    } = app.receiver().receive(&head.headers, body).await?;
    app.metrics()
        .body_bytes(wire_bytes, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let received = clock::instant();
    let request = WriteRequest {
        target,
        body: Body { bytes, reservation },
        precision: params.precision,
        accept_partial: params.accept_partial,
        received_ns: app.clock().now_ns(),
    };
    let outcome = engine.ingest.write(request).await?;
    let waited = clock::instant().saturating_duration_since(received);
    app.metrics().ack_seconds(waited.as_secs_f64());
    answer(outcome)
}

/// 204 only if there is nothing to tell about any line.
fn answer(outcome: WriteOutcome) -> Result<StatusCode, ApiError> {
    if outcome.reports.is_empty() {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(partial::rejected(outcome))
}

/// Telegraf sends `org=` when no organization is configured and keeps the answer to itself, so
/// the first refusal of each token is worth a line in our log.
fn parameters(
    app: &App,
    identity: &Identity,
    query: Option<&str>,
) -> Result<WriteParams, ParamError> {
    let params = WriteParams::parse(query, app.config().server.allow_empty_org);
    if params == Err(ParamError::EmptyOrg) && app.warn_once(identity.token_id()) {
        tracing::warn!(
            token = identity.token_id(),
            "writes are refused because the client sends an empty organization: set one in the \
             client, or server.allow_empty_org = true here"
        );
    }
    params
}

/// Where the points go: by name, then by id; or a bucket yet to be made. Whether a bucket exists
/// is told only to who may write to it.
fn target(
    app: &App,
    engine: &Engine,
    identity: &Identity,
    name: String,
) -> Result<Target, ApiError> {
    let bucket = bucket::find(engine, &name);
    let permitted = identity.may_write(bucket.as_ref().map_or(&name, |bucket| &bucket.name));
    if !permitted {
        return Err(ApiError::new(
            Code::Forbidden,
            "insufficient permissions for write",
        ));
    }
    match bucket {
        Some(bucket) => Ok(Target::Existing(bucket)),
        None if app.config().server.auto_create_buckets => {
            let invalid =
                |error: InvalidBucketName| ApiError::new(Code::Invalid, error.to_string());
            valid_bucket_name(&name).map_err(invalid)?;
            Ok(Target::Create(name))
        }
        None => Err(bucket::not_found(&name)),
    }
}
