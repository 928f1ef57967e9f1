//! The refusals of requests by their credentials. The texts are for clients.

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
        "more than {per_second} requests per second with this token (connection.token_requests_per_second)"
    )]
    TooManyRequests {
        /// The number of requests that it may send per second.
        per_second: u32,
        /// The whole seconds after which it may try again; at least 1.
        retry_after_s: u32,
    },
}
