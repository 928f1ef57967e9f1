//! The part of the program that answers questions, as this module sees it.

use async_trait::async_trait;
use tidegate_query::{QueryError, Question};
use tokio::runtime::Handle;

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
    /// The question in SQL.
    pub text: &'a str,
}

/// Answers questions about buckets. Whether the sender may ask is decided before.
#[async_trait]
pub trait Asks: Send + Sync + 'static {
    /// A bucket that exists.
    type Bucket: Send + Sync;

    /// The threads that work on answers: they encode them too.
    fn threads(&self) -> Handle;

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

    /// Plans a question of our own about a bucket, as [`Asks::ask`]. It is not recorded.
    ///
    /// # Errors
    /// [`QueryError`] if it cannot be asked now.
    async fn sql(&self, bucket: &Self::Bucket, text: &str) -> Result<Question, QueryError>;
}
