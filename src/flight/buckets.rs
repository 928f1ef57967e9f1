//! Who may ask about which bucket.

use arrow_schema::SchemaRef;
use tidegate_query::Question;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::asks::{Asking, Asks, Protocol, Rows};
use super::call::Call;
use super::pace::Maker;
use super::status;
use super::values::Values;

/// The service over what answers questions.
#[derive(Debug)]
pub struct Flight<A> {
    pub(super) asks: A,
    pub(super) cut: CancellationToken,
}

impl<A: Asks> Flight<A> {
    /// What makes the messages of an answer.
    pub(super) fn maker(&self) -> Maker {
        Maker {
            threads: self.asks.threads(),
            memory: self.asks.memory(),
        }
    }

    /// The bucket that a call names, if its sender may read it. Only they learn whether it exists.
    pub(super) fn bucket(&self, call: &Call, name: Option<&str>) -> Result<A::Bucket, Status> {
        // A handle or a ticket may have an empty one, which names none.
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| status::invalid("no 'database' header in request"))?;
        if !call.sender.may_read(name) {
            return Err(Status::permission_denied(
                "insufficient permissions for read",
            ));
        }
        let found = self.asks.bucket(name);
        let found = found.map_err(|_| {
            Status::unavailable("the server is starting: the log is being replayed")
        })?;
        found.ok_or_else(|| status::no_bucket(name))
    }

    /// Answers a statement of InfluxQL about the bucket that a call names.
    pub(super) async fn influxql(
        &self,
        call: &Call,
        database: Option<&str>,
        (protocol, text): (Protocol, &str),
        values: Values,
    ) -> Result<Rows, Status> {
        let asking = Asking {
            sender: &call.sender,
            protocol,
            text,
            columns_only: false,
        };
        self.rows(call, database, asking, values).await
    }

    /// The columns of the answer to a statement of InfluxQL. Its first rows tell them, so that it begins.
    pub(super) async fn columns_of_influxql(
        &self,
        call: &Call,
        database: Option<&str>,
        text: &str,
        values: Values,
    ) -> Result<SchemaRef, Status> {
        let asking = Asking {
            sender: &call.sender,
            protocol: Protocol::FlightSql,
            text,
            columns_only: true,
        };
        let rows = self.rows(call, database, asking, values).await?;
        Ok(rows.schema)
    }

    async fn rows(
        &self,
        call: &Call,
        database: Option<&str>,
        asking: Asking<'_>,
        values: Values,
    ) -> Result<Rows, Status> {
        self.bucket(call, database)?;
        let values = values.bindings(asking.text)?;
        let database = database.unwrap_or_default();
        let rows = self.asks.influxql(database, asking, values);
        rows.await.map_err(status::of_query)
    }

    /// Plans a question about the bucket that a call names.
    pub(super) async fn question(
        &self,
        call: &Call,
        database: Option<&str>,
        protocol: Protocol,
        text: &str,
    ) -> Result<Question, Status> {
        let bucket = self.bucket(call, database)?;
        let asking = Asking {
            sender: &call.sender,
            protocol,
            text,
            columns_only: false,
        };
        let question = self.asks.ask(&bucket, asking).await;
        question.map_err(status::of_query)
    }
}
