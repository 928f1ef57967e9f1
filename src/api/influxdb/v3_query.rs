//! `GET` and `POST /api/v3/query_sql`: questions in SQL (contract section 3.6).
//!
//! ```text
//! parameters > bucket and permission > question > answer > first piece > status > the other pieces
//! ```
//!
//! The status is decided once there is something to send, or nothing at all: clients take whatever
//! follows a 200 for the answer. A question that fails later breaks the connection, so that no
//! client takes a part for the whole. A client that goes away ends its question.

pub(super) mod accept;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use futures_util::stream::try_unfold;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::{Map, Value};
use tidegate_query::{Answer, Parameters, QueryError, ScalarValue};

use super::pieces;
use crate::api::asker::asker;
use crate::api::error::ApiError;
use crate::api::json::read_json_if_any;
use crate::api::params::{GivenSql, SqlParams};
use crate::api::{AppState, bucket};
use crate::auth::Identity;
use crate::render::{Format, renderer};

/// The endpoint.
pub async fn query_sql(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let (head, body) = request.into_parts();
    let mut given = GivenSql::of_query(head.uri.query())?;
    if head.method == Method::POST {
        let more = read_json_if_any(&app, &head.headers, body).await?;
        given = given.and(more.unwrap_or_default())?;
    }
    let asked = given.complete()?;
    let format = match asked.format {
        Some(format) => format,
        None => accept::format(&head.headers)?,
    };
    let SqlParams {
        db, text, values, ..
    } = asked;
    let found = engine.catalog.bucket_named(&db);
    let missing = || bucket::database_not_found(&db);
    let found = bucket::to_read(&identity, found, &db, missing)?;
    let waiter = engine.queries.waiter();
    let asker = asker(&identity, &found.name, "http", waiter.presence());
    let queries = engine.queries.clone();
    // Errors leave as what they are: the id of the request is known here alone.
    let begun = async move {
        let question = queries.ask(&found, &text, asker).await?;
        let question = question.bind(parameters(values))?;
        let renderer = renderer(format, &question.schema())?;
        let answer = question.run(Parameters::none()).await?;
        pieces::begin_rows(batches(answer), renderer, &queries.threads()).await
    };
    let begun = async { engine.queries.carry_out(begun).await? };
    let pieces = waiter.in_time(begun).await?.awaited(waiter);
    let content_type = HeaderValue::from_static(content_type(format));
    Ok(([(CONTENT_TYPE, content_type)], Body::new(pieces)).into_response())
}

/// The values by name. The longest number that JSON has is a float.
fn parameters(values: Map<String, Value>) -> Parameters {
    let values = values.into_iter();
    Parameters::Named(values.map(|(name, value)| (name, scalar(value))).collect())
}

fn scalar(value: Value) -> ScalarValue {
    match value {
        Value::Bool(value) => ScalarValue::Boolean(Some(value)),
        Value::String(text) => ScalarValue::Utf8(Some(text)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => ScalarValue::Int64(Some(integer)),
            (None, Some(integer)) => ScalarValue::UInt64(Some(integer)),
            (None, None) => ScalarValue::Float64(number.as_f64()),
        },
        // Lists and objects were refused with the parameters.
        Value::Null | Value::Array(_) | Value::Object(_) => ScalarValue::Null,
    }
}

fn batches(
    answer: Answer,
) -> impl Stream<Item = Result<arrow_array::RecordBatch, QueryError>> + Send + 'static {
    try_unfold(answer, |mut answer| async {
        let batch = answer.next_batch().await?;
        Ok(batch.map(|batch| (batch, answer)))
    })
}

pub(super) fn content_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Lines => "application/jsonl",
        Format::Csv => "text/csv",
        Format::Table => "text/plain; charset=utf-8",
        Format::Parquet => "application/vnd.apache.parquet",
        Format::Arrow => "application/vnd.apache.arrow.stream",
    }
}
