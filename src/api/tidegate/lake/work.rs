//! `POST /api/v1/lake/flush`, `/compact`, `/vacuum`, `/accept-loss`: work on one table after the
//! other. The answer begins at once and reports each table when it is done, in one line of JSON;
//! the last line says that it is the last.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use tokio::sync::mpsc;

use super::targets::{Target, targets};
use super::told::told;
use crate::api::AppState;
use crate::api::error::ApiError;
use crate::api::params::LakeParams;
use crate::certain::Certain;
use crate::lake::{Flusher, LakeError, Upkeep};
use crate::telemetry::UpkeepCounts;

/// The most lines that wait for a client. One that takes none delays only its own work.
const LINES_MAX: usize = 16;

/// The work on each table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    Flush,
    Upkeep(Upkeep),
    AcceptLoss,
}

#[derive(Serialize)]
struct First {
    tables: usize,
}

#[derive(Serialize)]
struct Done<'a> {
    bucket: &'a str,
    measurement: &'a str,
    files_removed: u64,
    files_added: u64,
    bytes_added: u64,
}

#[derive(Serialize)]
struct Failed<'a> {
    bucket: &'a str,
    measurement: &'a str,
    error: String,
}

#[derive(Serialize)]
struct Last {
    done: bool,
    failed: u64,
}

/// The client has hung up.
struct HungUp;

/// `POST /api/v1/lake/flush`: moves buffered points into the tables now.
pub async fn flush(app: State<AppState>, query: RawQuery) -> Result<Response, ApiError> {
    begin(app, query, Work::Flush).await
}

/// `POST /api/v1/lake/compact`: joins files and removes days past their retention.
pub async fn compact(app: State<AppState>, query: RawQuery) -> Result<Response, ApiError> {
    begin(app, query, Work::Upkeep(Upkeep::Compact)).await
}

/// `POST /api/v1/lake/vacuum`: deletes files that no table has any more.
pub async fn vacuum(app: State<AppState>, query: RawQuery) -> Result<Response, ApiError> {
    begin(app, query, Work::Upkeep(Upkeep::Vacuum)).await
}

/// `POST /api/v1/lake/accept-loss`: gives up the content of lost tables; leaves others alone.
pub async fn accept_loss(app: State<AppState>, query: RawQuery) -> Result<Response, ApiError> {
    begin(app, query, Work::AcceptLoss).await
}

async fn begin(
    State(app): State<AppState>,
    RawQuery(query): RawQuery,
    work: Work,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let params = LakeParams::parse(query.as_deref())?;
    let mut targets = targets(engine, &params).await?;
    targets.retain(|target| match work {
        Work::Flush => target.buffered_rows > 0,
        Work::Upkeep(_) | Work::AcceptLoss => target.is_stored,
    });
    let (lines, receiver) = mpsc::channel(LINES_MAX);
    let tables = engine.tables.clone();
    // The work on a table is not interrupted if the client hangs up.
    engine.tables.run_aside(async move {
        if let Err(HungUp) = run(&tables, &targets, work, &lines).await {
            tracing::info!(
                "work on the tables ends early: the client that requested it has hung up"
            );
        }
    });
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let line: Bytes = receiver.recv().await?;
        Some((Ok::<_, Infallible>(line), receiver))
    });
    let kind = HeaderValue::from_static("application/x-ndjson");
    Ok(([(CONTENT_TYPE, kind)], Body::from_stream(pieces)).into_response())
}

async fn run(
    tables: &Flusher,
    targets: &[Target],
    work: Work,
    lines: &mpsc::Sender<Bytes>,
) -> Result<(), HungUp> {
    let first = First {
        tables: targets.len(),
    };
    tell(lines, &first).await?;
    let mut failed = 0;
    for target in targets {
        let (bucket, measurement) = (target.bucket.name.as_str(), target.measurement.as_str());
        if work == Work::Flush {
            // Waiting changes nothing, so it ends when the client hangs up.
            tokio::select! {
                () = tables.wait_for_removal(target.bucket.id) => {}
                () = lines.closed() => return Err(HungUp),
            }
        }
        match one(tables, target, work).await {
            Ok(counts) => {
                let done = Done {
                    bucket,
                    measurement,
                    files_removed: counts.files_removed,
                    files_added: counts.files_added,
                    bytes_added: counts.bytes_added,
                };
                tell(lines, &done).await?;
            }
            Err(error) => {
                failed += 1;
                tracing::warn!(bucket, table = measurement, %error, "requested work on a table failed");
                let told = Failed {
                    bucket,
                    measurement,
                    error: told(&tables.lake().location(), &error),
                };
                tell(lines, &told).await?;
            }
        }
    }
    tell(lines, &Last { done: true, failed }).await
}

async fn one(tables: &Flusher, target: &Target, work: Work) -> Result<UpkeepCounts, LakeError> {
    let Target {
        bucket,
        measurement,
        ..
    } = target;
    match work {
        Work::Flush => {
            let flushed = tables.flush_table(&bucket.table(measurement)).await?;
            Ok(UpkeepCounts {
                files_removed: 0,
                files_added: flushed.files,
                bytes_added: flushed.bytes,
            })
        }
        Work::AcceptLoss => {
            tables.lake().accept_loss(bucket, measurement).await?;
            Ok(UpkeepCounts::default())
        }
        Work::Upkeep(what) => tables.lake().upkeep(bucket, measurement, what).await,
    }
}

async fn tell(lines: &mpsc::Sender<Bytes>, line: &impl Serialize) -> Result<(), HungUp> {
    let mut line = serde_json::to_vec(line).certain("a line is a struct of plain values");
    line.push(b'\n');
    lines.send(Bytes::from(line)).await.map_err(|_| HungUp)
}
