//! Conversion of the libraries' errors, which are chains of causes, to ours.

use std::error::Error;
use std::io;

use hyper_util::client::legacy;
use rustls::CertificateError;

use super::Address;
use super::error::{ClientError, ConnectFault};

/// The error of a request that got no answer.
pub(super) fn of_request(address: &Address, error: &legacy::Error) -> ClientError {
    if error.is_connect() {
        return ClientError::Connect {
            address: address.clone(),
            fault: connect_fault(error),
        };
    }
    broken(address, error)
}

/// The error of an answer that did not reach its end.
pub(super) fn of_body(address: &Address, error: &hyper::Error) -> ClientError {
    broken(address, error)
}

fn broken(address: &Address, error: &(dyn Error + 'static)) -> ClientError {
    let hyper = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>());
    let problem = match hyper {
        Some(error) if error.is_parse() && address.is_https() => {
            "does not answer with HTTP/1.1".to_owned()
        }
        Some(error) if error.is_parse() => {
            "does not answer with HTTP; does the URL have to start with https://?".to_owned()
        }
        _ => format!(
            "cut the connection before the end of its answer ({})",
            last(error)
        ),
    };
    ClientError::Broken {
        address: address.clone(),
        problem,
    }
}

fn connect_fault(error: &(dyn Error + 'static)) -> ConnectFault {
    if let Some(tls) = causes(error).find_map(|cause| cause.downcast_ref()) {
        return tls_fault(tls);
    }
    let refused = |cause: &(dyn Error + 'static)| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    };
    if causes(error).any(refused) {
        return ConnectFault::Refused;
    }
    let last = last(error);
    if causes(error).any(|cause| cause.to_string().starts_with("dns error")) {
        return ConnectFault::Name(last);
    }
    ConnectFault::Other(last)
}

fn tls_fault(error: &rustls::Error) -> ConnectFault {
    match error {
        // A wrong signature means that the authority was made anew with the same name.
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => ConnectFault::UnknownIssuer(error.to_string()),
        // The same, if the kind of the key was changed with it.
        rustls::Error::InvalidCertificate(
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        ) => ConnectFault::UnknownIssuer("its signature is not that authority's".to_owned()),
        // This is webpki's word for it. Trusting that certificate does not help.
        rustls::Error::InvalidCertificate(CertificateError::Other(other))
            if other.to_string().contains("CaUsedAsEndEntity") =>
        {
            ConnectFault::AuthorityAsServer
        }
        rustls::Error::InvalidCertificate(_) => ConnectFault::Certificate(error.to_string()),
        rustls::Error::InvalidMessage(_) => ConnectFault::NotTls,
        other => ConnectFault::Tls(other.to_string()),
    }
}

/// The error and its causes, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| cause(*error))
}

/// The next cause. That of an I/O error is the error it wraps, which its own `source` skips.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let io = error.downcast_ref::<io::Error>();
    match io.and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

fn last(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .last()
        .map_or_else(String::new, ToString::to_string)
}
