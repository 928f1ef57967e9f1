//! The part of the program that answers questions, as this module sees it.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use futures_util::stream::BoxStream;
use tidegate_query::influxql::Binding;
use tidegate_query::{Holding, QueryError, Question, Record, Waiter};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::auth::Identity;

/// The program's log is being replayed: it cannot answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starting;

/// The protocols of questions that come in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Tickets of the clients of InfluxDB 3.
    Flight,
    /// Commands, statements and tickets of Flight SQL.
    FlightSql,
}

impl Protocol {
    /// The protocol in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flight => "flight",
            Self::FlightSql => "flight_sql",
        }
    }
}

/// A question as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// Who asks.
    pub sender: &'a Identity,
    /// How it came in.
    pub protocol: Protocol,
    /// The question.
    pub text: &'a str,
    /// Whether only the columns of the answer are wanted.
    pub columns_only: bool,
}

/// Values of the parameters of a statement of InfluxQL, by name.
pub type Bindings = HashMap<String, Binding>;

/// The rows of an answer.
pub struct Rows {
    /// Their columns.
    pub schema: SchemaRef,
    /// The rows, in batches as they come.
    pub batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    /// Told at their end what they have cost, if something was read for them.
    pub told: oneshot::Receiver<Record>,
    /// Tells the statement when the client goes away.
    pub waiter: Waiter,
}

/// Answers questions about buckets. Whether the sender may ask is decided before.
#[async_trait]
pub trait Asks: Send + Sync + 'static {
    /// A bucket that exists.
    type Bucket: Send + Sync;

    /// The threads that work on answers: they encode them too.
    fn threads(&self) -> Handle;

    /// The memory of questions, in which messages of answers wait for their client; none while the program
    /// is starting.
    fn memory(&self) -> Option<Holding>;

    /// The bucket of this very name, if there is one.
    ///
    /// # Errors
    /// [`Starting`] if that is not known yet.
    fn bucket(&self, name: &str) -> Result<Option<Self::Bucket>, Starting>;

    /// Plans a question in SQL of this sender about a bucket. Nothing is read before it is run.
    ///
    /// # Errors
    /// [`QueryError`] if the question is wrong, or cannot be asked now.
    async fn ask(&self, bucket: &Self::Bucket, asking: Asking<'_>) -> Result<Question, QueryError>;

    /// Answers a statement of InfluxQL of this sender. If it names no database, it is about this one,
    /// which exists and may be read.
    ///
    /// # Errors
    /// [`QueryError`] if the statement is wrong, or its answer cannot be begun.
    async fn influxql(
        &self,
        database: &str,
        asking: Asking<'_>,
        values: Bindings,
    ) -> Result<Rows, QueryError>;

    /// Plans a question of our own about a bucket, as [`Asks::ask`]. It is not recorded.
    ///
    /// # Errors
    /// [`QueryError`] if it cannot be asked now.
    async fn sql(&self, bucket: &Self::Bucket, text: &str) -> Result<Question, QueryError>;
}
