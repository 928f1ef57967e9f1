//! The files that `[tls]` names, read as text. The server interprets their content.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::Tls;
use crate::certain::impossible;

/// A file that was read.
#[derive(Clone)]
pub struct PemFile {
    /// The key that names it: `tls.cert_file`.
    pub key: &'static str,
    /// Its path.
    pub path: PathBuf,
    /// Its content; secret if it is a private key.
    pub text: String,
}

/// Both files.
#[derive(Clone, Debug)]
pub struct PemFiles {
    /// The certificate and its chain.
    pub cert: PemFile,
    /// The private key.
    pub key: PemFile,
}

/// A file could not be read.
#[derive(Debug, Error)]
#[error("cannot read {} ({key}): {}", path.display(), advice(source))]
pub struct PemFileError {
    /// The key that names it.
    key: &'static str,
    /// The path where it should be.
    path: PathBuf,
    /// The system's error; the text already covers the kinds with known advice.
    #[source]
    source: io::Error,
}

impl Tls {
    /// Reads both files as they are now; `None` if none are set. Blocks on the disk.
    pub fn read(&self) -> Result<Option<PemFiles>, PemFileError> {
        match (&self.cert_file, &self.key_file) {
            (Some(cert), Some(key)) => Ok(Some(PemFiles {
                cert: read("tls.cert_file", cert)?,
                key: read("tls.key_file", key)?,
            })),
            (None, None) => Ok(None),
            _ => impossible("a certificate without its key is refused when settings are checked"),
        }
    }
}

fn read(key: &'static str, path: &Path) -> Result<PemFile, PemFileError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(PemFile {
            key,
            path: path.to_owned(),
            text,
        }),
        Err(source) => Err(PemFileError {
            key,
            path: path.to_owned(),
            source,
        }),
    }
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file; correct the path",
        io::ErrorKind::PermissionDenied => {
            "the server's user may not; give it read permission on the file and the folders above it"
        }
        io::ErrorKind::IsADirectory => "it is a folder; name the file in it",
        io::ErrorKind::InvalidData => {
            "it is not text, so not PEM; from DER it is made with: openssl x509 -inform der (or \
             openssl pkey -inform der)"
        }
        _ => "the system refused",
    }
}

/// A private key must not reach a log.
impl fmt::Debug for PemFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PemFile({} {})", self.key, self.path.display())
    }
}
