//! `GET /metrics`: a snapshot of the gauges, with the counters.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

use super::AppState;
use crate::narrow;
use crate::telemetry::{Exposition, Gauges};

/// The endpoint.
pub async fn metrics(State(app): State<AppState>, headers: HeaderMap) -> Response {
    let accepted = headers.get_all(ACCEPT).iter();
    let accepted: Vec<&str> = accepted.filter_map(|accept| accept.to_str().ok()).collect();
    let exposition = Exposition::of(&accepted.join(","));
    let text = app.metrics().encode(&gauges(&app), exposition);
    let kind = HeaderValue::from_static(exposition.content_type());
    ([(CONTENT_TYPE, kind)], text).into_response()
}

fn gauges(app: &AppState) -> Gauges {
    let (budget, marks, config) = (app.budget(), app.budget().marks(), app.config());
    let mut gauges = Gauges {
        connections_max: narrow::to_u64(config.connection.connections_max),
        memory_used_bytes: budget.used_bytes(),
        memory_soft_bytes: marks.soft_bytes,
        memory_hard_bytes: marks.hard_bytes,
        memory_budget_bytes: marks.budget_bytes,
        buckets_max: narrow::to_u64(config.limits.buckets_max),
        exports_max: narrow::to_u64(config.export.concurrent_max),
        queries_max: narrow::to_u64(config.query.concurrent_max),
        query_memory_bytes_max: config.query_bytes_max(),
        bucket_bytes_max: config.memory.bucket_bytes_max(),
        wal_bytes_max: config.wal.log_bytes_max,
        ..Gauges::default()
    };
    if let Some(engine) = app.engine() {
        gauges.ready = 1;
        gauges.healthy = u64::from(engine.ingest.health().is_ok());
        gauges.buckets = narrow::to_u64(engine.catalog.buckets().len());
        let buffer = engine.ingest.buffer().stats();
        gauges.buffer_tables = buffer.tables;
        gauges.buffer_series = buffer.series;
        gauges.buffer_rows = buffer.rows;
        gauges.buffer_segments = buffer.frozen_segments;
        gauges.buffer_active_bytes = buffer.active_bytes;
        gauges.buffer_frozen_bytes = buffer.frozen_bytes;
        gauges.flush_backlog_rows = buffer.rows;
        gauges.flush_lag_seconds = engine.ingest.lag().as_secs();
        let log = engine.ingest.log_stats();
        gauges.wal_bytes = log.log_bytes;
        gauges.wal_segments = narrow::to_u64(log.segments);
        gauges.wal_backlog_bytes = log.backlog_bytes;
        gauges.wal_durable_sequence = log.durable.0;
        gauges.exports_running = narrow::to_u64(engine.exporter.exports_running());
        #[cfg(feature = "query")]
        {
            gauges.queries_running = narrow::to_u64(engine.queries.running());
            gauges.queries_waiting = narrow::to_u64(engine.queries.waiting());
            gauges.query_memory_used_bytes = narrow::to_u64(engine.queries.memory_used_bytes());
        }
    }
    gauges
}
