//! Who is asking, and what they may do (contract section 2).
//!
//! ```text
//! Authorization: Token X | Bearer X | Basic base64(user:X)   =>   X   =>   SHA-256   =>   Token
//! v1 also: Token user:X | ?u=user&p=X
//! ```
//!
//! Promises: whatever is wrong with a credential, the refusal is the same; a secret is looked up
//! by its hash and never logged, kept or compared; a token that is revoked or expires is refused
//! from the next request on, on open connections too, because every request is looked up anew.
//!
//! This module does not know routes (which of them ask for a token stands in the one route table)
//! nor status codes: [`Gate::refuse`] makes the answer.

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

/// Why a request was turned away before anything else about it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No credential, one that cannot be read, or one that is unknown or expired: all the same.
    #[error("unauthorized access")]
    Unauthorized,
    /// Tokens are not known yet: the server is starting.
    #[error("the server is starting")]
    Starting,
    /// The token is valid, but not an operator's.
    #[error("insufficient permissions: an operator token is needed")]
    OperatorOnly,
    /// The token asks more often than it may.
    #[error(
        "more than {per_second} requests a second with this token (connection.token_requests_per_second)"
    )]
    TooManyRequests {
        /// What it may.
        per_second: u32,
        /// Whole seconds after which it may ask again; at least 1.
        retry_after_s: u32,
    },
}
