//! The sender of a request, and what it may do.

use std::sync::Arc;

use super::credential::Credentials;
use super::refusal::Refusal;
use crate::catalog::{Catalog, Token, TokenHash, TokenId};

/// The sender of a request.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Authentication is off: everything is permitted.
    Anyone,
    /// The holder of this token.
    Token(Arc<Token>),
}

impl Identity {
    /// Returns true if the bucket of this name may be written, and created by writing to it.
    pub fn may_write(&self, bucket: &str) -> bool {
        match self {
            Self::Anyone => true,
            Self::Token(token) => token.permissions.allows_write(bucket),
        }
    }

    /// Returns true if the bucket of this name may be read.
    pub fn may_read(&self, bucket: &str) -> bool {
        match self {
            Self::Anyone => true,
            Self::Token(token) => token.permissions.allows_read(bucket),
        }
    }

    /// Returns true if this sender may know that the bucket of this name exists: it may read or
    /// write it.
    pub fn may_see(&self, bucket: &str) -> bool {
        self.may_read(bucket) || self.may_write(bucket)
    }

    /// Returns true if tokens and buckets may be managed.
    pub fn may_manage(&self) -> bool {
        match self {
            Self::Anyone => true,
            Self::Token(token) => token.is_operator(),
        }
    }

    /// The token's id, which is not secret.
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Anyone => None,
            Self::Token(token) => Some(token.id),
        }
    }
}

/// The holder of the token that a request carries, if the token is known and has not expired by
/// `now_ns` (nanoseconds since the epoch).
pub fn identify(
    credentials: &Credentials<'_>,
    catalog: &Catalog,
    now_ns: i64,
) -> Result<Identity, Refusal> {
    let secrets = credentials.secrets();
    let mut tokens = secrets
        .iter()
        .filter_map(|secret| catalog.token(&TokenHash::of(secret)));
    match tokens.next() {
        Some(token) if !token.is_expired(now_ns) => Ok(Identity::Token(token)),
        Some(_) | None => Err(Refusal::Unauthorized),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::HeaderMap;
    use http::header::AUTHORIZATION;

    use super::Identity;
    use crate::auth::{Credentials, Forms, Refusal};
    use crate::catalog::{Catalog, Limits, NewToken, Permissions, Scope};
    use crate::clock::Clock;
    use crate::storage::FaultStorage;

    fn catalog() -> Catalog {
        let limits = Limits {
            buckets_max: 10,
            tokens_max: 1000,
        };
        Catalog::open(Arc::new(FaultStorage::new(1)), Clock::manual(0), limits).expect("opens")
    }

    fn identify(headers: &HeaderMap, catalog: &Catalog, now_ns: i64) -> Result<Identity, Refusal> {
        let credentials = Credentials {
            headers,
            query: None,
            forms: Forms::Header,
        };
        super::identify(&credentials, catalog, now_ns)
    }

    fn with(secret: &str) -> HeaderMap {
        let value = format!("Token {secret}").parse().expect("a header value");
        HeaderMap::from_iter([(AUTHORIZATION, value)])
    }

    fn new_token(expires_ns: Option<i64>) -> NewToken {
        let (read, write) = (Scope::of(["r"]), Scope::of(["w"]));
        let permissions = Permissions {
            operator: false,
            read,
            write,
        };
        NewToken {
            description: String::new(),
            permissions,
            expires_ns,
        }
    }

    #[test]
    fn a_token_permits_what_it_says_and_no_token_needed_permits_all() {
        let catalog = catalog();
        let (secret, token) = catalog.create_token(new_token(None)).expect("made");
        let identity = identify(&with(secret.reveal()), &catalog, 5).expect("known");
        assert_eq!(identity.token_id(), Some(token.id));
        assert!(identity.may_write("w") && !identity.may_write("r"));
        assert!(identity.may_read("r") && !identity.may_read("w"));
        assert!(Identity::Anyone.may_write("x") && Identity::Anyone.may_read("x"));
        assert_eq!(Identity::Anyone.token_id(), None);
    }

    #[test]
    fn unknown_expired_and_absent_tokens_are_refused_alike() {
        let catalog = catalog();
        let (secret, _) = catalog.create_token(new_token(Some(100))).expect("made");
        assert!(identify(&with(secret.reveal()), &catalog, 99).is_ok());
        let expired = with(secret.reveal());
        for headers in [expired, with("unknown"), HeaderMap::new()] {
            let refusal = identify(&headers, &catalog, 100).expect_err("refused");
            assert_eq!(refusal, Refusal::Unauthorized);
            assert_eq!(refusal.to_string(), "unauthorized access");
        }
    }
}
