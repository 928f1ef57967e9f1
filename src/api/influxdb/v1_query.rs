//! `/query`: statements of InfluxQL, answered as InfluxDB 1.x answers them (query contract, section 8).
//!
//! ```text
//! parameters > statements > may its databases be made? > status > statement > statement > …
//! ```
//!
//! The error of a statement is in its result, in an answer with status 200: clients of v1 take any
//! other status for a broken server, and some then drop what they were about to write. The exceptions
//! are a request that cannot be parsed (400), a database that the token may not create (403: otherwise
//! Telegraf tries again before each write), and transient faults (503) as long as nothing was sent.
//!
//! `GET` carries out statements that write, too, as in 1.x, and warns; `HEAD` never does anything.

mod asked;
mod results;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};
use tidegate_query::influxql::answer::{Format, failure};
use tidegate_query::influxql::ast::{Query, Show, Statement};
use tokio::runtime::Handle;

use super::pieces;
use crate::api::AppState;
use crate::api::error::ApiError;
use crate::api::influxql::{Names, Session, may_create_database};
use crate::api::peer::WhileThere;
use crate::auth::Identity;

use asked::Asked;
use results::Results;

/// The endpoint.
pub async fn query(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    let format = format(&head.headers);
    match answer(&app, &identity, &head, body, format).await {
        Ok(response) => response,
        Err(error) => refusal(error, format, asked::is_pretty(head.uri.query())),
    }
}

/// The format that the client asks for.
fn format(headers: &HeaderMap) -> Format {
    let accepted = headers.get_all(ACCEPT).iter();
    Format::accepted(accepted.filter_map(|value| value.to_str().ok()))
}

async fn answer(
    app: &AppState,
    identity: &Identity,
    head: &Parts,
    body: Body,
    format: Format,
) -> Result<Response, ApiError> {
    let session = Session::new(app, identity, Names::Policies, "v1")?;
    let asked = Asked::read(app, head, body).await?;
    let Query { statements } = asked.statements;
    for statement in &statements {
        if let Statement::CreateDatabase(new) = statement {
            may_create_database(&session, &new.name)?;
        }
    }
    let content_type = HeaderValue::from_static(format.content_type());
    if head.method == Method::HEAD {
        return Ok([(CONTENT_TYPE, content_type)].into_response());
    }
    let presence = head.extensions.get::<WhileThere>();
    let only_reads = statements.iter().all(Statement::reads_only);
    // Who wants to know what keeps the threads of questions busy, or to end it, must not wait for them.
    let asks_what_runs = statements.iter().all(|statement| match statement {
        Statement::Show(show) => **show == Show::Queries,
        statement => matches!(statement, Statement::KillQuery { .. }),
    });
    let waiter = session.engine().queries.waiter();
    let results = Results {
        options: asked.request.options(format),
        warns: head.method != Method::POST,
        presence: presence.filter(|_| only_reads).map(WhileThere::hold),
        session: session
            .within(asked.request.database, asked.request.retention_policy)
            .attended(waiter.presence()),
        statements,
    };
    let threads = match asks_what_runs {
        true => Handle::current(),
        false => results.session.engine().queries.threads(),
    };
    let begun = pieces::begin(results, &threads);
    let pieces = waiter.in_time(begun).await?.awaited(waiter);
    Ok(([(CONTENT_TYPE, content_type)], Body::new(pieces)).into_response())
}

/// An error of the request as a whole, in the format that was asked for.
fn refusal(error: ApiError, format: Format, pretty: bool) -> Response {
    match (format, pretty) {
        (Format::Json, false) => error.into_response(),
        _ => error.into_response_of(format.content_type(), |code, text| {
            failure(format, pretty, code, text)
        }),
    }
}
