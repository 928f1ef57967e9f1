//! The surroundings of statements: who sends them, and which buckets they mean.

use std::sync::Arc;

use tidegate_query::influxql::run::Request;
use tidegate_query::{Asker, Presence, QueryError};

use super::super::{AppState, asker, database};
use crate::api::error::ApiError;
use crate::auth::Identity;
use crate::catalog::Bucket;
use crate::engine::Engine;

/// The meaning of the name of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// With a retention policy, that of a bucket, as in v1.
    Policies,
    /// Alone, that of a bucket.
    Buckets,
}

/// The surroundings of the statements of one request.
#[derive(Clone, Debug)]
pub struct Session {
    pub(super) engine: Engine,
    pub(super) identity: Identity,
    pub(super) names: Names,
    pub(super) database: Option<String>,
    pub(super) policy: Option<String>,
    pub(super) protocol: &'static str,
    pub(super) request: Request,
    /// Whether the client still waits.
    pub(super) presence: Presence,
    /// Whether only the columns of answers are wanted.
    pub(super) columns_only: bool,
    /// Whether databases may be made by whoever may write to them.
    pub(super) creates: bool,
}

impl Session {
    /// The session of a request that comes in now.
    ///
    /// # Errors
    /// The answer of a server that is starting.
    pub fn new(
        app: &AppState,
        identity: &Identity,
        names: Names,
        protocol: &'static str,
    ) -> Result<Self, ApiError> {
        let engine = app.ready()?;
        Ok(Self {
            request: engine.queries.request(app.clock().now_ns()),
            engine: engine.clone(),
            identity: identity.clone(),
            names,
            database: None,
            policy: None,
            protocol,
            presence: Presence::default(),
            columns_only: false,
            creates: app.config().server.auto_create_buckets || identity.may_manage(),
        })
    }

    /// The session with the database and the retention policy of statements that name none.
    #[must_use]
    pub fn within(self, database: Option<String>, policy: Option<String>) -> Self {
        Self {
            database,
            policy,
            ..self
        }
    }

    /// The session of a client who waits for its statements so long.
    #[must_use]
    pub fn attended(self, presence: Presence) -> Self {
        Self { presence, ..self }
    }

    /// The session of a client who wants only the columns of answers, if `columns_only`: those that it gets
    /// leave no record.
    #[must_use]
    pub fn wanting(self, columns_only: bool) -> Self {
        Self {
            columns_only,
            ..self
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn asker(&self) -> Asker {
        let database = self.database.as_deref().unwrap_or_default();
        let presence = self.presence.clone();
        Asker {
            columns_only: self.columns_only,
            ..asker::asker(&self.identity, database, self.protocol, presence)
        }
    }

    /// The bucket that a statement reads.
    pub(super) fn readable(
        &self,
        database: Option<&str>,
        policy: Option<&str>,
    ) -> Result<Arc<Bucket>, QueryError> {
        let named = database.filter(|name| !name.is_empty());
        let database = named.or(self.database.as_deref()).ok_or_else(no_database)?;
        let policy = policy.filter(|name| !name.is_empty());
        let policy = policy.or(self.policy.as_deref()).unwrap_or_default();
        let catalog = &self.engine.catalog;
        let found = match (self.names, policy) {
            (Names::Buckets, "") => catalog.bucket_named(database),
            _ => database::find(catalog, database, policy),
        };
        match found.filter(|bucket| self.identity.may_see(&bucket.name)) {
            Some(bucket) if self.identity.may_read(&bucket.name) => Ok(bucket),
            Some(_) => Err(QueryError::Invalid(format!(
                "insufficient permissions for read of database {database}"
            ))),
            None if self.names == Names::Policies && self.sees(database) => {
                let policy = match policy {
                    "" => database::AUTOGEN,
                    policy => policy,
                };
                Err(QueryError::Invalid(format!(
                    "retention policy not found: {policy}"
                )))
            }
            None => Err(not_found(database)),
        }
    }

    /// The buckets that the sender may know of, with the databases and policies that they are.
    pub(super) fn seen(&self) -> Vec<Arc<Bucket>> {
        let mut buckets = self.engine.catalog.buckets();
        buckets.retain(|bucket| self.identity.may_see(&bucket.name));
        buckets
    }

    pub(super) fn sees(&self, database: &str) -> bool {
        let seen = self.seen();
        seen.iter()
            .any(|bucket| database::parts(&bucket.name).0 == database)
    }
}

pub(super) fn no_database() -> QueryError {
    QueryError::Invalid("database name required".to_owned())
}

pub(super) fn not_found(database: &str) -> QueryError {
    QueryError::Invalid(format!("database not found: {database}"))
}
