//! `/api/v1/lake`: the open tables, for operators: their state, and work on them (contract section
//! 3.5).

mod targets;
mod told;
mod work;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use serde::Serialize;

use crate::api::AppState;
use crate::api::blocking::blocking;
use crate::api::error::ApiError;
use crate::api::json::{answer, rfc3339};
use crate::api::params::LakeParams;
use crate::lake::{Lake, TableStatus};
use targets::{Target, refused, targets};
use told::told;

pub use work::{accept_loss, compact, flush, vacuum};

/// The most tables whose log is read at the same time: a store may be far away.
const READS_MAX: usize = 8;

#[derive(Serialize)]
struct Shown {
    bucket: String,
    measurement: String,
    folder: String,
    /// The version; absent before the first flush.
    version: Option<u64>,
    commits_since_checkpoint: u64,
    columns: u64,
    days: u64,
    files: u64,
    bytes: u64,
    rows: u64,
    flushed_sequence: u64,
    buffered_rows: u64,
    /// The error, if its state is unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct List {
    location: String,
    tables: Vec<Shown>,
}

/// `GET /api/v1/lake`.
pub async fn status(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let params = LakeParams::parse(query.as_deref())?;
    let lake = engine.tables.lake();
    let targets = targets(engine, &params).await?;
    let rows = targets.into_iter().map(|target| show(lake, target));
    let rows = futures_util::stream::iter(rows).buffered(READS_MAX);
    let tables: Vec<Shown> = rows.try_collect().await?;
    let location = lake.location();
    Ok(answer(StatusCode::OK, &List { location, tables }))
}

/// `POST /api/v1/lake/trust-clock`: confirms that the wall clock is right, though it has jumped.
pub async fn trust_clock(State(app): State<AppState>) -> Result<Response, ApiError> {
    let lake = app.ready()?.tables.lake().clone();
    let trusting = lake.clone();
    let trusted = blocking(move || trusting.trust_clock()).await?;
    let now_ns = trusted.map_err(|error| refused(&lake, &error))?;
    let time = rfc3339(now_ns);
    tracing::info!(time, "an operator has confirmed the clock");
    Ok(answer(StatusCode::OK, &serde_json::json!({ "time": time })))
}

/// Looks up a table's state. A table that cannot be read does not hide the others; a store that
/// cannot be reached hides all.
async fn show(lake: &Lake, target: Target) -> Result<Shown, ApiError> {
    let (status, error) = match lake.status(&target.bucket, &target.measurement).await {
        Ok(status) => (status, None),
        Err(error) if error.is_transient() => return Err(refused(lake, &error)),
        Err(error) => {
            tracing::warn!(bucket = target.bucket.name, table = target.measurement, %error, "the state of a table is unknown");
            (None, Some(told(&lake.location(), &error)))
        }
    };
    let version = status.as_ref().map(|status| status.version);
    let TableStatus {
        folder,
        version: _,
        unchecked,
        columns,
        days,
        files,
        bytes,
        rows,
        flushed,
    } = status.unwrap_or_default();
    Ok(Shown {
        folder,
        version,
        commits_since_checkpoint: unchecked,
        columns,
        days,
        files,
        bytes,
        rows,
        flushed_sequence: flushed.0,
        buffered_rows: target.buffered_rows,
        bucket: target.bucket.name.clone(),
        measurement: target.measurement,
        error,
    })
}
