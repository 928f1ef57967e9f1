//! Who a request comes from, and what that permits.

use std::sync::Arc;

use http::HeaderMap;

use super::{Refusal, secret_of};
use crate::catalog::{Catalog, Token, TokenHash, TokenId};

/// Who a request comes from.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Authentication is off: everything is permitted.
    Anyone,
    /// The holder of this token.
    Token(Arc<Token>),
}

impl Identity {
    /// Whether the bucket of this name may be written, and created by writing to it.
    pub fn may_write(&self, bucket: &str) -> bool {
        match self {
            Self::Anyone => true,
            Self::Token(token) => token.permissions.allows_write(bucket),
        }
    }

    /// Whether the bucket of this name may be read.
    pub fn may_read(&self, bucket: &str) -> bool {
        match self {
            Self::Anyone => true,
            Self::Token(token) => token.permissions.allows_read(bucket),
        }
    }

    /// The token, by the name that is not secret.
    pub fn token_id(&self) -> Option<TokenId> {
        match self {
            Self::Anyone => None,
            Self::Token(token) => Some(token.id),
        }
    }
}

/// The holder of the token that these headers carry, if it is known and has not ended by `now_ns`
/// (nanoseconds since the epoch).
pub fn identify(
    headers: &HeaderMap,
    catalog: &Catalog,
    now_ns: i64,
) -> Result<Identity, Refusal> {
    let secret = secret_of(headers).ok_or(Refusal::Unauthorized)?;
    match catalog.token(&TokenHash::of(&secret)) {
        Some(token) if !token.is_expired(now_ns) => Ok(Identity::Token(token)),
        Some(_) | None => Err(Refusal::Unauthorized),
    }
}
