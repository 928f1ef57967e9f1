//! SIGINT and SIGTERM for commands that must clean up before they end.

use std::process;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::CliError;

/// A token that the first signal cancels; the second ends the process at once.
pub(super) fn interruption() -> Result<CancellationToken, CliError> {
    let system = "listen for signals";
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::system(system))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::system(system))?;
    let first = CancellationToken::new();
    let cancelled = first.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            let code = tokio::select! {
                _ = interrupt.recv() => 128 + 2,
                _ = terminate.recv() => 128 + 15,
            };
            if cancelled.is_cancelled() {
                process::exit(code);
            }
            cancelled.cancel();
        }
    });
    Ok(first)
}
