//! The server: takes a listener, and answers until it is stopped.
//!
//! ```text
//! accept ─ connection ─ tls ─ framing ─ (hyper: HTTP/1.1, HTTP/2) ─ layers ─ routes ─ authenticate ─ api
//! ```
//!
//! [`run`] is the whole interface: tests start a real server with it on port 0. It answers from the
//! first moment on: while the log is replayed, `/ready` and writes get 503. `routes` holds the one
//! route table, `layers` the one layer stack.
//!
//! Promises: no error of a client or of the system ends the server; the client of a refused request
//! can read the refusal; a stop answers requests in flight, or refuses them once the grace period
//! is over, flushes as far as time allows, and ends by one deadline.

mod accept;
mod activity;
mod connection;
mod drain;
mod eager;
#[cfg(feature = "query")]
mod flight;
mod framing;
mod layers;
mod listener;
mod prefix;
mod routes;
mod socket;
mod stopping;
mod streams;
#[cfg(test)]
mod tests;
mod tls;

use std::sync::Arc;

use thiserror::Error;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api::AppState;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::engine::{Engine, Environment};
use crate::memory::Budget;
use crate::telemetry::Metrics;
use crate::vital;

pub use crate::engine::{Announce, Announcement, OpenError};
pub use listener::Listener;
pub use routes::{Access, ROUTES, Route};
pub use tls::{Tls, TlsError};

use connection::{Connections, Stop};
use drain::Drain;
use stopping::Deadline;

/// The reason for which the server did not start, or ended by itself.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Serves `listener` until `shutdown` is cancelled, then ends requests in flight. `announce` is
/// called once the data folder is locked, and once more on the very first start, unless the token
/// was given in the configuration. Ends early only if the data folder cannot be opened.
pub async fn run(
    listener: impl Into<Listener>,
    config: Arc<Config>,
    announce: Announce,
    shutdown: CancellationToken,
) -> Result<(), ServerError> {
    let clock = Clock::system();
    let metrics = Metrics::new(&clock);
    let budget = Budget::new(config.memory.marks());
    let app = AppState::new(Environment {
        config: Arc::clone(&config),
        clock,
        budget,
        metrics: metrics.clone(),
    });
    let (stop, cut, tasks) = (
        Stop::default(),
        CancellationToken::new(),
        TaskTracker::new(),
    );
    let drain = Drain::new(config.limits.wire_bytes_max, stop.gently.clone());
    let router = routes::router(&app);
    #[cfg(feature = "query")]
    let router = flight::mount(router, &app, cut.clone());
    let router = layers::stack(router, routes::matched, &app, cut.clone(), drain.clone());
    let Listener { tcp, tls } = listener.into();
    let connections = Connections::new(router, &config, tls, metrics.clone(), drain);
    let connections_max = config.connection.connections_max;
    let accepting = accept::accept(
        tcp,
        connections,
        connections_max,
        stop.clone(),
        tasks.clone(),
        metrics,
    );
    // Without this task the server would accept nothing.
    let accepting = tokio::spawn(vital::task("accept", accepting));
    let opened = tokio::select! {
        opened = open(&app, announce) => opened,
        () = shutdown.cancelled() => Ok(()),
    };
    if opened.is_ok() {
        shutdown.cancelled().await;
    }
    let deadline = Deadline::of(config.server.shutdown_grace, clock::instant());
    stop.gently.cancel();
    // The loop ends by itself after a stop.
    let _ = accepting.await;
    end(&tasks, deadline, &cut, &stop).await;
    if let Some(engine) = app.engine() {
        let patience = deadline.left(clock::instant()).min(config.lake.stop_max);
        engine.close(patience).await;
    }
    opened.map_err(ServerError::from)
}

/// Opens the engine and makes the application ready for requests.
async fn open(app: &AppState, announce: Announce) -> Result<(), OpenError> {
    let engine = Engine::open(app.environment().clone(), announce).await?;
    app.set_ready(engine);
    tracing::info!("ready");
    Ok(())
}

/// Waits for the connections to end, in steps: gently, then by refusing, then by closing.
async fn end(tasks: &TaskTracker, deadline: Deadline, cut: &CancellationToken, stop: &Stop) {
    tasks.close();
    let grace = deadline.grace(clock::instant());
    if timeout(grace, tasks.wait()).await.is_ok() {
        return;
    }
    tracing::warn!(
        connections = tasks.len(),
        "the grace period is over: requests in flight are refused"
    );
    cut.cancel();
    let last_words = deadline.left(clock::instant());
    if timeout(last_words, tasks.wait()).await.is_err() {
        stop.now.cancel();
        tasks.wait().await;
    }
}
