//! The shared state of the endpoints: settings, memory, metrics, and, once the log is replayed, the
//! engine.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::error::ApiError;
use crate::auth::RateLimit;
use crate::body::{Limits, Receiver};
use crate::catalog::TokenId;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::engine::{Engine, Environment};
use crate::memory::Budget;
use crate::telemetry::{Metrics, Quiet};

/// The shared state of the endpoints. Clones share it.
#[derive(Clone, Debug)]
pub struct AppState {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    environment: Environment,
    receiver: Receiver,
    rate: Option<RateLimit>,
    engine: OnceLock<Engine>,
    started: Instant,
    started_ns: i64,
    /// The tokens for which it was logged that their client sends an empty organization.
    warned: Mutex<HashSet<Option<TokenId>>>,
    /// The bound on log lines about written lines, by token and bucket.
    told: Quiet<(Option<TokenId>, String, Tells)>,
}

/// The kinds of log lines about the lines of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tells {
    /// Some lines were rejected.
    Rejected,
    /// Some lines were odd.
    Odd,
}

/// The time in which one line of either kind is logged per token and bucket.
const TOLD_EVERY: Duration = Duration::from_secs(300);

impl AppState {
    /// An application that is starting: it answers, but has no engine yet.
    pub fn new(environment: Environment) -> Self {
        let Environment {
            config,
            clock,
            budget,
            ..
        } = &environment;
        let decoders_max = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let receiver = Receiver::new(body_limits(config), budget.clone(), decoders_max);
        let shared = Shared {
            receiver,
            rate: RateLimit::new(config.connection.token_requests_per_second),
            engine: OnceLock::new(),
            started: clock::instant(),
            started_ns: clock.now_ns(),
            warned: Mutex::default(),
            told: Quiet::new(1, TOLD_EVERY),
            environment,
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Begins to serve requests. Only the first engine counts.
    pub fn set_ready(&self, engine: Engine) {
        if self.shared.engine.set(engine).is_err() {
            tracing::warn!("a second engine was opened and is ignored");
        }
    }

    /// The engine; absent while the server is starting.
    pub fn engine(&self) -> Option<&Engine> {
        self.shared.engine.get()
    }

    /// The engine, or the answer of a server that is starting.
    pub fn ready(&self) -> Result<&Engine, ApiError> {
        self.engine().ok_or_else(ApiError::starting)
    }

    /// The services for the engine.
    pub fn environment(&self) -> &Environment {
        &self.shared.environment
    }

    /// The settings.
    pub fn config(&self) -> &Config {
        &self.shared.environment.config
    }

    /// The wall clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.environment.clock
    }

    /// The budget of bytes.
    pub fn budget(&self) -> &Budget {
        &self.shared.environment.budget
    }

    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.environment.metrics
    }

    /// The receiver of bodies.
    pub fn receiver(&self) -> &Receiver {
        &self.shared.receiver
    }

    /// The limit on requests per token, if there is one.
    pub fn rate(&self) -> Option<&RateLimit> {
        self.shared.rate.as_ref()
    }

    /// Returns the number of earlier requests with lines of this kind, token and bucket that were
    /// not logged, if this one is to be logged.
    pub(super) fn tells(
        &self,
        token: Option<TokenId>,
        bucket: &str,
        what: Tells,
        now: Instant,
    ) -> Option<u64> {
        let kind = (token, bucket.to_owned(), what);
        self.shared.told.admit(kind, now)
    }

    /// The start of the server: on the monotonic clock, and in nanoseconds since the epoch.
    pub fn started(&self) -> (Instant, i64) {
        (self.shared.started, self.shared.started_ns)
    }

    /// The limits on bodies.
    pub fn body_limits(&self) -> Limits {
        body_limits(self.config())
    }

    /// Returns true the first time that it is called for this token.
    pub(super) fn warn_once(&self, token: Option<TokenId>) -> bool {
        self.shared
            .warned
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(token)
    }
}

fn body_limits(config: &Config) -> Limits {
    Limits {
        wire_bytes_max: config.limits.wire_bytes_max,
        decoded_bytes_max: config.limits.decoded_bytes_max,
        wait_max: config.memory.wait_max,
        idle_timeout: config.connection.body_idle_timeout,
        rate_bytes_min: config.connection.body_rate_bytes_min,
        rate_window: config.connection.body_rate_window,
    }
}
