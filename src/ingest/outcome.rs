//! The outcome of the frames of a request, when all of them are through.

use tokio::sync::oneshot;

use super::apply::Committed;
use super::error::WriteError;
use crate::catalog::Bucket;

/// The reason why a request failed if some of its frames are durable and others are not.
const PARTLY: &str = "a part of the request is on disk and the rest is not, send all of it again";

/// Waits for every frame.
pub(super) async fn wait_for(commits: Vec<oneshot::Receiver<Committed>>) -> Committed {
    let mut all = Vec::with_capacity(commits.len());
    for commit in commits {
        let stopping = |_| Committed::Failed("the server is stopping".to_owned());
        all.push(commit.await.unwrap_or_else(stopping));
    }
    together(&all)
}

/// The outcome of several frames as one. A single failure means that nothing can be promised.
fn together(all: &[Committed]) -> Committed {
    if let Some(failed) = all.iter().find(|one| matches!(one, Committed::Failed(_))) {
        return failed.clone();
    }
    let (turned_away, done) = (Committed::NotAttempted, Committed::Done);
    match (all.contains(&turned_away), all.contains(&done)) {
        // Resolving the rest again could end in "nothing was written", which would be wrong.
        (true, true) => Committed::Failed(PARTLY.to_owned()),
        (true, false) => turned_away,
        (false, _) if all.contains(&Committed::BucketGone) => Committed::BucketGone,
        (false, _) => done,
    }
}

/// Returns true once a frame is done, and false if it never went to the disk.
pub(super) fn is_done(committed: Committed, bucket: &Bucket) -> Result<bool, WriteError> {
    match committed {
        Committed::Done => Ok(true),
        Committed::NotAttempted => Ok(false),
        Committed::Failed(reason) => Err(WriteError::LogUnavailable(reason)),
        Committed::BucketGone => Err(WriteError::BucketGone(bucket.name.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Committed, PARTLY, together};

    #[test]
    fn a_request_of_which_a_part_is_durable_is_never_decided_anew() {
        use Committed::{BucketGone, Done, Failed, NotAttempted};
        let partly = Failed(PARTLY.to_owned());
        let failed = Failed("why".to_owned());
        for (all, one) in [
            (vec![], Done),
            (vec![Done, Done], Done),
            (vec![NotAttempted, NotAttempted], NotAttempted),
            (vec![Done, NotAttempted], partly.clone()),
            (vec![NotAttempted, Done, Done], partly),
            (vec![Done, failed.clone(), NotAttempted], failed),
            (vec![Done, BucketGone], BucketGone),
            (vec![BucketGone, NotAttempted], NotAttempted),
        ] {
            assert_eq!(together(&all), one, "{all:?}");
        }
    }
}
