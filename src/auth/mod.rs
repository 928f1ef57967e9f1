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
mod refusal;

pub use credential::{Credentials, Forms};
pub use identity::{Identity, identify};
pub use layer::{AuthLayer, Authenticated, Gate};
pub use rate::RateLimit;
pub use reason::Reason;
pub use refusal::Refusal;
