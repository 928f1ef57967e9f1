//! `GET` and `POST /api/v3/query_influxql`: one statement of InfluxQL that reads, answered as rows
//! (query contract, section 7).
//!
//! ```text
//! parameters > statement > bucket and permission > answer > first piece > status > the other pieces
//! ```
//!
//! A database is a bucket of this very name. What holds for questions in SQL about status, failures
//! and clients that go away holds here.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use serde_json::Value;
use tidegate_query::influxql::Binding;

use super::pieces;
use super::v3_query::{accept, content_type};
use crate::api::error::ApiError;
use crate::api::influxql::{Names, Session, one};
use crate::api::json::read_json_if_any;
use crate::api::params::{GivenSql, SqlParams};
use crate::api::{AppState, bucket};
use crate::auth::Identity;
use crate::render::renderer;

/// The endpoint.
pub async fn query_influxql(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<Response, ApiError> {
    let session = Session::new(&app, &identity, Names::Buckets, "http")?;
    let (head, body) = request.into_parts();
    let mut given = GivenSql::of_query(head.uri.query())?;
    if head.method == Method::POST {
        let more = read_json_if_any(&app, &head.headers, body).await?;
        given = given.and(more.unwrap_or_default())?;
    }
    let (database, asked) = given.complete_influxql()?;
    let SqlParams {
        text,
        format,
        values,
        ..
    } = asked;
    let format = format.map_or_else(|| accept::format(&head.headers), Ok)?;
    let values = values.into_iter();
    let values: HashMap<_, _> = values.map(|(name, value)| (name, binding(value))).collect();
    let statement = one(&text, values)?;
    if let Some(name) = &database {
        let found = session.engine().catalog.bucket_named(name);
        bucket::to_read(&identity, found, name, || bucket::database_not_found(name))?;
    }
    let threads = session.engine().queries.threads();
    let waiter = session.engine().queries.waiter();
    let session = session.within(database, None).attended(waiter.presence());
    let begun = async {
        let (schema, batches) = session.table_of_v3(&statement).await?;
        let renderer = renderer(format, &schema)?;
        Ok::<_, ApiError>(pieces::begin_rows(batches, renderer, &threads).await?)
    };
    let pieces = waiter.in_time(begun).await?.awaited(waiter);
    let content_type = HeaderValue::from_static(content_type(format));
    Ok(([(CONTENT_TYPE, content_type)], Body::new(pieces)).into_response())
}

fn binding(value: Value) -> Binding {
    match value {
        Value::String(text) => Binding::String(text),
        Value::Bool(value) => Binding::Boolean(value),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(value), _) => Binding::Integer(value),
            (None, Some(value)) => Binding::Float(value),
            (None, None) => Binding::Invalid(format!("{number} is too large a number")),
        },
        // Lists and objects were refused with the parameters.
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Binding::Invalid("null cannot be bound in InfluxQL".to_owned())
        }
    }
}
