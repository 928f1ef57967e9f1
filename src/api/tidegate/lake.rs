//! `/api/v1/lake`: the open tables, for operators: their state, and work on them (contract section
//! 3.5).

mod told;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use serde::Serialize;

use crate::api::error::{ApiError, Code};
use crate::api::json::{answer, rfc3339};
use crate::api::params::LakeParams;
use crate::api::{AppState, blocking, bucket};
use crate::catalog::Bucket;
use crate::engine::Engine;
use crate::lake::{Lake, LakeError, TableStatus};
use told::told;

pub use work::{accept_loss, compact, flush, vacuum};

/// The most tables whose log is read at the same time: a store may be far away.
const READS_MAX: usize = 8;

/// A table that is meant.
#[derive(Debug)]
struct Target {
    bucket: Arc<Bucket>,
    measurement: String,
    /// True if it is in the lake; it may have only buffered rows.
    is_stored: bool,
    buffered_rows: u64,
}

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

/// The tables that are meant, by bucket and measurement: those in the lake, and those that have
/// only buffered rows. A name without a table is an error: it is misspelt.
async fn targets(engine: &Engine, params: &LakeParams) -> Result<Vec<Target>, ApiError> {
    let buckets = match &params.bucket {
        None => engine.catalog.buckets(),
        Some(name) => vec![bucket::find(engine, name).ok_or_else(|| bucket::not_found(name))?],
    };
    let mut buffered = BTreeMap::new();
    for table in engine.ingest.buffer().tables() {
        buffered.insert(table.id, table.rows);
    }
    let lake = engine.tables.lake();
    let mut targets = Vec::new();
    for bucket in buckets {
        let mut tables: BTreeMap<String, (bool, u64)> = BTreeMap::new();
        let measurements = lake.measurements(&bucket).await;
        for measurement in measurements.map_err(|error| refused(lake, &error))? {
            tables.insert(measurement, (true, 0));
        }
        for (id, rows) in buffered.iter().filter(|(id, _)| id.bucket == bucket.id) {
            tables.entry(id.measurement.to_string()).or_default().1 = *rows;
        }
        let wanted = |measurement: &String| match &params.measurement {
            None => true,
            Some(only) => only == measurement,
        };
        let tables = tables.into_iter().filter(|(name, _)| wanted(name));
        targets.extend(
            tables.map(|(measurement, (is_stored, buffered_rows))| Target {
                bucket: Arc::clone(&bucket),
                measurement,
                is_stored,
                buffered_rows,
            }),
        );
    }
    match &params.measurement {
        Some(name) if targets.is_empty() => Err(ApiError::new(
            Code::NotFound,
            format!("measurement \"{name}\" not found"),
        )),
        _ => Ok(targets),
    }
}

/// The error for an operator if nothing can be done with the tables now; it says if a retry may
/// help.
fn refused(lake: &Lake, error: &LakeError) -> ApiError {
    tracing::warn!(%error, "the tables cannot be used now");
    let told = told(&lake.location(), error);
    match error.is_transient() {
        true => ApiError::unavailable(format!("the tables cannot be used now: {told}")),
        false => ApiError::new(Code::Internal, told),
    }
}
