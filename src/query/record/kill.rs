//! The end of a question that somebody else wants ended.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::QueryError;

/// The wish that a question ends. Clones are of the same question.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kill(Arc<watch::Sender<bool>>);

impl Kill {
    /// Wishes it. The question ends with [`QueryError::Interrupted`] where it waits next.
    pub(super) fn kill(&self) {
        self.0.send_replace(true);
    }

    /// Returns true if somebody wishes it.
    pub(crate) fn is_wished(&self) -> bool {
        *self.0.borrow()
    }

    /// Does work unless somebody wishes its end.
    pub(crate) async fn unless<T>(
        &self,
        work: impl Future<Output = Result<T, QueryError>>,
    ) -> Result<T, QueryError> {
        let mut wishes = self.0.subscribe();
        tokio::select! {
            // The sender is there as long as this is.
            _ = wishes.wait_for(|is_wished| *is_wished) => Err(QueryError::Interrupted),
            done = work => done,
        }
    }
}
