//! A remark if an import creates its bucket: a misspelt name would otherwise create one unnoticed.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::cli::connection::Session;
use crate::cli::terminal::visible;
use crate::client::{Answer, ClientError, Request, query_value};

/// The buckets that a token may see, by name or id.
const PATH: &str = "/api/v2/buckets";

/// The bucket of an import.
#[derive(Debug)]
pub(super) struct Bucket {
    /// The name or id that was given.
    given: String,
    /// True if it existed before the first batch. It counts as existing if a server does not say.
    was_there: OnceCell<bool>,
    is_reported: AtomicBool,
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
            is_reported: AtomicBool::new(false),
        }
    }

    /// Asks before the first batch whether the bucket exists. Only a transient error is returned: the
    /// batch is then retried, and so is this.
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
            // The answer to the batch will report this error.
            Err(_) => Ok(true),
        }
    }

    /// The remark that the bucket was created, once, after points were written to it.
    pub(super) fn created(&self) -> Option<String> {
        let is_new = self.was_there.get() == Some(&false);
        if !is_new || self.is_reported.swap(true, Ordering::Relaxed) {
            return None;
        }
        let name = visible(&self.given);
        Some(format!(
            "bucket \"{name}\" was not there: this import has created it, and its points are kept \
             forever"
        ))
    }
}
