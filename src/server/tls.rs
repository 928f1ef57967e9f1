//! HTTPS: the certificate and its key, and the handshake.
//!
//! ```text
//! first byte ┬ of a handshake: TLS 1.2 or 1.3, ALPN h2 and http/1.1 ─ the guard, HTTP as ever
//!            └ of a letter:    plain HTTP: answered in plain with what to do
//! ```
//!
//! Promises: certificate and key are exchanged as one ([`Tls::reload`]), for handshakes to come;
//! connections that stand go on with what they have. A pair that cannot work is refused with the
//! file that is to blame and what to do, and the one in use stays. Sessions of an earlier pair are
//! not resumed. How long a handshake may take is for its caller to say.
//!
//! What a client presents is not asked for: who it is, is told by its token.

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

/// The certificate in use, shared by all clones: the listener's, and the one that reloads it.
#[derive(Clone, Debug)]
pub struct Tls {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    files: config::Tls,
    current: RwLock<Arc<ServerConfig>>,
}

/// What came through the door.
#[derive(Debug)]
pub(super) enum Arrival {
    /// The handshake is done.
    Encrypted(Box<TlsStream<TcpStream>>),
    /// Somebody who speaks plain HTTP. Nothing was read.
    Plain(TcpStream),
    /// Gone without a word, as probes of a port do.
    Nobody,
}

impl Tls {
    /// Reads the files that the settings name; absent if they name none: then the server speaks
    /// plain HTTP. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// The files cannot be read, or not be used together; the text says which, and what to do.
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

    /// Reads the files again, for handshakes to come. After an error all is as before. Blocks on
    /// the disk.
    ///
    /// # Errors
    ///
    /// As of [`Tls::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let Some(pem) = self.shared.files.read()? else {
            return Ok(());
        };
        let fresh = pair::understand(&pem, &Clock::system())?;
        let current = self.shared.current.write();
        *current.unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// Meets who has connected. Takes as long as the peer lets it.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<Arrival> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 0 {
            return Ok(Arrival::Nobody);
        }
        // The first byte of a handshake is 22, or 128 and more from clients of the last century.
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
