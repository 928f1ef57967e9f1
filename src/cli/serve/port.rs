//! Binding the port, with errors that say what to do.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;
use tokio::net::TcpListener;

/// The port could not be taken.
#[derive(Debug, Error)]
#[error("cannot listen on {listen}: {}", advice(*listen, source))]
pub struct PortError {
    /// The address that was wanted.
    listen: SocketAddr,
    /// The system's error, part of the text already.
    source: io::Error,
}

/// Takes the port.
pub(super) async fn bind(listen: SocketAddr) -> Result<TcpListener, PortError> {
    TcpListener::bind(listen)
        .await
        .map_err(|source| PortError { listen, source })
}

fn advice(listen: SocketAddr, error: &io::Error) -> String {
    let port = listen.port();
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "the port is in use, perhaps by another tidegate or an InfluxDB (ss -ltnp | grep \
             :{port} shows it); stop that one, or choose another port with --listen"
        ),
        io::ErrorKind::PermissionDenied => format!(
            "port {port} needs a privilege; choose one from 1024 up with --listen, or give the \
             program CAP_NET_BIND_SERVICE"
        ),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address; 127.0.0.1 \
             is reached from this machine only, 0.0.0.0 from all networks"
            .to_owned(),
        _ => "the system refused".to_owned(),
    }
}
