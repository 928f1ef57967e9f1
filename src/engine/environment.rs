//! The services that an engine is given.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::memory::Budget;
use crate::telemetry::Metrics;

/// The services that an engine uses and does not own. Clones share them.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The settings.
    pub config: Arc<Config>,
    /// The wall clock.
    pub clock: Clock,
    /// The budget of bytes.
    pub budget: Budget,
    /// The counters.
    pub metrics: Metrics,
}
