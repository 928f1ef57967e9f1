//! The way of one statement.

use std::sync::Arc;

use tidegate_query::Outcome;
use tidegate_query::influxql::ast::{Show, Statement};
use tidegate_query::influxql::run::reads;

use super::answering::{Answering, Refused, unsupported};
use super::databases::OfStatement;
use super::session::Session;
use super::{manage, show};

impl Session {
    /// Begins a statement.
    ///
    /// # Errors
    /// [`Refused`] if it is wrong, or its answer cannot be begun.
    pub async fn run(&self, statement: &Statement) -> Result<Answering, Refused> {
        let queries = &self.engine.queries;
        if reads(statement) {
            let databases = Arc::new(OfStatement::new(self.clone()));
            let running = queries.influxql(self.asker(), databases, statement, self.request);
            return Ok(Answering::Reads(running.await?));
        }
        let recorded = queries.record(self.asker(), &statement.to_string());
        let done = self.carry_out(statement).await;
        recorded.end(match &done {
            Ok(_) => Outcome::Done,
            Err(Refused::Query(_)) => Outcome::Invalid,
            Err(Refused::Request(_)) => Outcome::Failed,
        });
        done
    }

    async fn carry_out(&self, statement: &Statement) -> Result<Answering, Refused> {
        match statement {
            Statement::Show(show) => return show::answer(self, show),
            Statement::CreateDatabase(new) => manage::create_database(self, new).await?,
            Statement::DropDatabase(name) => manage::drop_database(self, name).await?,
            Statement::CreateRetentionPolicy(new) => manage::create_policy(self, new).await?,
            Statement::AlterRetentionPolicy(change) => manage::alter_policy(self, change).await?,
            Statement::DropRetentionPolicy { name, database } => {
                manage::drop_policy(self, database, name).await?;
            }
            Statement::KillQuery { id, .. } => {
                if !self.engine.queries.kill(&self.asker(), *id) {
                    return Err(Refused::new(format!("no such query id: {id}")));
                }
            }
            other => return Err(unsupported(other)),
        }
        Ok(Answering::ready([]))
    }
}

/// Returns true for a statement that answers questions in protocols that only read: about points, or
/// which databases and retention policies there are.
pub fn is_question(statement: &Statement) -> bool {
    let lists = |show: &Show| matches!(show, Show::Databases | Show::RetentionPolicies(_));
    reads(statement) || matches!(statement, Statement::Show(show) if lists(show))
}
