//! Errors of the libraries beneath the tables as text for people: all causes in one line, and advice
//! if the causes alone do not make it plain what to do.

use std::error::Error;

use crate::telemetry::causes;

/// A library's word for a certificate that no known authority has signed.
const UNTRUSTED: &str = "UnknownIssuer";

/// The address at which a store's client asks for credentials if it was given none. It answers on
/// machines of the cloud only.
const CREDENTIALS_OF_MACHINE: &str = "169.254.169.254";

/// A library's words for `http://` where it was not allowed.
const NOT_ENCRYPTED: &str = "URL scheme is not allowed";

/// Returns an error with its causes, and advice if there is any.
pub(in crate::lake) fn with_advice(error: &(dyn Error + 'static)) -> String {
    let mut text = causes(error);
    let is_refused = ["403 Forbidden", "401 Unauthorized"]
        .iter()
        .any(|status| text.contains(status));
    let advice = if text.contains(UNTRUSTED) {
        "this machine trusts no authority that has signed the store's certificate: install the \
         system's certificate authorities (package ca-certificates, which small container images \
         lack), or name a PEM file with the store's own authority in SSL_CERT_FILE"
    } else if text.contains(CREDENTIALS_OF_MACHINE) {
        "no credentials were given, and this machine provides none: set those of the store \
         in the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    } else if text.contains(NOT_ENCRYPTED) {
        "without https:// the store is used only if the environment says so: AWS_ALLOW_HTTP=true, or \
         use an endpoint with https://"
    } else if is_refused {
        "the store refuses these credentials: check them, and that they may list, read, write and \
         delete there"
    } else {
        return text;
    };
    text.push_str("; ");
    text.push_str(advice);
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::with_advice;

    #[test]
    fn what_to_do_is_told_where_a_cause_does_not_tell() {
        let said = |text: &str| with_advice(&io::Error::other(text.to_owned()));
        for (cause, advice) in [
            ("invalid peer certificate: UnknownIssuer", "ca-certificates"),
            (
                "PUT http://169.254.169.254/latest/api/token",
                "AWS_ACCESS_KEY_ID",
            ),
            (
                "HTTP error: builder error: URL scheme is not allowed",
                "AWS_ALLOW_HTTP=true",
            ),
            (
                "status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code>",
                "check them",
            ),
        ] {
            let told = said(cause);
            assert!(told.starts_with(cause) && told.contains(advice), "{told}");
        }
        assert_eq!(said("Connection refused"), "Connection refused");
    }
}
