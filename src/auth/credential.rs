//! The places where a request may carry its secret: the header everywhere, and on the v1 endpoints
//! also the query string, as v1 clients send it.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue};
use smallvec::{SmallVec, smallvec};

use super::header::{Scheme, secret_of};

/// The forms of credentials that an endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forms {
    /// The `Authorization` header.
    Header,
    /// Also `?u=user&p=X`, and `Authorization: Token user:X` (contract section 2).
    HeaderOrQuery,
}

/// The parts of a request that can say who sent it.
#[derive(Clone, Copy, Debug)]
pub struct Credentials<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its query string.
    pub query: Option<&'a str>,
    /// The forms that count.
    pub forms: Forms,
}

/// The secrets of a request. There is one in most, which is not copied.
type Secrets<'a> = SmallVec<[Cow<'a, [u8]>; 2]>;

impl<'a> Credentials<'a> {
    /// The header `Authorization` with the first of the secrets, for senders that ask in which form
    /// to send it from now on. Absent if there is no secret, or one that a header cannot carry.
    pub fn bearer(&self) -> Option<HeaderValue> {
        let secret = self.secrets().into_iter().next()?;
        let bytes = [b"Bearer ".as_slice(), &secret].concat();
        let mut value = HeaderValue::from_bytes(&bytes).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// The secrets that the sender may mean, the most likely first; empty if there is none. A
    /// readable header wins over the query string.
    pub(super) fn secrets(&self) -> Secrets<'a> {
        match (secret_of(self.headers), self.forms) {
            (Some((_, secret)), Forms::Header) => smallvec![secret],
            (Some((Scheme::Token, secret)), Forms::HeaderOrQuery) => with_user(secret),
            (Some((_, secret)), Forms::HeaderOrQuery) => smallvec![secret],
            (None, Forms::Header) => Secrets::new(),
            (None, Forms::HeaderOrQuery) => password(self.query.unwrap_or_default()),
        }
    }
}

/// The secret as a whole, then the part after its first colon, if it has one: a token may contain a
/// colon itself.
fn with_user(secret: Cow<'_, [u8]>) -> Secrets<'_> {
    let mut halves = secret.splitn(2, |byte| *byte == b':').skip(1);
    let behind_user = halves.next().filter(|half| !half.is_empty());
    let behind_user = behind_user.map(|half| Cow::Owned(half.to_vec()));
    std::iter::once(secret).chain(behind_user).collect()
}

/// The value of `p`, without blanks around it, if it is given once and is not empty.
fn password<'a>(query: &str) -> Secrets<'a> {
    let mut found = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == "p")
        .map(|(_, value)| value.trim_ascii().to_owned().into_bytes());
    match (found.next(), found.next()) {
        (Some(secret), None) if !secret.is_empty() => smallvec![Cow::Owned(secret)],
        _ => Secrets::new(),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::{Cow, Credentials, Forms};

    fn of(header: Option<&str>, query: &str, forms: Forms) -> Vec<String> {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(AUTHORIZATION, value.parse().expect("a header value"));
        }
        let credentials = Credentials {
            headers: &headers,
            query: Some(query),
            forms,
        };
        let secrets = credentials.secrets();
        let text = |secret: Cow<'_, [u8]>| String::from_utf8(secret.into_owned()).expect("text");
        secrets.into_iter().map(text).collect()
    }

    #[test]
    fn the_query_string_counts_only_where_v1_is_spoken_and_no_header_can_be_read() {
        let query = "db=x&u=me&p=s3%3Acret+";
        assert_eq!(of(None, query, Forms::HeaderOrQuery), ["s3:cret"]);
        assert!(of(None, query, Forms::Header).is_empty());
        let header = Some("Token abc");
        assert_eq!(of(header, query, Forms::HeaderOrQuery), ["abc"]);
        let unreadable = Some("Digest abc");
        assert_eq!(of(unreadable, query, Forms::HeaderOrQuery), ["s3:cret"]);
        for none in ["", "u=me", "p=", "p=+%0a", "p=a&p=b"] {
            assert!(of(None, none, Forms::HeaderOrQuery).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_secret_of_any_scheme_can_be_sent_as_a_bearer_s() {
        let bearer = |value: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.parse().expect("a value"))]);
            let credentials = Credentials {
                headers: &headers,
                query: None,
                forms: Forms::Header,
            };
            let bearer = credentials.bearer();
            bearer.map(|bearer| bearer.to_str().expect("text").to_owned())
        };
        // `user:s3:cret`
        for value in ["Token s3:cret", "bearer s3:cret", "Basic dXNlcjpzMzpjcmV0"] {
            assert_eq!(bearer(value).as_deref(), Some("Bearer s3:cret"), "{value}");
        }
        assert_eq!(bearer("Digest x"), None);
    }

    #[test]
    fn a_user_before_the_token_is_passed_over_where_v1_is_spoken() {
        let header = Some("Token me:s3:cret");
        let both = ["me:s3:cret", "s3:cret"];
        assert_eq!(of(header, "", Forms::HeaderOrQuery), both);
        assert_eq!(of(header, "", Forms::Header), ["me:s3:cret"]);
        assert_eq!(of(Some("Token me:"), "", Forms::HeaderOrQuery), ["me:"]);
        let bearer = Some("Bearer me:s3cret");
        assert_eq!(of(bearer, "", Forms::HeaderOrQuery), ["me:s3cret"]);
    }
}
