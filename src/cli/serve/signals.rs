//! SIGTERM and SIGINT: the first asks the server to stop, the second ends the process at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// Cancels `shutdown` at the first signal. From this call on neither signal ends the process by
/// itself, so call it before anything takes long.
pub(super) fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    tokio::spawn(async move {
        let (name, _) = signals.next().await;
        info!("{name}: stopping; a second signal ends at once");
        shutdown.cancel();
        let (name, exit_code) = signals.next().await;
        warn!("{name} again: ending at once");
        std::process::exit(exit_code);
    });
    Ok(())
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// The next signal's name and the exit code of a process that it ended.
    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", 128 + 15),
            _ = self.interrupt.recv() => ("SIGINT", 128 + 2),
        }
    }
}
