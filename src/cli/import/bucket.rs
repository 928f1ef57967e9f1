//! Whether the bucket of an import is a new one: a name that is misspelt makes a bucket, and nobody
//! would see it.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::cli::connection::Session;
use crate::cli::output::visible;
use crate::client::{Answer, ClientError, Request, query_value};

/// The buckets that a token may see, by name or id.
const PATH: &str = "/api/v2/buckets";

/// The bucket of an import.
#[derive(Debug)]
pub(super) struct Bucket {
    /// As it was given: a name, or an id.
    given: String,
    /// Whether it was there before the first batch. It counts as there if a server does not say.
    was_there: OnceCell<bool>,
    is_told: AtomicBool,
}

#[derive(Deserialize)]
struct Buckets {
    buckets: Vec<serde_json::Value>,
}

impl Bucket {
    pub(super) fn new(given: String) -> Self {
        Self {
            given,
            was_there: OnceCell::new(),
            is_told: AtomicBool::new(false),
        }
    }

    /// Asks before the first batch whether the bucket is there. An error is one that may pass: the
    /// batch is tried again, and so is this.
    pub(super) async fn look(&self, session: &Session) -> Result<(), ClientError> {
        let look = || async {
            Ok(self.is_there(session, "name").await? || self.is_there(session, "id").await?)
        };
        self.was_there.get_or_try_init(look).await.map(|_| ())
    }

    async fn is_there(&self, session: &Session, by: &str) -> Result<bool, ClientError> {
        let path = format!("{PATH}?{by}={}", query_value(&self.given));
        let answer = session.client().send(Request::new(Method::GET, path)).await;
        match answer.and_then(Answer::success) {
            Ok(answer) => {
                let found = answer.json::<Buckets>();
                Ok(found.map_or(true, |found| !found.buckets.is_empty()))
            }
            Err(error) if error.is_transient() => Err(error),
            // What is wrong here is told by the answer to the batch.
            Err(_) => Ok(true),
        }
    }

    /// That the bucket was created, once, after points were written to it.
    pub(super) fn created(&self) -> Option<String> {
        let is_new = self.was_there.get() == Some(&false);
        if !is_new || self.is_told.swap(true, Ordering::Relaxed) {
            return None;
        }
        let name = visible(&self.given);
        Some(format!(
            "bucket \"{name}\" was not there: this import has created it, and its points are kept \
             forever"
        ))
    }
}
