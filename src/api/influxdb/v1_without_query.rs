//! `/query` in a build without the query engine, and so without the parser of InfluxQL: the statements
//! with which clients ensure that their database exists before they write. The result of any other
//! one says what to use instead.
//!
//! The error of a statement is in its result, in an answer with status 200, as in InfluxDB 1.x:
//! clients of v1 take any other status for a broken server, and some then drop what they were about
//! to write. The exceptions are a request that cannot be parsed (400), a database that the token
//! may not create (403: otherwise Telegraf tries again before each write), and transient faults
//! (503).
//!
//! `GET` creates a database, too, as in 1.x; `HEAD` never does.

use std::collections::BTreeSet;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;

use super::statements::{Other, Statement, statements};
use crate::api::blocking::blocking;
use crate::api::database::{find, parts};
use crate::api::error::{ApiError, Code};
use crate::api::json::{answer, read_text};
use crate::api::params::statement_of;
use crate::api::{AppState, bucket};
use crate::auth::Identity;
use crate::engine::Engine;

#[derive(Serialize)]
struct Results {
    results: Vec<Outcome>,
}

/// The outcome of a statement.
#[derive(Default, Serialize)]
struct Outcome {
    statement_id: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<[Series; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<[Message; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Series {
    name: &'static str,
    columns: [&'static str; 1],
    values: Vec<[String; 1]>,
}

#[derive(Serialize)]
struct Message {
    level: &'static str,
    text: String,
}

/// The endpoint.
pub async fn query(
    State(app): State<AppState>,
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
    let asked = statements(&text);
    let asked = asked.map_err(|error| ApiError::new(Code::Invalid, error.to_string()))?;
    let create = |statement: &Statement| match statement {
        Statement::CreateDatabase(name) => may_create(&app, engine, &identity, name),
        Statement::ShowDatabases | Statement::Other(_) => Ok(()),
    };
    asked.iter().try_for_each(create)?;
    let mut results = Vec::with_capacity(asked.len());
    for statement in asked {
        let failed = results
            .iter()
            .any(|outcome: &Outcome| outcome.error.is_some());
        let outcome = match failed {
            true => Outcome::failed("not executed"),
            false => carry_out(statement, engine, &identity, &head.method).await?,
        };
        let statement_id = results.len();
        results.push(Outcome {
            statement_id,
            ..outcome
        });
    }
    Ok(answer(StatusCode::OK, &Results { results }))
}

async fn carry_out(
    statement: Statement,
    engine: &Engine,
    identity: &Identity,
    method: &Method,
) -> Result<Outcome, ApiError> {
    match statement {
        // A request for the head of an answer changes nothing.
        Statement::CreateDatabase(_) if *method == Method::HEAD => Ok(Outcome::default()),
        Statement::CreateDatabase(name) => {
            let warning = (method != Method::POST).then(|| [deprecated(&name)]);
            let outcome = create(engine, name).await?;
            Ok(Outcome {
                messages: warning,
                ..outcome
            })
        }
        Statement::ShowDatabases => Ok(show_databases(engine, identity)),
        Statement::Other(other) => Ok(Outcome::failed(instead(other))),
    }
}

impl Outcome {
    fn failed(error: impl Into<String>) -> Self {
        Self {
            error: Some(error.into()),
            ..Self::default()
        }
    }
}

/// The message of 1.x about a statement that changes something and was sent with `GET`.
fn deprecated(name: &str) -> Message {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let bare = name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit());
    let name = match bare {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('\\', r"\\").replace('"', "\\\"")),
    };
    Message {
        level: "warning",
        text: format!(
            "deprecated use of 'CREATE DATABASE {name}' in a read only context, please use a POST \
             request instead"
        ),
    }
}

/// The text for a statement that is not executed, with what to use instead.
fn instead(other: Other) -> &'static str {
    match other {
        Other::CreateDatabaseWith => {
            "CREATE DATABASE … WITH is not supported yet: create the bucket with its retention by \
             `tidegate bucket create --retention` or POST /api/v1/buckets"
        }
        Other::DropDatabase => {
            "DROP DATABASE is not supported yet: use `tidegate bucket delete` or \
             DELETE /api/v1/buckets/{name}"
        }
        Other::CreateRetentionPolicy => {
            "CREATE RETENTION POLICY is not supported yet: a policy is a bucket db/rp; create it \
             by `tidegate bucket create --retention` or POST /api/v1/buckets"
        }
        Other::AlterRetentionPolicy => {
            "ALTER RETENTION POLICY is not supported yet: use `tidegate bucket update --retention` \
             or PATCH /api/v1/buckets/{name}"
        }
        Other::DropRetentionPolicy => {
            "DROP RETENTION POLICY is not supported yet: a policy is a bucket db/rp; use \
             `tidegate bucket delete` or DELETE /api/v1/buckets/{name}"
        }
        Other::Delete => {
            "deleting points is not supported yet: give the bucket a retention period, or delete \
             the bucket"
        }
        Other::Read => READ,
        Other::Administration => {
            "this statement is not supported: tokens and buckets are managed by `tidegate token`, \
             `tidegate bucket`, or /api/v1/tokens and /api/v1/buckets"
        }
    }
}

/// The text for a statement that reads.
const READ: &str = "this query is not supported, as the server was built without queries: read with \
                    GET /api/v1/export?bucket=&measurement=&start=&end=&format=lp|arrow|csv";

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(http::header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split_once(';').map_or(kind, |(kind, _)| kind).trim();
    kind.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Returns true if the token may create the database, or write to it if it exists under any name by
/// which writes find it. A token that may not gets no hint which of the two it was.
fn may_create(
    app: &AppState,
    engine: &Engine,
    identity: &Identity,
    name: &str,
) -> Result<(), ApiError> {
    let may_create = app.config().server.auto_create_buckets || identity.may_manage();
    let found = find(&engine.catalog, name, "");
    if !identity.may_write(found.as_ref().map_or(name, |bucket| &bucket.name)) {
        return Err(bucket::forbidden());
    }
    if found.is_none() && !may_create {
        let text = "insufficient permissions: buckets are created by an operator \
                    (server.auto_create_buckets is off)";
        return Err(ApiError::new(Code::Forbidden, text));
    }
    Ok(())
}

/// Creates the bucket unless the database exists.
async fn create(engine: &Engine, name: String) -> Result<Outcome, ApiError> {
    if find(&engine.catalog, &name, "").is_some() {
        return Ok(Outcome::default());
    }
    let catalog = engine.catalog.clone();
    let create = async {
        bucket::valid_name(&name)?;
        blocking(move || catalog.create_bucket(&name, None)).await??;
        Ok::<_, ApiError>(Outcome::default())
    };
    match create.await {
        // Another request was faster: the database exists.
        Err(error) if error.code() == Code::Conflict => Ok(Outcome::default()),
        Err(error) if error.code() == Code::Invalid => Ok(Outcome::failed(error.message())),
        outcome => outcome,
    }
}

/// The databases that the token may see.
fn show_databases(engine: &Engine, identity: &Identity) -> Outcome {
    let buckets = engine.catalog.buckets();
    let seen = buckets
        .iter()
        .filter(|bucket| identity.may_see(&bucket.name));
    let names: BTreeSet<&str> = seen.map(|bucket| parts(&bucket.name).0).collect();
    let series = Series {
        name: "databases",
        columns: ["name"],
        values: names.into_iter().map(|name| [name.to_owned()]).collect(),
    };
    Outcome {
        series: Some([series]),
        ..Outcome::default()
    }
}
