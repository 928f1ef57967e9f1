//! The errors of decoders as whole sentences.

use std::io::{self, ErrorKind};

/// Explains an error of a decoder of this `kind`.
pub(super) fn explained(kind: &str, error: &io::Error) -> io::Error {
    let reason = match error.kind() {
        ErrorKind::UnexpectedEof => format!("the {kind} stream ends too early"),
        // The system's own error about the file.
        _ if error.raw_os_error().is_some() => error.to_string(),
        _ => format!("the {kind} stream is damaged, or something else follows it: {error}"),
    };
    io::Error::new(error.kind(), reason)
}
