//! `POST /api/v2/write`: line protocol in, 204 once it is on disk (contract section 1).

use axum::extract::{Extension, Request, State};
use http::StatusCode;

use super::receive::Wanted;
use crate::api::error::ApiError;
use crate::api::params::{ParamError, WriteParams};
use crate::api::{AppState, Dialect, bucket};
use crate::auth::Identity;
use crate::ingest::Acknowledge;

/// The endpoint.
pub async fn write(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let engine = app.ready()?;
    let params = parameters(&app, &identity, request.uri().query())?;
    let found = bucket::find(engine, &params.bucket);
    let missing = || bucket::not_found(&params.bucket);
    let new = params.bucket.clone();
    let wanted = Wanted {
        target: bucket::to_write(&app, &identity, found, new, missing)?,
        precision: params.precision,
        accept_partial: params.accept_partial,
        acknowledge: Acknowledge::Durable,
        token: identity.token_id(),
    };
    wanted
        .serve(&app, &identity, request, missing, Dialect::V2)
        .await
}

/// Reads the parameters. Telegraf sends `org=` if no organization is configured and does not show
/// the answer, so the first refusal of each token is logged.
fn parameters(
    app: &AppState,
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
