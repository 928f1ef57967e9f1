//! The reason for which a credential was refused, for our own log. The client never sees it: to a
//! stranger all refusals look the same.

use std::borrow::Cow;

use http::header::AUTHORIZATION;

use super::Credentials;
use crate::catalog::{Catalog, TokenHash};

/// The fault of a refused credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Reason {
    /// There is no credential.
    Missing = 1,
    /// There is a header, or several, but no secret in it.
    Unreadable = 2,
    /// No token has that secret.
    Unknown = 4,
    /// The token has expired.
    Expired = 8,
}

impl Reason {
    /// The reason for a request that was refused as unauthorized.
    pub fn of(credentials: &Credentials<'_>, catalog: &Catalog) -> Self {
        let secrets = credentials.secrets();
        let is_known = |secret: &Cow<'_, [u8]>| catalog.token(&TokenHash::of(secret)).is_some();
        match () {
            () if secrets.iter().any(is_known) => Self::Expired,
            () if !secrets.is_empty() => Self::Unknown,
            () if credentials.headers.contains_key(AUTHORIZATION) => Self::Unreadable,
            () => Self::Missing,
        }
    }

    /// Advice for the operator of the server.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Missing => {
                "it carries no token: set one in the client, which sends it as \
                 `Authorization: Token …`"
            }
            Self::Unreadable => {
                "its Authorization header is not understood: one is expected, with `Token …`, \
                 `Bearer …` or `Basic` and base64 of user:token"
            }
            Self::Unknown => {
                "its token is not known here: the operator's was printed at the very first start of \
                 this data folder, or is what TIDEGATE_INIT_TOKEN was then"
            }
            Self::Expired => "its token has expired: make a new one",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::Reason;
    use crate::auth::{Credentials, Forms};
    use crate::catalog::{Catalog, Limits};
    use crate::clock::Clock;
    use crate::storage::FaultStorage;

    #[test]
    fn each_refusal_has_its_reason() {
        let limits = Limits {
            buckets_max: 10,
            tokens_max: 1000,
        };
        let storage = Arc::new(FaultStorage::new(1));
        let catalog = Catalog::open(storage, Clock::manual(0), limits).expect("opens");
        let known = "0123456789abcdef0123456789abcdef";
        catalog.ensure_operator(Some(known)).expect("made");
        let with = |value: &str| {
            let value = value.parse().expect("a header value");
            HeaderMap::from_iter([(AUTHORIZATION, value)])
        };
        for (headers, reason) in [
            (HeaderMap::new(), Reason::Missing),
            (with("Token"), Reason::Unreadable),
            (with(known), Reason::Unreadable),
            (with("Token unknown"), Reason::Unknown),
            // The token is known, so it was refused because it has expired.
            (with(&format!("Token {known}")), Reason::Expired),
        ] {
            let credentials = Credentials {
                headers: &headers,
                query: None,
                forms: Forms::Header,
            };
            assert_eq!(Reason::of(&credentials, &catalog), reason, "{headers:?}");
        }
    }
}
