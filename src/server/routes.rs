//! The one route table. The methods of a route, whether it requires a token, and the dialect of its
//! errors are properties of its row.

use axum::Router;
use axum::routing::{MethodRouter, delete, get, patch, post};

use crate::api::influxdb::{v1_query, v1_write, v2, v2_write, v3_write};
#[cfg(feature = "query")]
use crate::api::influxdb::{v3_influxql, v3_query};
#[cfg(feature = "lake")]
use crate::api::tidegate::lake;
use crate::api::tidegate::{buckets, export, tokens};
use crate::api::{AppState, Dialect, fallback, health, metrics};
use crate::auth::{AuthLayer, Forms};

#[cfg(feature = "query")]
use super::flight;
use super::layers::{Door, Matched, Refusals};

/// The clients that may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Open,
    /// Holders of a token, if `server.metrics_require_auth` is set; otherwise everyone.
    OpenUnlessConfigured,
    /// Holders of a token. The endpoint decides what the token must permit.
    Token,
    /// Holders of an operator token.
    Operator,
}

/// What the requests of a route hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Neither of the others.
    Plain,
    /// Statements. What is wrong with one quotes it, and it may hold secrets.
    Statements,
    /// Statements that only read: nobody but the peer needs the answer, and the work ends with it.
    Questions,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Its pattern.
    pub path: &'static str,
    /// The methods that it answers. A route with GET also answers HEAD.
    pub verbs: &'static [&'static str],
    /// The clients that may call it.
    pub access: Access,
    /// The form of its errors, which also decides the credentials that it accepts.
    pub dialect: Dialect,
    /// What its requests hold.
    pub content: Content,
    /// The handlers of its methods.
    methods: fn() -> MethodRouter<AppState>,
}

use Access::{Open, OpenUnlessConfigured, Operator, Token};

/// All paths of the server.
pub const ROUTES: &[Route] = &[
    route("/api/v2/write", &["POST"], Token, || post(v2_write::write)),
    route("/api/v2/buckets", &["GET"], Token, || get(v2::buckets)),
    route("/api/v2/orgs", &["GET"], Token, || get(v2::orgs)),
    route("/api/v2/setup", &["GET"], Open, || get(v2::setup)),
    route("/api/v2/delete", &["POST"], Token, || {
        post(fallback::delete)
    }),
    route("/api/v2/query", &["GET", "POST"], Token, no_query).holding(Content::Statements),
    route("/api/v3/query_sql", &["GET", "POST"], Token, query_sql)
        .speaking(Dialect::V3)
        .holding(Content::Questions),
    route(
        "/api/v3/query_influxql",
        &["GET", "POST"],
        Token,
        query_influxql,
    )
    .speaking(Dialect::V3)
    .holding(Content::Questions),
    route("/write", &["POST"], Token, || post(v1_write::write)).speaking(Dialect::V1),
    route("/query", &["GET", "POST"], Token, || {
        get(v1_query::query).post(v1_query::query)
    })
    .speaking(Dialect::V1Query)
    .holding(Content::Statements),
    route("/api/v3/write_lp", &["POST"], Token, || {
        post(v3_write::write_lp)
    })
    .speaking(Dialect::V3),
    route("/api/v1/export", &["GET"], Token, || get(export::export)),
    route("/api/v1/tokens", &["GET", "POST"], Operator, || {
        get(tokens::list).post(tokens::create)
    }),
    route("/api/v1/tokens/{id}", &["DELETE"], Operator, || {
        delete(tokens::revoke)
    }),
    route("/api/v1/buckets", &["GET", "POST"], Operator, || {
        get(buckets::list).post(buckets::create)
    }),
    route(
        "/api/v1/buckets/{name}",
        &["PATCH", "DELETE"],
        Operator,
        || patch(buckets::update).delete(buckets::delete),
    ),
    route("/api/v1/buckets/{name}/hidden", &["GET"], Operator, || {
        get(buckets::hidden)
    }),
    #[cfg(feature = "lake")]
    route("/api/v1/lake", &["GET"], Operator, || get(lake::status)),
    #[cfg(feature = "lake")]
    route("/api/v1/lake/flush", &["POST"], Operator, || {
        post(lake::flush)
    }),
    #[cfg(feature = "lake")]
    route("/api/v1/lake/compact", &["POST"], Operator, || {
        post(lake::compact)
    }),
    #[cfg(feature = "lake")]
    route("/api/v1/lake/vacuum", &["POST"], Operator, || {
        post(lake::vacuum)
    }),
    #[cfg(feature = "lake")]
    route("/api/v1/lake/accept-loss", &["POST"], Operator, || {
        post(lake::accept_loss)
    }),
    #[cfg(feature = "lake")]
    route("/api/v1/lake/trust-clock", &["POST"], Operator, || {
        post(lake::trust_clock)
    }),
    route("/ping", &["GET"], Open, || get(health::ping)),
    route("/health", &["GET"], Open, || get(health::health)),
    route("/api/v2/health", &["GET"], Open, || get(health::health)),
    route("/ready", &["GET"], Open, || get(health::ready)),
    route("/api/v2/ready", &["GET"], Open, || get(health::ready)),
    route("/metrics", &["GET"], OpenUnlessConfigured, || {
        get(metrics::metrics)
    }),
];

