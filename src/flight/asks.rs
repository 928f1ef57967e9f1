//! The part of the program that answers questions, as this module sees it.

use async_trait::async_trait;
use tidegate_query::{QueryError, Question};

/// The program's log is being replayed: it cannot answer yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Starting;

/// Answers questions about buckets. Whether the sender may ask is decided before.
#[async_trait]
pub trait Asks: Send + Sync + 'static {
    /// A bucket that exists.
    type Bucket: Send + Sync;

    /// The bucket of this very name, if there is one.
    ///
    /// # Errors
    /// [`Starting`] if that is not known yet.
    fn bucket(&self, name: &str) -> Result<Option<Self::Bucket>, Starting>;

    /// Plans a question in SQL about a bucket. Nothing is read before it is run.
    ///
    /// # Errors
    /// [`QueryError`] if the question is wrong, or cannot be asked now.
    async fn sql(&self, bucket: &Self::Bucket, text: &str) -> Result<Question, QueryError>;
}
