//! The sender of a request, and what it may do (contract section 2).
//!
//! ```text
//! Authorization: Token X | Bearer X | Basic base64(user:X)   =>   X   =>   SHA-256   =>   Token
//! v1 also: Token user:X | ?u=user&p=X
//! ```
//!
//! Promises: the refusal is the same whatever is wrong with a credential; a secret is looked up by
//! its hash and never logged, kept or compared; a token that is revoked or expires is refused from
//! the next request on, on open connections too, because every request is looked up anew.
//!
//! This module does not know routes (the route table says which of them require a token) or status
//! codes: [`Gate::refuse`] makes the answer.

mod credential;
mod header;
mod identity;
mod layer;
mod rate;
mod reason;

pub use credential::{Credentials, Forms};
pub use identity::{Identity, identify};
pub use layer::{AuthLayer, Authenticated, Gate};
pub use rate::RateLimit;
pub use reason::Reason;

use thiserror::Error;

/// The reason for which a request was refused before anything else in it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// There is no credential, or it cannot be read, or it is unknown or expired: all look the
    /// same.
    #[error("unauthorized access")]
    Unauthorized,
    /// The server is starting and does not know the tokens yet.
    #[error("the server is starting")]
    Starting,
    /// The token is valid, but not an operator's.
    #[error("insufficient permissions: an operator token is needed")]
    OperatorOnly,
    /// The token sends more requests than it may.
    #[error(
        "more than {per_second} requests a second with this token (connection.token_requests_per_second)"
    )]
    TooManyRequests {
        /// The number of requests that it may send per second.
        per_second: u32,
        /// The whole seconds after which it may try again; at least 1.
        retry_after_s: u32,
    },
}
