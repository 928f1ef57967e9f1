//! The tables that a request is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::told::told;
use crate::api::bucket;
use crate::api::error::{ApiError, Code};
use crate::api::params::LakeParams;
use crate::catalog::Bucket;
use crate::engine::Engine;
use crate::lake::{Lake, LakeError};

/// A table that is meant.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) bucket: Arc<Bucket>,
    pub(super) measurement: String,
    /// True if it is in the lake; it may have only buffered rows.
    pub(super) is_stored: bool,
    pub(super) buffered_rows: u64,
}

/// The tables that are meant, by bucket and measurement: those in the lake, and those that have
/// only buffered rows. A name without a table is an error: it is misspelt.
pub(super) async fn targets(engine: &Engine, params: &LakeParams) -> Result<Vec<Target>, ApiError> {
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
pub(super) fn refused(lake: &Lake, error: &LakeError) -> ApiError {
    tracing::warn!(%error, "the tables cannot be used now");
    let told = told(&lake.location(), error);
    match error.is_transient() {
        true => ApiError::unavailable(format!("the tables cannot be used now: {told}")),
        false => ApiError::new(Code::Internal, told),
    }
}
