//! The address of a server: `http://host:port/prefix`.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use thiserror::Error;

use crate::certain::Certain;

/// The address of a server, parsed and checked. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Arc<Parts>);

#[derive(Debug, PartialEq, Eq)]
struct Parts {
    uri: Uri,
    /// The path under which the server answers, without a slash at its end; empty for none.
    prefix: String,
}

/// The text is no URL of a server, or no request can be sent to it.
#[derive(Debug, Error)]
#[error("{url:?} is not the URL of a server: {problem}")]
pub struct AddressError {
    /// The URL as it was given, without a name and password.
    url: String,
    problem: &'static str,
}

impl Address {
    /// Returns true if the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.uri.scheme() == Some(&Scheme::HTTPS)
    }

    /// The URI of `path_and_query` below the address.
    pub(super) fn uri(&self, path_and_query: &str) -> Result<Uri, AddressError> {
        let mut parts = self.0.uri.clone().into_parts();
        let whole = format!("{}{path_and_query}", self.0.prefix);
        let whole =
            PathAndQuery::try_from(whole).map_err(|_| self.wrong("the request is too long"))?;
        parts.path_and_query = Some(whole);
        Uri::from_parts(parts).map_err(|_| self.wrong("the request is too long"))
    }

    fn wrong(&self, problem: &'static str) -> AddressError {
        let url = self.to_string();
        AddressError { url, problem }
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let wrong = |problem| {
            let url = without_user(text).to_owned();
            AddressError { url, problem }
        };
        let starts = |scheme: &str| {
            let start = text.get(..scheme.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        };
        if !starts("http://") && !starts("https://") {
            return Err(wrong("it has to start with http:// or https://"));
        }
        let uri: Uri = text.parse().map_err(|_| wrong("it is malformed"))?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(wrong(
                "a name or a password in it is not used, give a token",
            ));
        }
        if uri.host().unwrap_or_default().is_empty() {
            return Err(wrong("the host is missing"));
        }
        // Without this check, text that is not a port is ignored, and the request goes to port 80.
        let has_port = uri.host() != Some(authority);
        if has_port && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(wrong("the port has to be a number from 1 to 65535"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(wrong("it ends with the path, without `?` or `#`"));
        }
        let prefix = uri.path().trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Parts { uri, prefix })))
    }
}

/// The address without a name and password: a password must not show, least of all in an error.
fn without_user(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, address)| address)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self
            .0
            .uri
            .scheme_str()
            .certain("an address without a scheme is refused");
        let authority = self
            .0
            .uri
            .authority()
            .certain("an address without a host is refused");
        write!(f, "{scheme}://{authority}{}", self.0.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_path_in_the_address_is_kept_before_every_request() {
        for (text, uri, shown) in [
            ("http://a:1", "http://a:1/x?y=1", "http://a:1"),
            ("http://a:1/", "http://a:1/x?y=1", "http://a:1"),
            ("HTTP://a", "http://a/x?y=1", "http://a"),
            ("http://[::1]", "http://[::1]/x?y=1", "http://[::1]"),
            (
                "https://a/influx/\n",
                "https://a/influx/x?y=1",
                "https://a/influx",
            ),
            (
                "http://[::1]:8086/a/b",
                "http://[::1]:8086/a/b/x?y=1",
                "http://[::1]:8086/a/b",
            ),
        ] {
            let address: Address = text.parse().expect(text);
            assert_eq!(address.uri("/x?y=1").expect(text).to_string(), uri);
            assert_eq!(address.to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason_and_without_a_password() {
        for (text, part) in [
            ("localhost:8086", "has to start with http://"),
            ("ftp://a", "has to start with http://"),
            ("", "\"\" is not the URL of a server"),
            ("http://a:99999", "from 1 to 65535"),
            ("http://a:0", "from 1 to 65535"),
            ("http://[::1]:", "from 1 to 65535"),
            ("http://", "malformed"),
            ("http://a b", "malformed"),
            ("http://u:secret@a", "give a token"),
            ("http://a?u=1", "without `?`"),
            ("http://a/#x", "without `?`"),
        ] {
            let error = text.parse::<Address>().expect_err(text).to_string();
            assert!(error.contains(part) && !error.contains("secret"), "{error}");
        }
    }
}
