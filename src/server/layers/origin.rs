//! Protection from pages of other web sites. A browser lets any page send simple requests to any
//! server: the page cannot read the answer, but the request is executed. This is harmless if a
//! route requires a credential, because the page has none. If it requires none (authentication is
//! off, or the route is open to all), the browser itself says who sends the request: a page of
//! another origin that `server.cors_origins` does not name is refused before anything is done,
//! whatever it requests.
//!
//! The browser also says whether a page is ours (`Sec-Fetch-Site: same-origin`), if the page came
//! encrypted or from this machine; otherwise its origin is compared with `Host`.
//!
//! Programs send neither `Origin` nor `Sec-Fetch-Site`, so nothing changes for them. Origins are as
//! in RFC 6454; `null`, which sandboxed pages send, is never ours.

use axum::extract::Request;
use http::header::{HOST, ORIGIN};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Uri};

use super::matched::{Lookup, Matched};
use crate::api::AppState;
use crate::api::error::{ApiError, Code};
use crate::config::Cors;

/// The header in which browsers say where a request comes from; no page can set it.
const SEC_FETCH_SITE: &str = "sec-fetch-site";

pub(super) fn check(app: &AppState, lookup: Lookup, request: &Request) -> Result<(), ApiError> {
    let open = !Matched::of(request, app, lookup).asks_for_credential;
    if !open || !is_foreign(request.headers(), request.uri(), app.config().server.cors()) {
        return Ok(());
    }
    let text = "a page of another web site may not use what needs no token: add its origin to \
                server.cors_origins, or turn authentication on";
    Err(ApiError::new(Code::Forbidden, text))
}

/// Returns true if a page that is neither ours nor allowed sends the request.
fn is_foreign(headers: &HeaderMap, uri: &Uri, cors: Cors<'_>) -> bool {
    let Cors::Listed(listed) = cors else {
        return false;
    };
    let sites = || headers.get_all(SEC_FETCH_SITE).iter();
    let is_from = |site: &HeaderValue, which: &[u8]| site.as_bytes().eq_ignore_ascii_case(which);
    let mut origins = headers.get_all(ORIGIN).iter().peekable();
    if origins.peek().is_none() {
        return sites().any(|site| is_from(site, b"cross-site"));
    }
    // No page can set this header, and `Host` may be the name that a proxy uses for us.
    if sites().next().is_some() && sites().all(|site| is_from(site, b"same-origin")) {
        return false;
    }
    let host = uri.authority().cloned().or_else(|| {
        let host = headers.get(HOST)?.to_str().ok()?;
        host.parse::<Authority>().ok()
    });
    origins.any(|origin| {
        let is_listed = listed.iter().any(|known| origin == known);
        let is_own = host.as_ref().is_some_and(|host| is_of(origin, host));
        !is_listed && !is_own
    })
}

/// Returns true if an origin is that of pages of this host. A host without a port has that of the
/// scheme, which only the origin names: TLS may end at a proxy.
fn is_of(origin: &HeaderValue, host: &Authority) -> bool {
    let origin = origin
        .to_str()
        .ok()
        .and_then(|text| text.parse::<Uri>().ok());
    let Some((scheme, page)) = origin
        .as_ref()
        .and_then(|origin| origin.scheme().zip(origin.authority()))
    else {
        return false;
    };
    let usual = if *scheme == Scheme::HTTPS { 443 } else { 80 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
    page.host().eq_ignore_ascii_case(host.host()) && port(page) == port(host)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Uri};

    use super::is_foreign;
    use crate::config::Cors;

    fn foreign(cors: Cors<'_>, lines: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().expect("a header value"));
        }
        is_foreign(&headers, &Uri::from_static("/x"), cors)
    }

    #[test]
    fn only_our_own_pages_and_those_that_are_named_may_ask() {
        let listed = ["https://grafana.lan".to_owned()];
        let (none, some) = (Cors::Listed(&[]), Cors::Listed(&listed));
        for (host, origin, is_ours) in [
            ("localhost:8086", "http://localhost:8086", true),
            ("LOCALHOST:8086", "http://localhost:8086", true),
            ("localhost:8086", "http://localhost:3000", false),
            ("localhost:8086", "http://localhost", false),
            ("tide.lan", "https://tide.lan", true),
            ("tide.lan", "http://tide.lan:80", true),
            ("tide.lan", "https://tide.lan:8443", false),
            ("[::1]:8086", "http://[::1]:8086", true),
            ("localhost:8086", "https://evil.example", false),
            ("localhost:8086", "null", false),
            ("localhost:8086", "", false),
            ("localhost:8086", "https://grafana.lan", false),
        ] {
            let lines = [("host", host), ("origin", origin)];
            assert_eq!(foreign(none, &lines), !is_ours, "{host} {origin}");
            assert!(!foreign(Cors::Any, &lines), "{host} {origin}");
        }
        let named = [("host", "a"), ("origin", "https://grafana.lan")];
        assert!(!foreign(some, &named));
        let both = [named[0], named[1], ("origin", "https://evil.example")];
        assert!(foreign(some, &both), "each of them counts");
    }

    /// From a bug: behind a proxy that puts its own name for us into `Host`, our own pages counted
    /// as foreign.
    #[test]
    fn a_page_that_the_browser_calls_ours_may_ask_whatever_host_a_proxy_names() {
        let behind_proxy = |site| {
            let lines = [
                ("host", "127.0.0.1:8086"),
                ("origin", "https://tide.example"),
                ("sec-fetch-site", site),
            ];
            foreign(Cors::Listed(&[]), &lines)
        };
        assert!(!behind_proxy("same-origin"));
        for other in ["same-site", "cross-site", "none", ""] {
            assert!(behind_proxy(other), "{other}");
        }
        let both = [
            ("host", "a"),
            ("origin", "https://evil.example"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "cross-site"),
        ];
        assert!(foreign(Cors::Listed(&[]), &both), "each of them counts");
    }

    #[test]
    fn a_browser_that_names_no_origin_says_whether_the_site_is_another() {
        let none = Cors::Listed(&[]);
        assert!(foreign(none, &[("sec-fetch-site", "cross-site")]));
        assert!(!foreign(Cors::Any, &[("sec-fetch-site", "cross-site")]));
        for own in ["same-origin", "same-site", "none"] {
            assert!(!foreign(none, &[("sec-fetch-site", own)]), "{own}");
        }
        assert!(!foreign(none, &[("host", "localhost")]), "a program");
        assert!(!foreign(none, &[]));
    }
}
