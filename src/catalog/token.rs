//! Tokens: 256 random bits shown once, kept as a SHA-256 hash (design decision D11).
//!
//! A plain hash is enough: the secret is random and long, there is nothing to guess. Looking up
//! by hash means that no comparison runs over a secret.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Permissions;

/// The id of a token, for lists and revocation; not secret.
pub type TokenId = u64;

/// The SHA-256 hash of a secret.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes the text that a client sent.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

// Constant time: the duration of a comparison does not reveal how much of a hash agrees.
impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl std::hash::Hash for TokenHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl Serialize for TokenHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).map_err(serde::de::Error::custom)?;
        Ok(Self(hash))
    }
}

/// The secret itself. It has no `Debug` that shows it and is never logged.
pub struct Secret(String);

impl Secret {
    /// Returns 256 random bits from the system as 64 hexadecimal digits.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::encode(bytes)))
    }

    /// Returns a secret that the operator chose.
    pub(super) fn chosen(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text to hand over, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A token to be made.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// A description for people.
    pub description: String,
    /// Its permissions.
    pub permissions: Permissions,
    /// The time at which it expires, in nanoseconds since the epoch; absent for never.
    pub expires_ns: Option<i64>,
}

/// A token as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Its id in lists.
    pub id: TokenId,
    hash_sha256: TokenHash,
    /// A description for people.
    pub description: String,
    /// Its permissions.
    pub permissions: Permissions,
    /// The time of its creation, in nanoseconds since the epoch.
    pub created_ns: i64,
    /// The time at which it expires, in nanoseconds since the epoch; absent for never.
    pub expires_ns: Option<i64>,
}

impl Token {
    pub(super) fn new(id: TokenId, hash: TokenHash, new: NewToken, created_ns: i64) -> Self {
        let NewToken {
            description,
            permissions,
            expires_ns,
        } = new;
        Self {
            id,
            hash_sha256: hash,
            description,
            permissions,
            created_ns,
            expires_ns,
        }
    }

    pub(super) fn hash(&self) -> TokenHash {
        self.hash_sha256
    }

    /// Returns true if it may do everything, management included.
    pub fn is_operator(&self) -> bool {
        self.permissions.is_operator()
    }

    /// Returns true if it has expired by `now_ns`.
    pub fn is_expired(&self, now_ns: i64) -> bool {
        self.expires_ns
            .is_some_and(|expires_ns| expires_ns <= now_ns)
    }
}
