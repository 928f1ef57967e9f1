//! `GET /api/v1/export`: the stored points as line protocol, Arrow or CSV (contract section 3.4).
//!
//! The exporter bounds how many exports run, how much memory they hold, and how slowly a client may
//! take them. An export that does not reach its end breaks the connection, so that no client takes
//! a part for the whole.

use axum::body::Body;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::api::error::ApiError;
use crate::api::params::ExportParams;
use crate::api::{AppState, bucket};
use crate::auth::Identity;
use crate::export::{ExportQuery, Format};

/// The endpoint.
pub async fn export(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let params = ExportParams::parse(query.as_deref())?;
    let found = bucket::find(engine, &params.bucket);
    let missing = || bucket::not_found(&params.bucket);
    let found = bucket::to_read(&identity, found, &params.bucket, missing)?;
    let ExportParams {
        measurement,
        start_ns,
        end_ns,
        format,
        ..
    } = params;
    let query = ExportQuery {
        measurement,
        start_ns,
        end_ns,
        format,
    };
    let pieces = engine.exporter.export(&found, query).await?;
    let content_type = HeaderValue::from_static(content_type(format));
    Ok(([(CONTENT_TYPE, content_type)], Body::from_stream(pieces)).into_response())
}

fn content_type(format: Format) -> &'static str {
    match format {
        Format::Lp => "text/plain; charset=utf-8",
        Format::Arrow => "application/vnd.apache.arrow.stream",
        Format::Csv => "text/csv; charset=utf-8; header=present",
    }
}
