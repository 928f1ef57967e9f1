//! Facts about the route of a request, for the layers. The route table gives the answers; the layers
//! do not know it.

use axum::extract::{MatchedPath, Request};

use crate::api::{AppState, Dialect};

/// The route of a request, as the layers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Matched {
    /// The pattern as the metrics and the log name it.
    pub(in crate::server) pattern: &'static str,
    /// The form of its errors.
    pub(in crate::server) dialect: Dialect,
    /// True if its requests hold statements, which texts about them quote.
    pub(in crate::server) holds_statements: bool,
    /// True if it requires a credential.
    pub(in crate::server) asks_for_credential: bool,
}

/// Looks up a route by its pattern, which is missing for an unknown path, and that path.
pub(in crate::server) type Lookup = fn(&AppState, Option<&str>, &str) -> Matched;

impl Matched {
    /// Looks up the route of a request.
    pub(super) fn of(request: &Request, app: &AppState, lookup: Lookup) -> Self {
        let pattern = request.extensions().get().map(MatchedPath::as_str);
        lookup(app, pattern, request.uri().path())
    }
}
