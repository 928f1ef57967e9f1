//! The databases of one statement, which share its turn.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tidegate_query::influxql::analysis::Origin;
use tidegate_query::influxql::run::Databases;
use tidegate_query::{Database, QueryError};
use tokio::sync::OnceCell;

use super::session::Session;
use crate::engine::Turn;
use crate::id::BucketId;

/// The databases that one statement reads, each as it is when it is first asked for.
#[derive(Debug)]
pub(super) struct OfStatement {
    session: Session,
    turn: OnceCell<Arc<Turn>>,
    found: Mutex<HashMap<BucketId, Arc<dyn Database>>>,
}

impl OfStatement {
    pub(super) fn new(session: Session) -> Self {
        Self {
            session,
            turn: OnceCell::new(),
            found: Mutex::default(),
        }
    }
}

impl Databases for OfStatement {
    fn database<'a>(
        &'a self,
        origin: &'a Origin,
    ) -> BoxFuture<'a, Result<Arc<dyn Database>, QueryError>> {
        let database = async move {
            let (database, policy) = (&origin.database, &origin.retention_policy);
            let bucket = self
                .session
                .readable(database.as_deref(), policy.as_deref())?;
            let queries = &self.session.engine.queries;
            let turn = self.turn.get_or_try_init(|| queries.turn()).await?;
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            let database = found
                .entry(bucket.id)
                .or_insert_with(|| queries.in_turn(turn, &bucket));
            Ok(Arc::clone(database))
        };
        database.boxed()
    }
}