fn no_query() -> MethodRouter<AppState> {
    get(fallback::query).post(fallback::query)
}

#[cfg(feature = "query")]
fn query_sql() -> MethodRouter<AppState> {
    get(v3_query::query_sql).post(v3_query::query_sql)
}

#[cfg(feature = "query")]
fn query_influxql() -> MethodRouter<AppState> {
    get(v3_influxql::query_influxql).post(v3_influxql::query_influxql)
}

#[cfg(not(feature = "query"))]
use {no_query as query_influxql, no_query as query_sql};

const fn route(
    path: &'static str,
    verbs: &'static [&'static str],
    access: Access,
    methods: fn() -> MethodRouter<AppState>,
) -> Route {
    Route {
        path,
        verbs,
        access,
        dialect: Dialect::V2,
        content: Content::Plain,
        methods,
    }
}

impl Route {
    const fn speaking(self, dialect: Dialect) -> Self {
        Self { dialect, ..self }
    }

    const fn holding(self, content: Content) -> Self {
        Self { content, ..self }
    }
}

/// The table as a router, without the layers that all routes share.
pub(super) fn router(app: &AppState) -> Router<AppState> {
    let mut router = Router::new();
    let refusals = Refusals::default();
    for row in ROUTES {
        let methods = (row.methods)();
        let methods = if asks_for_token(row.access, app) {
            methods.route_layer(AuthLayer::new(door(row, app, &refusals)))
        } else {
            methods
        };
        router = router.route(row.path, methods);
    }
    router
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
}

/// Returns what the layers ask about the route of this pattern. Without a route, the pattern is
/// `unmatched`, so that paths which clients make up do not become time series; a missing path of v3
/// is refused in the dialect of v3.
pub(super) fn matched(app: &AppState, pattern: Option<&str>, path: &str) -> Matched {
    #[cfg(feature = "query")]
    if path.starts_with(flight::PATHS) {
        return Matched {
            pattern: flight::PATTERN,
            dialect: Dialect::Grpc,
            holds_statements: true,
            asks_for_credential: !app.config().server.without_auth,
        };
    }
    let unmatched = match path.starts_with("/api/v3/") {
        true => Dialect::V3,
        false => Dialect::V2,
    };
    match ROUTES.iter().find(|row| Some(row.path) == pattern) {
        None => Matched {
            pattern: "unmatched",
            dialect: unmatched,
            holds_statements: false,
            asks_for_credential: false,
        },
        Some(row) => Matched {
            pattern: row.path,
            dialect: row.dialect,
            holds_statements: row.content != Content::Plain,
            asks_for_credential: !app.config().server.without_auth
                && asks_for_token(row.access, app),
        },
    }
}

/// Returns true for the path of requests that are nothing but work for their answer.
pub(super) fn are_questions(path: &str) -> bool {
    #[cfg(feature = "query")]
    if path.starts_with(flight::PATHS) {
        return true;
    }
    let mut questions = ROUTES
        .iter()
        .filter(|row| row.content == Content::Questions);
    questions.any(|row| row.path == path)
}

fn door(row: &Route, app: &AppState, refusals: &Refusals) -> Door {
    let forms = match row.dialect {
        Dialect::V1 | Dialect::V1Query => Forms::HeaderOrQuery,
        Dialect::V2 | Dialect::V3 | Dialect::Grpc => Forms::Header,
    };
    Door::new(app, refusals, forms, row.access == Operator)
}

fn asks_for_token(access: Access, app: &AppState) -> bool {
    match access {
        Open => false,
        OpenUnlessConfigured => app.config().server.metrics_require_auth,
        Token | Operator => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Content, ROUTES, are_questions};

    /// From a bug: the log knew these routes by the ends of their paths, and not all.
    #[test]
    fn a_route_that_takes_statements_says_so() {
        for row in ROUTES {
            let takes_statements = row.path.contains("query");
            assert_eq!(
                row.content != Content::Plain,
                takes_statements,
                "{}",
                row.path
            );
        }
        assert!(are_questions("/api/v3/query_sql"));
        assert!(are_questions("/api/v3/query_influxql"));
        assert!(!are_questions("/query"), "one of its statements may write");
    }
}
