//! `POST /write`: databases and retention policies are buckets.

use axum::extract::{Extension, Request, State};
use http::StatusCode;

use super::receive::Wanted;
use crate::api::database::{find, new_name};
use crate::api::error::ApiError;
use crate::api::params::V1WriteParams;
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
    let V1WriteParams { db, rp, precision } = V1WriteParams::parse(request.uri().query())?;
    let found = find(&engine.catalog, &db, &rp);
    let missing = || bucket::database_not_found(&db);
    let wanted = Wanted {
        target: bucket::to_write(&app, &identity, found, new_name(&db, &rp), missing)?,
        precision,
        accept_partial: true,
        acknowledge: Acknowledge::Durable,
        token: identity.token_id(),
    };
    wanted
        .serve(&app, &identity, request, missing, Dialect::V1)
        .await
}
