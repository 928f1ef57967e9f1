//! The accept loop: it accepts as many connections as allowed, and no error ends it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use super::connection::{Connections, Stop};
use crate::telemetry::Metrics;

/// The pause after an error: if there are no descriptors or no memory for a connection, trying
/// again at once is useless.
const BACK_OFF: Duration = Duration::from_millis(250);

/// Accepts until a gentle stop is requested. Connections run as tasks of `tasks`; beyond
/// `connections_max`, new ones wait in the system's queue.
pub(super) async fn accept(
    listener: TcpListener,
    connections: Connections,
    connections_max: usize,
    stop: Stop,
    tasks: TaskTracker,
    metrics: Metrics,
) {
    let room = Arc::new(Semaphore::new(connections_max.min(Semaphore::MAX_PERMITS)));
    loop {
        let next = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&room).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = stop.gently.cancelled() => return,
            next = next => next,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                metrics.refused("accept");
                survive(&error).await;
                continue;
            }
        };
        metrics.connections_opened();
        let serving = connections.clone().serve(stream, peer, stop.clone());
        let metrics = metrics.clone();
        tasks.spawn(async move {
            serving.await;
            metrics.connections_closed();
            drop(permit);
        });
    }
}

/// Logs an error, and waits if it is not just a peer that has gone already: it will pass.
async fn survive(error: &io::Error) {
    let of_peer = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    );
    if of_peer {
        tracing::debug!(%error, "a connection was gone before it was accepted");
    } else {
        tracing::warn!(%error, "no connection can be accepted now: check the limit on open files");
        sleep(BACK_OFF).await;
    }
}
