//! The requests of v2 clients beside writing: buckets, organizations, set-up. They are read-only;
//! management has endpoints of its own (contract section 3).

use axum::extract::{Extension, RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;
use serde_json::json;

use crate::api::AppState;
use crate::api::error::ApiError;
use crate::api::json::answer;
use crate::api::params::BucketsParams;
use crate::auth::Identity;
use crate::catalog::Bucket;

/// The id of the one organization: organizations are ignored, whatever a client calls them.
const ORG_ID: &str = "0000000000000001";
const ORG_NAME: &str = "tidegate";

#[derive(Serialize)]
struct Buckets<'a> {
    buckets: Vec<BucketResource<'a>>,
}

#[derive(Serialize)]
struct Orgs {
    orgs: [Org; 1],
}

#[derive(Serialize)]
struct Org {
    id: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketResource<'a> {
    id: String,
    #[serde(rename = "orgID")]
    org_id: &'static str,
    name: &'a str,
    r#type: &'static str,
    retention_rules: Vec<RetentionRule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RetentionRule {
    r#type: &'static str,
    every_seconds: i64,
}

impl<'a> BucketResource<'a> {
    fn of(bucket: &'a Bucket) -> Self {
        let rule = |retention_ns: i64| RetentionRule {
            r#type: "expire",
            every_seconds: retention_ns / 1_000_000_000,
        };
        Self {
            id: bucket.id.to_string(),
            org_id: ORG_ID,
            name: &bucket.name,
            r#type: "user",
            retention_rules: bucket.retention_ns.into_iter().map(rule).collect(),
        }
    }
}

/// `GET /api/v2/buckets`: the buckets that the token may read or write, as if no others existed.
/// They are ordered by name, and in pages if requested: a client that requests pages until one is
/// short would never end if it got the same one again.
pub async fn buckets(
    State(app): State<AppState>,
    Extension(identity): Extension<Identity>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let engine = app.ready()?;
    let params = BucketsParams::parse(query.as_deref())?;
    let buckets = engine.catalog.buckets();
    let seen = buckets.iter().filter(|bucket| {
        let is_named = |name: &String| *name == bucket.name;
        let has_id = |id: &String| *id == bucket.id.to_string();
        identity.may_see(&bucket.name)
            && params.name.as_ref().is_none_or(is_named)
            && params.id.as_ref().is_none_or(has_id)
    });
    let mut seen: Vec<_> = seen.map(|bucket| BucketResource::of(bucket)).collect();
    if let Some(after) = &params.after {
        let place = seen.iter().position(|bucket| bucket.id == *after);
        seen.drain(..place.map_or(seen.len(), |place| place + 1));
    }
    seen.drain(..params.offset.min(seen.len()));
    seen.truncate(params.limit.unwrap_or(usize::MAX));
    Ok(answer(StatusCode::OK, &Buckets { buckets: seen }))
}

/// `GET /api/v2/orgs`.
pub async fn orgs(State(app): State<AppState>) -> Result<Response, ApiError> {
    app.ready()?;
    let org = Org {
        id: ORG_ID,
        name: ORG_NAME,
    };
    Ok(answer(StatusCode::OK, &Orgs { orgs: [org] }))
}

/// `GET /api/v2/setup`: there is nothing to set up.
pub async fn setup() -> Response {
    answer(StatusCode::OK, &json!({ "allowed": false }))
}
