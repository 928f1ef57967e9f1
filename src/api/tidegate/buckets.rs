//! `/api/v1/buckets`: management of buckets, for operators (contract section 3.3). Every change is
//! durable before its answer.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::api::blocking::blocking;
use crate::api::error::{ApiError, Code};
use crate::api::json::{answer, read_json, rfc3339};
use crate::api::params::HiddenParams;
use crate::api::{AppState, bucket};
use crate::catalog::Bucket;
use crate::engine::Engine;
use crate::read::{Extent, TimeRange};

const NS: i64 = 1_000_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    #[serde(default)]
    retention_seconds: Option<Number>,
}

/// The body of a change. The member is required, so that a misspelt one does not keep points for
/// ever.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    #[serde(deserialize_with = "Option::deserialize")]
    retention_seconds: Option<Number>,
}

#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    name: &'a str,
    retention_seconds: Option<i64>,
    created: String,
}

#[derive(Serialize)]
struct Hidden {
    rows_max: Option<u64>,
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize)]
struct List<'a> {
    buckets: Vec<Shown<'a>>,
}

impl<'a> Shown<'a> {
    fn of(bucket: &'a Bucket) -> Self {
        Self {
            id: bucket.id.to_string(),
            name: &bucket.name,
            retention_seconds: bucket.retention_ns.map(|ns| ns / NS),
            created: rfc3339(bucket.created_ns),
        }
    }
}

/// `GET /api/v1/buckets`.
pub async fn list(State(app): State<AppState>) -> Result<Response, ApiError> {
    let buckets = app.ready()?.catalog.buckets();
    let buckets = buckets.iter().map(|bucket| Shown::of(bucket)).collect();
    Ok(answer(StatusCode::OK, &List { buckets }))
}

/// `POST /api/v1/buckets`.
pub async fn create(State(app): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let catalog = app.ready()?.catalog.clone();
    let (head, body) = request.into_parts();
    let New {
        name,
        retention_seconds,
    } = read_json(&app, &head.headers, body).await?;
    let retention_ns = retention_ns(retention_seconds)?;
    let made = blocking(move || catalog.create_new_bucket(&name, retention_ns)).await?;
    let bucket = made?;
    tracing::info!(bucket = bucket.name, "a bucket was created");
    Ok(answer(StatusCode::CREATED, &Shown::of(&bucket)))
}

/// `PATCH /api/v1/buckets/{name}`: the retention.
pub async fn update(
    State(app): State<AppState>,
    name: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let found = named(engine, name)?;
    let (head, body) = request.into_parts();
    let Change { retention_seconds } = read_json(&app, &head.headers, body).await?;
    let retention_ns = retention_ns(retention_seconds)?;
    let catalog = engine.catalog.clone();
    let change = move || catalog.set_retention(found.id, retention_ns);
    let bucket = blocking(change).await??;
    tracing::info!(
        bucket = bucket.name,
        retention_ns,
        "a bucket's retention was changed"
    );
    Ok(answer(StatusCode::OK, &Shown::of(&bucket)))
}

/// `GET /api/v1/buckets/{name}/hidden?retention_seconds=N`: the points that a retention of N
/// seconds would hide, so that a client can ask for confirmation first.
pub async fn hidden(
    State(app): State<AppState>,
    name: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let HiddenParams { retention_seconds } = HiddenParams::parse(query.as_deref())?;
    // Nothing is older than the oldest possible time.
    let retention_ns = retention_ns(Some(retention_seconds))?.unwrap_or(i64::MAX);
    let found = named(engine, name)?;
    let now_ns = app.clock().now_ns();
    let range = TimeRange {
        // Points that are hidden already do not count again.
        start_ns: found.oldest_ns(now_ns).unwrap_or(i64::MIN),
        end_ns: Some(now_ns.saturating_sub(retention_ns)),
    };
    let sources = engine.sources.clone();
    let extent = blocking(move || Extent::of(&sources, found.id, range)).await??;
    let hidden = Hidden {
        rows_max: extent.rows_max,
        first: extent.first_ns.map(rfc3339),
        last: extent.last_ns.map(rfc3339),
    };
    Ok(answer(StatusCode::OK, &hidden))
}

/// `DELETE /api/v1/buckets/{name}`: deletes it with all its points, for good.
pub async fn delete(
    State(app): State<AppState>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let found = named(engine, name)?;
    let (ingest, id) = (engine.ingest.clone(), found.id);
    blocking(move || ingest.delete_bucket(id)).await??;
    tracing::info!(bucket = found.name, "a bucket was deleted");
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Finds a bucket by name, then by id, as everywhere.
fn named(
    engine: &Engine,
    name: Result<Path<String>, PathRejection>,
) -> Result<Arc<Bucket>, ApiError> {
    let Path(name) = name.map_err(|error| ApiError::new(Code::Invalid, error.body_text()))?;
    bucket::find(engine, &name).ok_or_else(|| bucket::not_found(&name))
}

fn retention_ns(seconds: Option<Number>) -> Result<Option<i64>, ApiError> {
    let Some(seconds) = seconds else {
        return Ok(None);
    };
    let ns = whole(&seconds).and_then(|whole| whole.checked_mul(NS));
    let text = || {
        let max = i64::MAX / NS;
        format!(
            "retention_seconds is {seconds}, expected a whole number from 1 to {max}, or null to \
             keep points for ever"
        )
    };
    ns.filter(|ns| *ns > 0)
        .map(Some)
        .ok_or_else(|| ApiError::new(Code::Invalid, text()))
}

/// Reads a whole number. JSON has one kind of number: `60.0` is whole too.
fn whole(number: &Number) -> Option<i64> {
    let from_float = || number.as_f64()?.to_string().parse().ok();
    number.as_i64().or_else(from_float)
}
