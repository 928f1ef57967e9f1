//! Protection from DNS rebinding. If authentication is off, everybody who reaches the port may
//! write. A web page in the user's browser reaches it too, if it makes its own host name resolve to
//! this machine, but the browser then sends that name: so only loopback names and configured ones
//! are accepted.

use std::net::IpAddr;

use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;

use crate::api::AppState;
use crate::api::error::{ApiError, Code};

pub(super) fn check(app: &AppState, request: &Request) -> Result<(), ApiError> {
    let server = &app.config().server;
    if !server.without_auth || permitted(named(request).as_deref(), &server.allowed_hosts) {
        return Ok(());
    }
    let text = "this host name is not allowed while authentication is off: add it to \
                server.allowed_hosts, or turn authentication on";
    Err(ApiError::new(Code::Forbidden, text))
}

/// The host name that the client sent, without the port. A name that cannot be read is empty.
fn named(request: &Request) -> Option<String> {
    let of_header = || {
        let value = request.headers().get(HOST)?;
        let authority = value
            .to_str()
            .ok()
            .and_then(|text| text.parse::<Authority>().ok());
        Some(
            authority
                .map(|authority| authority.host().to_owned())
                .unwrap_or_default(),
        )
    };
    request.uri().host().map(str::to_owned).or_else(of_header)
}

/// Returns true if requests with this name are accepted, and those without one: no browser omits
/// it, but probes that speak HTTP/1.0 do.
fn permitted(name: Option<&str>, allowed: &[String]) -> bool {
    let Some(name) = name else { return true };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    loopback
        || name.eq_ignore_ascii_case("localhost")
        || allowed
            .iter()
            .any(|host| host.eq_ignore_ascii_case(name) || host == bare)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Request;

    use super::{named, permitted};

    #[test]
    fn loopback_and_configured_names_are_let_in_and_no_others() {
        let allowed = [
            "tide.lan".to_owned(),
            "192.168.1.5".to_owned(),
            "fd00::1".to_owned(),
        ];
        for name in [
            "localhost",
            "LOCALHOST",
            "127.0.0.1",
            "127.9.9.9",
            "[::1]",
            "tide.lan",
            "Tide.LAN",
        ] {
            assert!(permitted(Some(name), &allowed), "{name}");
        }
        for name in ["192.168.1.5", "[fd00::1]"] {
            assert!(permitted(Some(name), &allowed), "{name}");
        }
        for name in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "0.0.0.0",
            "lan",
        ] {
            assert!(!permitted(Some(name), &allowed), "{name}");
        }
        assert!(permitted(None, &allowed));
    }

    #[test]
    fn a_name_is_read_without_its_port_from_the_target_or_the_header() {
        let of = |uri: &str, host: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(host) = host {
                request = request.header("host", host);
            }
            named(&request.body(Body::empty()).expect("a request"))
        };
        assert_eq!(of("/", Some("a:8086")).as_deref(), Some("a"));
        assert_eq!(of("/", Some("[::1]:8086")).as_deref(), Some("[::1]"));
        assert_eq!(of("http://b:1/", Some("a")).as_deref(), Some("b"));
        assert_eq!(of("/", Some("a b")).as_deref(), Some(""));
        assert_eq!(of("/", None), None);
    }
}
