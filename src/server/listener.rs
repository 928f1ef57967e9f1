//! A bound port, and the protocol that is spoken on it.

use std::io;

use tokio::net::TcpListener;

use super::tls::Tls;

/// A bound socket, with a certificate for HTTPS or without for plain HTTP.
#[derive(Debug)]
pub struct Listener {
    pub(super) tcp: TcpListener,
    pub(super) tls: Option<Tls>,
}

impl Listener {
    /// Makes a listener, for HTTPS if there is a certificate.
    pub fn new(tcp: TcpListener, tls: Option<Tls>) -> Self {
        Self { tcp, tls }
    }

    /// The URL for clients: scheme, address and port.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.tcp.local_addr()?))
    }
}

impl From<TcpListener> for Listener {
    /// Makes a listener for plain HTTP.
    fn from(tcp: TcpListener) -> Self {
        Self::new(tcp, None)
    }
}
