//! Connections to a server: TCP, and TLS over it if the address says so.

use std::sync::Arc;
use std::time::Duration;

use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::address::Address;
use super::error::ClientError;
use super::roots::Roots;

pub(super) type Connector = HttpsConnector<HttpConnector>;

/// The time that a server may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn new(address: &Address, roots: &Roots) -> Result<Connector, ClientError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_PATIENCE));
    let builder = HttpsConnectorBuilder::new().with_tls_config(trust(address, roots)?);
    Ok(builder.https_or_http().enable_http1().wrap_connector(tcp))
}

fn trust(address: &Address, roots: &Roots) -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(|error| ClientError::Certificates(error.to_string()))?;
    let builder = match roots {
        _ if !address.is_https() => builder.with_root_certificates(RootCertStore::empty()),
        Roots::Pem(pem) => builder.with_root_certificates(from_pem(pem)?),
        Roots::System => builder.with_native_roots().map_err(|error| {
            let text = format!("the system's certificates cannot be read: {error}");
            ClientError::Certificates(text)
        })?,
    };
    Ok(builder.with_no_client_auth())
}

fn from_pem(pem: &[u8]) -> Result<RootCertStore, ClientError> {
    let mut store = RootCertStore::empty();
    let wrong = |what: String| ClientError::Certificates(what);
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate =
            certificate.map_err(|error| wrong(format!("the PEM text is broken: {error}")))?;
        store
            .add(certificate)
            .map_err(|error| wrong(format!("a certificate cannot be used: {error}")))?;
    }
    if store.is_empty() {
        let text = "no certificate in it: it has to be PEM, -----BEGIN CERTIFICATE-----";
        return Err(wrong(text.to_owned()));
    }
    Ok(store)
}
