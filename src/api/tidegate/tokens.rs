//! `/api/v1/tokens`: management of tokens, for operators (contract section 3.3). Every change is
//! durable before its answer and in force for the next request.

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::api::AppState;
use crate::api::blocking::blocking;
use crate::api::error::{ApiError, Code};
use crate::api::json::{answer, read_json, rfc3339};
use crate::auth::Identity;
use crate::catalog::{NewToken, Permissions, Scope, Token, TokenId, valid_bucket_name};

/// The most bytes of a description.
const DESCRIPTION_BYTES_MAX: usize = 1000;

/// The most buckets that a token names, each for reading and writing.
const NAMES_MAX: usize = 1000;

/// The body of a request for a token. `*` among the buckets means all of them, including later
/// ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Wanted {
    description: String,
    operator: bool,
    read: Vec<String>,
    write: Vec<String>,
    expires: Option<String>,
}

/// A token as it is shown. The secret is shown only once, when it is created.
#[derive(Serialize)]
struct Shown<'a> {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    description: &'a str,
    operator: bool,
    read: Vec<&'a str>,
    write: Vec<&'a str>,
    created: String,
    expires: Option<String>,
    /// True if the request was sent with it.
    in_use: bool,
}

#[derive(Serialize)]
struct List<'a> {
    tokens: Vec<Shown<'a>>,
}

impl<'a> Shown<'a> {
    fn of(token: &'a Token, secret: Option<&'a str>, used: Option<TokenId>) -> Self {
        let permissions = &token.permissions;
        Self {
            id: token.id.to_string(),
            token: secret,
            description: &token.description,
            operator: permissions.operator,
            read: names(&permissions.read),
            write: names(&permissions.write),
            created: rfc3339(token.created_ns),
            expires: token.expires_ns.map(rfc3339),
            in_use: used == Some(token.id),
        }
    }
}

fn names(scope: &Scope) -> Vec<&str> {
    match scope {
        Scope::Nothing => Vec::new(),
        Scope::All => vec!["*"],
        Scope::Buckets(names) => names.iter().map(String::as_str).collect(),
    }
}

/// `GET /api/v1/tokens`.
pub async fn list(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
) -> Result<Response, ApiError> {
    let tokens = app.ready()?.catalog.tokens();
    let used = identity.token_id();
    let tokens = tokens.iter().map(|token| Shown::of(token, None, used));
    let tokens = tokens.collect();
    Ok(answer(StatusCode::OK, &List { tokens }))
}

/// `POST /api/v1/tokens`: 201 with the secret, which is not shown again.
pub async fn create(State(app): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let catalog = app.ready()?.catalog.clone();
    let (head, body) = request.into_parts();
    let wanted: Wanted = read_json(&app, &head.headers, body).await?;
    let new = new_token(wanted, app.clock().now_ns())?;
    let made = blocking(move || catalog.create_token(new)).await?;
    let (secret, token) = made?;
    tracing::info!(token = token.id, "a token was created");
    let shown = Shown::of(&token, Some(secret.reveal()), None);
    Ok(answer(StatusCode::CREATED, &shown))
}

/// `DELETE /api/v1/tokens/{id}`.
pub async fn revoke(
    State(app): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let catalog = app.ready()?.catalog.clone();
    let Path(id) = id.map_err(|error| ApiError::new(Code::Invalid, error.body_text()))?;
    let unknown = || ApiError::new(Code::NotFound, format!("token \"{id}\" not found"));
    let id: TokenId = id.parse().map_err(|_| unknown())?;
    blocking(move || catalog.revoke_token(id)).await??;
    tracing::info!(token = id, "a token was revoked");
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn new_token(wanted: Wanted, now_ns: i64) -> Result<NewToken, ApiError> {
    let Wanted {
        description,
        operator,
        read,
        write,
        expires,
    } = wanted;
    let invalid = |text: &str| ApiError::new(Code::Invalid, text);
    if !operator && read.is_empty() && write.is_empty() {
        let text = "the token would permit nothing: set operator, or name buckets in read or write";
        return Err(invalid(text));
    }
    check_description(&description)?;
    check_names("read", &read)?;
    check_names("write", &write)?;
    let expires_ns = expires.as_deref().map(expiry_ns).transpose()?;
    if expires_ns.is_some_and(|expires_ns| expires_ns <= now_ns) {
        return Err(invalid("expires is in the past"));
    }
    let permissions = Permissions {
        operator,
        read: Scope::of(read.iter().map(String::as_str)),
        write: Scope::of(write.iter().map(String::as_str)),
    };
    Ok(NewToken {
        description,
        permissions,
        expires_ns,
    })
}

/// Checks a description, which is shown on terminals.
fn check_description(text: &str) -> Result<(), ApiError> {
    let bytes = text.len();
    let told = match () {
        () if bytes > DESCRIPTION_BYTES_MAX => {
            format!("description has {bytes} bytes, expected up to {DESCRIPTION_BYTES_MAX}")
        }
        () if text.chars().any(char::is_control) => {
            "description contains a control character".to_owned()
        }
        () => return Ok(()),
    };
    Err(ApiError::new(Code::Invalid, told))
}

/// Checks bucket names: a token for a bucket that can never exist is a mistake.
fn check_names(member: &str, names: &[String]) -> Result<(), ApiError> {
    let count = names.len();
    if count > NAMES_MAX {
        let told = format!("{member} names {count} buckets, expected up to {NAMES_MAX}, or \"*\"");
        return Err(ApiError::new(Code::Invalid, told));
    }
    for name in names.iter().filter(|name| *name != "*") {
        let invalid = |error| ApiError::new(Code::Invalid, format!("{member}: {error}"));
        valid_bucket_name(name).map_err(invalid)?;
    }
    Ok(())
}

fn expiry_ns(text: &str) -> Result<i64, ApiError> {
    let time = DateTime::parse_from_rfc3339(text).ok();
    let ns = time.and_then(|time| time.timestamp_nanos_opt());
    ns.ok_or_else(|| {
        let text = "expires is no time, expected RFC 3339 before the year 2262, for example \
                    2027-01-31T00:00:00Z";
        ApiError::new(Code::Invalid, text)
    })
}
