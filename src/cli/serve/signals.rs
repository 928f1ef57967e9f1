//! SIGTERM and SIGINT: the first asks the server to stop, the second ends the process at once.
//! SIGHUP: certificate and key are read again.

use std::io;
use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::server::Tls;
use crate::telemetry::causes;

/// Signals within this time of the first count as the first.
const SAME_SIGNAL: Duration = Duration::from_millis(500);

/// Cancels `shutdown` at the first signal. From this call on neither signal ends the process by
/// itself, so it must come before any long work.
pub(super) fn cancel_on_signal(shutdown: CancellationToken) -> io::Result<()> {
    let mut signals = Signals {
        terminate: signal(SignalKind::terminate())?,
        interrupt: signal(SignalKind::interrupt())?,
    };
    tokio::spawn(async move {
        let (name, _) = signals.next().await;
        info!("{name}: stopping; a second signal ends at once");
        shutdown.cancel();
        // Supervisors and terminals send a signal twice: to the process and to its group.
        let mut same = pin!(sleep(SAME_SIGNAL));
        loop {
            tokio::select! {
                () = &mut same => break,
                _ = signals.next() => {}
            }
        }
        let (name, exit_code) = signals.next().await;
        warn!("{name} again: ending at once");
        std::process::exit(exit_code);
    });
    Ok(())
}

/// SIGHUPs, which from this call on do not end the process.
pub(super) fn hangups() -> io::Result<Signal> {
    signal(SignalKind::hangup())
}

/// Reads certificate and key again at every SIGHUP, as long as there may be one.
pub(super) async fn reload_on_hangup(mut hangups: Signal, tls: Option<Tls>) {
    while hangups.recv().await.is_some() {
        let Some(tls) = tls.clone() else {
            info!("SIGHUP: nothing to read again, there is no certificate (tls.cert_file)");
            continue;
        };
        match tokio::task::spawn_blocking(move || tls.reload()).await {
            Ok(Ok(())) => info!("SIGHUP: certificate and key were read again"),
            Ok(Err(reason)) => error!(
                "SIGHUP: the certificate in use stays, the new one is not usable: {}",
                causes(&reason)
            ),
            Err(lost) => error!(%lost, "SIGHUP: reading the certificate was cut off"),
        }
    }
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
