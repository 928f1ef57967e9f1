//! What the endpoints share: settings, memory, numbers, and, once the log is replayed, the engine.

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

/// What the endpoints share. Clones are the same.
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
    /// Tokens that were told once that their client sends an empty organization.
    warned: Mutex<HashSet<Option<TokenId>>>,
    /// What the log was told of written lines, by token and bucket.
    told: Quiet<(Option<TokenId>, String, Tells)>,
}

/// What the log is told of the lines of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Tells {
    /// That there were rejected ones.
    Rejected,
    /// That there were odd ones.
    Odd,
}

/// One line of either kind per token and bucket in so long.
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

    /// From now on requests are served. Only the first engine counts.
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

    /// What the engine is to work with.
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

    /// Takes bodies in.
    pub fn receiver(&self) -> &Receiver {
        &self.shared.receiver
    }

    /// How often a token may ask, if that is limited.
    pub fn rate(&self) -> Option<&RateLimit> {
        self.shared.rate.as_ref()
    }

    /// Whether the log is told of such lines of this token for this bucket, and of how many requests
    /// with such lines before it was not.
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

    /// When the server started: on the monotonic clock, and nanoseconds since the epoch.
    pub fn started(&self) -> (Instant, i64) {
        (self.shared.started, self.shared.started_ns)
    }

    /// True the first time that it is asked about this token.
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
