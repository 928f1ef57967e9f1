//! The door of a route that requires a token: it decides by the catalog, once that is open. The
//! layer that calls it is in `auth`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use axum::response::{IntoResponse, Response};
use http::HeaderMap;

use crate::api::AppState;
use crate::api::error::ApiError;
use crate::auth::{Credentials, Forms, Gate, Identity, Reason, Refusal, identify};
use crate::catalog::Catalog;
use crate::clock;

/// Lets holders of tokens through, or only operators.
#[derive(Clone, Debug)]
pub(in crate::server) struct Door {
    app: AppState,
    forms: Forms,
    operator_only: bool,
    counts_requests: bool,
    refusals: Refusals,
}

/// The [`Reason`]s that were logged: each only once, or strangers could fill the log.
#[derive(Clone, Debug, Default)]
pub(in crate::server) struct Refusals {
    told: Arc<AtomicU8>,
}

impl Refusals {
    /// Logs the reason for a 401: the client sees only the status, but the operator of the server
    /// can see why.
    fn tell(&self, credentials: &Credentials<'_>, catalog: &Catalog) {
        let reason = Reason::of(credentials, catalog);
        let flag = reason as u8;
        if self.told.fetch_or(flag, Ordering::Relaxed) & flag == 0 {
            let advice = reason.advice();
            tracing::info!("a request was refused with 401 (logged once): {advice}");
        }
    }
}

impl Door {
    pub(in crate::server) fn new(
        app: &AppState,
        refusals: &Refusals,
        forms: Forms,
        operator_only: bool,
    ) -> Self {
        Self {
            app: app.clone(),
            forms,
            operator_only,
            counts_requests: true,
            refusals: refusals.clone(),
        }
    }

    /// A door without a limit on requests per second.
    #[cfg(feature = "query")]
    pub(in crate::server) fn without_rate(self) -> Self {
        Self {
            counts_requests: false,
            ..self
        }
    }
}

impl Gate for Door {
    fn admit(&self, headers: &HeaderMap, query: Option<&str>) -> Result<Identity, Refusal> {
        if self.app.config().server.without_auth {
            return Ok(Identity::Anyone);
        }
        let catalog = &self.app.engine().ok_or(Refusal::Starting)?.catalog;
        let forms = self.forms;
        let credentials = Credentials {
            headers,
            query,
            forms,
        };
        let identity = identify(&credentials, catalog, self.app.clock().now_ns())
            .inspect_err(|_| self.refusals.tell(&credentials, catalog))?;
        if let (true, Some(rate), Some(token)) =
            (self.counts_requests, self.app.rate(), identity.token_id())
        {
            rate.admit(token, clock::instant())?;
        }
        if self.operator_only && !identity.may_manage() {
            return Err(Refusal::OperatorOnly);
        }
        Ok(identity)
    }

    fn refuse(&self, refusal: Refusal) -> Response {
        ApiError::from(refusal).into_response()
    }
}
