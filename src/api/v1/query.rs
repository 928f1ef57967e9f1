//! `/query`: the statements with which clients make sure of their database. Everything else that
//! InfluxQL can do is not here yet, and is told so.

use std::collections::BTreeSet;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;

use super::influxql::{Statement, statement};
use super::write::find;
use crate::api::error::{ApiError, Code};
use crate::api::fallback::no_query;
use crate::api::json::{answer, read_text};
use crate::api::params::statement_of;
use crate::api::{App, Engine, blocking, bucket};
use crate::auth::Identity;

const ONLY: &str = "of InfluxQL only CREATE DATABASE and SHOW DATABASES are implemented";

#[derive(Serialize)]
struct Results<'a> {
    results: [Outcome<'a>; 1],
}

/// What became of a statement.
#[derive(Default, Serialize)]
struct Outcome<'a> {
    statement_id: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<[Series<'a>; 1]>,
}

#[derive(Serialize)]
struct Series<'a> {
    name: &'static str,
    columns: [&'static str; 1],
    values: Vec<[&'a str; 1]>,
}

/// The endpoint.
pub async fn query(
    State(app): State<App>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let (head, body) = request.into_parts();
    let form = if is_form(&head.headers) {
        read_text(&app, &head.headers, body).await?
    } else {
        String::new()
    };
    let text = statement_of(head.uri.query(), &form)?;
    match statement(&text) {
        Some(Statement::CreateDatabase(_)) if head.method != Method::POST => {
            let text = "CREATE DATABASE changes something: send it with POST";
            Err(ApiError::new(Code::Invalid, text))
        }
        Some(Statement::CreateDatabase(name)) => {
            create(&app, engine, &identity, name).await?;
            Ok(results(Outcome::default()))
        }
        Some(Statement::ShowDatabases) => Ok(show_databases(engine, &identity)),
        None => Err(no_query(ONLY)),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Makes the bucket unless the database is there, under whichever name writes to it find it. Who
/// may not write to it gets no hint of which it was.
async fn create(
    app: &App,
    engine: &Engine,
    identity: &Identity,
    name: String,
) -> Result<(), ApiError> {
    let may_create = app.config().server.auto_create_buckets || identity.may_manage();
    let found = find(engine, &name, "");
    if !identity.may_write(found.as_ref().map_or(&name, |bucket| &bucket.name)) {
        return Err(bucket::forbidden());
    }
    if found.is_some() {
        return Ok(());
    }
    if !may_create {
        let text = "insufficient permissions: buckets are created by an operator \
                    (server.auto_create_buckets is off)";
        return Err(ApiError::new(Code::Forbidden, text));
    }
    bucket::valid_name(&name)?;
    let catalog = engine.catalog.clone();
    blocking(move || catalog.create_bucket(&name, None)).await??;
    Ok(())
}

/// The databases that the token may see: buckets without the name of the default policy.
fn show_databases(engine: &Engine, identity: &Identity) -> Response {
    let buckets = engine.catalog.buckets();
    let seen = buckets
        .iter()
        .filter(|bucket| identity.may_see(&bucket.name));
    let names: BTreeSet<&str> = seen
        .map(|bucket| {
            let name = bucket.name.as_str();
            name.strip_suffix("/autogen").unwrap_or(name)
        })
        .collect();
    let series = Series {
        name: "databases",
        columns: ["name"],
        values: names.into_iter().map(|name| [name]).collect(),
    };
    results(Outcome {
        series: Some([series]),
        ..Outcome::default()
    })
}

fn results(outcome: Outcome<'_>) -> Response {
    let results = [outcome];
    answer(StatusCode::OK, &Results { results })
}
