//! The one route table. Whether a route asks for a token is a property of its row.

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use http::HeaderMap;

use crate::api::error::ApiError;
use crate::api::{App, export, fallback, health, metrics, write};
use crate::auth::{AuthLayer, Gate, Identity, Refusal, identify};
use crate::clock;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Open,
    /// Holders of a token, if `server.metrics_require_auth` is set; otherwise everyone.
    OpenUnlessConfigured,
    /// Holders of a token. What it must permit is the endpoint's business.
    Token,
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Its pattern.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What answers which method.
    methods: fn() -> MethodRouter<App>,
}

/// Every path there is.
pub const ROUTES: &[Route] = &[
    route("/api/v2/write", Access::Token, || post(write::write)),
    route("/api/v2/delete", Access::Token, || post(fallback::delete)),
    route("/api/v2/query", Access::Token, || post(fallback::query)),
    route("/api/v1/export", Access::Token, || get(export::export)),
    route("/ping", Access::Open, || get(health::ping)),
    route("/health", Access::Open, || get(health::health)),
    route("/api/v2/health", Access::Open, || get(health::health)),
    route("/ready", Access::Open, || get(health::ready)),
    route("/api/v2/ready", Access::Open, || get(health::ready)),
    route("/metrics", Access::OpenUnlessConfigured, || {
        get(metrics::metrics)
    }),
];

const fn route(path: &'static str, access: Access, methods: fn() -> MethodRouter<App>) -> Route {
    Route {
        path,
        access,
        methods,
    }
}

/// The table as a router, without the layers that all routes share.
pub(super) fn router(app: &App) -> Router<App> {
    let mut router = Router::new();
    for row in ROUTES {
        let methods = (row.methods)();
        let methods = if asks_for_token(row.access, app) {
            methods.route_layer(AuthLayer::new(Door { app: app.clone() }))
        } else {
            methods
        };
        router = router.route(row.path, methods);
    }
    router
        .fallback(fallback::not_found)
        .method_not_allowed_fallback(fallback::method_not_allowed)
}

/// The pattern of a row as the metrics name it; `unmatched` for all else, so that paths which
/// clients make up do not become time series.
pub(super) fn pattern(matched: Option<&str>) -> &'static str {
    let row = ROUTES.iter().find(|row| Some(row.path) == matched);
    row.map_or("unmatched", |row| row.path)
}

fn asks_for_token(access: Access, app: &App) -> bool {
    match access {
        Access::Open => false,
        Access::OpenUnlessConfigured => app.config().server.metrics_require_auth,
        Access::Token => true,
    }
}

/// Decides by the catalog, once that is open.
#[derive(Clone, Debug)]
struct Door {
    app: App,
}

impl Gate for Door {
    fn admit(&self, headers: &HeaderMap) -> Result<Identity, Refusal> {
        if self.app.config().server.without_auth {
            return Ok(Identity::Anyone);
        }
        let engine = self.app.engine().ok_or(Refusal::Starting)?;
        let identity = identify(headers, &engine.catalog, self.app.clock().now_ns())?;
        if let (Some(rate), Some(token)) = (self.app.rate(), identity.token_id()) {
            rate.admit(token, clock::instant())?;
        }
        Ok(identity)
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        ApiError::from(refusal).into_response()
    }
}
