//! Conversion of two PEM files into the configuration of handshakes, or into an error that says
//! what is wrong with them.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use thiserror::Error;

use super::validity::{self, Standing};
use crate::clock::Clock;
use crate::config::{PemFile, PemFileError, PemFiles};

/// The protocols that are offered, the preferred first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The reason for which a certificate and its key cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] PemFileError),
    /// A file does not hold what it should.
    #[error("{} ({key}) cannot be used: {reason}", path.display())]
    Unusable {
        /// The key of the configuration that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The fault, and what to do.
        reason: String,
    },
    /// Each is valid, but they do not belong together.
    #[error(
        "the private key in {} (tls.key_file) does not belong to the first certificate in {} \
         (tls.cert_file): give both of one issue, and in tls.cert_file the server's own \
         certificate before the intermediate ones",
        key.display(),
        cert.display()
    )]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
}

/// Makes the configuration of handshakes. A certificate that is not valid now is accepted with a
/// warning: some clients can be set to accept it all the same.
pub(super) fn understand(files: &PemFiles, clock: &Clock) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let (chain, key) = (certificates(&files.cert)?, private_key(&files.key)?);
    let key = provider.key_provider.load_private_key(key).map_err(|_| {
        // The library's error names neither what was given nor what is needed.
        let wanted = "an RSA (2048 bits or more), ECDSA (P-256 or P-384) or Ed25519 key";
        let reason = format!("{wanted} is needed; this is another, or it is damaged");
        unusable(&files.key, reason)
    })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            return Err(TlsError::Mismatch {
                cert: files.cert.path.clone(),
                key: files.key.path.clone(),
            });
        }
        Err(error) => {
            let reason = format!(
                "its first certificate is not understood, one of X.509 version 3 is needed \
                 (openssl x509 -req makes version 1 unless it is given -extfile): {error}"
            );
            return Err(unusable(&files.cert, reason));
        }
    }
    warn_of_time(files, certified.cert.first(), clock);
    let resolver = Arc::new(SingleCertAndKey::from(certified));
    let config = server_config(provider, resolver);
    config.map_err(|error| unusable(&files.cert, error.to_string()))
}

fn server_config(
    provider: Arc<CryptoProvider>,
    resolver: Arc<dyn ResolvesServerCert>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth();
    let mut config = builder.with_cert_resolver(resolver);
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    Ok(Arc::new(config))
}

fn certificates(file: &PemFile) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let sections = CertificateDer::pem_slice_iter(file.text.as_bytes());
    let chain: Vec<_> = sections
        .collect::<Result<_, _>>()
        .map_err(|error| not_pem(file, &error))?;
    if !chain.is_empty() {
        return Ok(chain);
    }
    let hint = if file.text.contains("PRIVATE KEY-----") {
        ", only a private key: perhaps tls.cert_file and tls.key_file are exchanged"
    } else {
        "; it begins with -----BEGIN CERTIFICATE-----"
    };
    Err(unusable(
        file,
        format!("there is no certificate in it{hint}"),
    ))
}

fn private_key(file: &PemFile) -> Result<PrivateKeyDer<'static>, TlsError> {
    match PrivateKeyDer::from_pem_slice(file.text.as_bytes()) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => {
            let path = file.path.display();
            let hint = if file.text.contains("ENCRYPTED PRIVATE KEY-----") {
                format!(
                    " without a passphrase, and nobody is there to be asked for it: take it off \
                     with: openssl pkey -in {path} -out new.key"
                )
            } else if file.text.contains("CERTIFICATE-----") {
                ", only a certificate: perhaps tls.cert_file and tls.key_file are exchanged".into()
            } else {
                "; it begins with -----BEGIN PRIVATE KEY-----".into()
            };
            Err(unusable(
                file,
                format!("there is no private key in it{hint}"),
            ))
        }
        Err(error) => Err(not_pem(file, &error)),
    }
}

fn not_pem(file: &PemFile, error: &pem::Error) -> TlsError {
    let reason = format!("its PEM is broken ({error}): copy the file again, whole");
    unusable(file, reason)
}

fn unusable(file: &PemFile, reason: String) -> TlsError {
    TlsError::Unusable {
        key: file.key,
        path: file.path.clone(),
        reason,
    }
}

fn warn_of_time(files: &PemFiles, own: Option<&CertificateDer<'_>>, clock: &Clock) {
    let Some(validity) = own.and_then(|own| validity::of(own)) else {
        return;
    };
    let path = files.cert.path.display();
    match validity.at(clock.now_ns()) {
        Standing::Valid => tracing::info!(
            "the certificate in {path} is in use; it expires {}",
            validity.not_after
        ),
        Standing::Expired => tracing::warn!(
            "EXPIRED: the certificate in {path} (tls.cert_file) expired {}, clients refuse it: \
             renew it, then send SIGHUP",
            validity.not_after
        ),
        Standing::Early => tracing::warn!(
            "the certificate in {path} (tls.cert_file) is valid only from {}, clients refuse it \
             until then: is the clock of this machine right?",
            validity.not_before
        ),
    }
}
