//! The limit on requests per token: one bucket per token, which holds the requests of one second
//! and refills steadily. It is the generic cell rate algorithm: one instant per token says how full
//! its bucket is.
//!
//! It is hand-written: the crate governor implements the same algorithm, but it would still need
//! our sweep of idle tokens, the rounding for `Retry-After` and an adapter for our clock: it would
//! save about 15 lines and bring in four packages.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use crate::catalog::TokenId;
use crate::narrow;

/// The number of entries from which those of idle tokens are removed.
const ENTRIES_BEFORE_SWEEP: usize = 1024;

/// A limit of requests per second, the same for every token.
#[derive(Debug)]
pub struct RateLimit {
    per_second: u32,
    /// The instant at which a token's bucket is full again; absent or in the past if it is full.
    full_at: Mutex<HashMap<TokenId, Instant>>,
}

impl RateLimit {
    /// Limits every token to this many requests per second; `None`, no limit, for 0.
    pub fn new(per_second: u32) -> Option<Self> {
        (per_second > 0).then(|| Self {
            per_second,
            full_at: Mutex::default(),
        })
    }

    /// Takes one request out of the bucket of `token`, or says when the next one is possible.
    pub fn admit(&self, token: TokenId, now: Instant) -> Result<(), Refusal> {
        let cost = Duration::from_secs(1) / self.per_second;
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= ENTRIES_BEFORE_SWEEP {
            full_at.retain(|_, full_at| *full_at > now);
        }
        let entry = full_at.entry(token).or_insert(now);
        let missing = entry.saturating_duration_since(now) + cost;
        let excess = missing.saturating_sub(Duration::from_secs(1));
        if excess > Duration::ZERO {
            return Err(Refusal::TooManyRequests {
                per_second: self.per_second,
                retry_after_s: whole_seconds(excess),
            });
        }
        *entry = now + missing;
        Ok(())
    }
}

/// The duration in whole seconds, rounded up, at least 1: the unit of `Retry-After`.
fn whole_seconds(duration: Duration) -> u32 {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    narrow::capped_u32(seconds).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ENTRIES_BEFORE_SWEEP, RateLimit};
    use crate::auth::Refusal;
    use crate::clock;

    #[test]
    fn a_second_s_worth_is_let_through_at_once_and_then_one_by_one() {
        let (limit, now) = (RateLimit::new(4).expect("a limit"), clock::instant());
        for _ in 0..4 {
            assert_eq!(limit.admit(1, now), Ok(()));
        }
        let refusal = Refusal::TooManyRequests {
            per_second: 4,
            retry_after_s: 1,
        };
        assert_eq!(limit.admit(1, now), Err(refusal));
        assert_eq!(limit.admit(2, now), Ok(()), "tokens do not share");
        let later = now + Duration::from_millis(260);
        assert_eq!(limit.admit(1, later), Ok(()));
        assert!(limit.admit(1, later).is_err());
    }

    #[test]
    fn nothing_is_limited_unless_asked_for_and_entries_do_not_pile_up() {
        assert!(RateLimit::new(0).is_none());
        let (limit, now) = (RateLimit::new(1).expect("a limit"), clock::instant());
        for token in 0..5_000 {
            let later = now + Duration::from_secs(2 * token);
            assert_eq!(limit.admit(token, later), Ok(()));
        }
        assert!(limit.full_at.lock().expect("unpoisoned").len() <= ENTRIES_BEFORE_SWEEP);
    }
}
