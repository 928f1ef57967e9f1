//! HTTPS: the certificate and its key, and the handshake.
//!
//! ```text
//! first byte ┬ of a handshake: TLS 1.2 or 1.3, ALPN h2 and http/1.1 ─ the guard, plain HTTP inside
//!            └ of a letter:    plain HTTP: answered in plain with what to do
//! ```
//!
//! Promises: certificate and key are exchanged together ([`Tls::reload`]), for later handshakes;
//! open connections keep theirs. A pair that cannot work is refused with the name of the faulty
//! file and what to do, and the one in use stays. Sessions of an earlier pair are not resumed. The
//! caller limits the time of a handshake.
//!
//! Client certificates are not requested: a client is identified by its token.

mod pair;
#[cfg(test)]
mod tests;
mod validity;

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::clock::Clock;
use crate::config;

pub use pair::TlsError;

/// The certificate in use, shared by all clones: the listener's, and the one for reloading.
#[derive(Clone, Debug)]
pub struct Tls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    files: config::Tls,
    current: RwLock<Arc<ServerConfig>>,
}

/// The outcome of a handshake.
#[derive(Debug)]
pub(super) enum Arrival {
    /// The handshake is done.
    Encrypted(Box<TlsStream<TcpStream>>),
    /// The peer speaks plain HTTP. Nothing was read.
    Plain(TcpStream),
    /// The peer closed without sending anything, as port probes do.
    Nobody,
}

impl Tls {
    /// Reads the files that the settings name; `None` if they name none, in which case the server
    /// speaks plain HTTP. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// The files cannot be read or cannot be used together; the text names the file and says what
    /// to do.
    pub fn load(files: &config::Tls) -> Result<Option<Self>, TlsError> {
        let Some(pem) = files.read()? else {
            return Ok(None);
        };
        let shared = Shared {
            files: files.clone(),
            current: RwLock::new(pair::understand(&pem, &Clock::system())?),
        };
        Ok(Some(Self {
            shared: Arc::new(shared),
        }))
    }

    /// Reads the files again, for later handshakes. After an error nothing has changed. Blocks on
    /// the disk.
    ///
    /// # Errors
    ///
    /// The errors of [`Tls::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let Some(pem) = self.shared.files.read()? else {
            return Ok(());
        };
        let fresh = pair::understand(&pem, &Clock::system())?;
        let current = self.shared.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Does the handshake with a new connection. It has no time limit of its own.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Arrival> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Ok(Arrival::Nobody);
        }
        // The first byte of a handshake is 22, or at least 128 from clients of the last century.
        if first
            .iter()
            .any(|byte| byte.is_ascii_graphic() || b"\r\n".contains(byte))
        {
            return Ok(Arrival::Plain(stream));
        }
        let current = self.shared.current.read();
        let current = Arc::clone(&current.unwrap_or_else(PoisonError::into_inner));
        let stream = TlsAcceptor::from(current).accept(stream).await?;
        Ok(Arrival::Encrypted(Box::new(stream)))
    }
}
