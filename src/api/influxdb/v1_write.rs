//! `POST /write`: databases and retention policies are buckets.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use http::StatusCode;

use super::receive::Wanted;
use crate::api::error::ApiError;
use crate::api::params::V1WriteParams;
use crate::api::{AppState, Dialect, bucket};
use crate::auth::Identity;
use crate::catalog::Bucket;
use crate::engine::Engine;
use crate::ingest::Acknowledge;

/// The endpoint.
pub async fn write(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let engine = app.ready()?;
    let V1WriteParams { db, rp, precision } = V1WriteParams::parse(request.uri().query())?;
    let found = find(engine, &db, &rp);
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

/// Returns true if a retention policy is the default one of a database.
fn is_default(rp: &str) -> bool {
    matches!(rp, "" | "autogen" | "default")
}

/// Finds the bucket `db/rp`; for the default policy also `db`, then `db/autogen`.
pub(super) fn find(engine: &Engine, db: &str, rp: &str) -> Option<Arc<Bucket>> {
    let named = |name: &str| engine.catalog.bucket_named(name);
    let exact = (!rp.is_empty()).then(|| named(&format!("{db}/{rp}")));
    let default = || match is_default(rp) {
        true => named(db).or_else(|| named(&format!("{db}/autogen"))),
        false => None,
    };
    exact.flatten().or_else(default)
}

fn new_name(db: &str, rp: &str) -> String {
    match is_default(rp) {
        true => db.to_owned(),
        false => format!("{db}/{rp}"),
    }
}
