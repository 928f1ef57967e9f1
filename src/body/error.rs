//! What can be wrong with a body.

use std::time::Duration;

use thiserror::Error;

use crate::memory::Exhausted;

/// Why a body was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// A `Content-Encoding` that there is no decoder for.
    #[error("unacceptable content-encoding: {encoding}")]
    UnknownEncoding {
        /// As the client named it, cut.
        encoding: String,
    },
    /// More bytes than a limit allows, or than the memory could ever hold.
    #[error("unable to read data: points batch is too large")]
    TooLarge {
        /// The limit that was hit.
        bytes_max: u64,
    },
    /// There is no memory for it now.
    #[error("no memory for the body now: {0}")]
    Overloaded(Exhausted),
    /// Bodies on their way hold all that they may.
    #[error(
        "no memory for the body now: bodies on their way hold {held_bytes} bytes, their share is {share_bytes}, half of what memory.budget_bytes leaves for requests"
    )]
    Crowded {
        /// What they hold.
        held_bytes: u64,
        /// What they may hold.
        share_bytes: u64,
    },
    /// Others needed its memory and came faster.
    #[error(
        "memory is short and the body came more slowly than others, which took its place: send it again"
    )]
    Yielded,
    /// It is not what its encoding promises.
    #[error("error decoding {encoding} stream: {reason}")]
    Undecodable {
        /// The encoding.
        encoding: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// It is encoded, and no header says so.
    #[error(
        "the body is {encoding}, but the request does not say so: the header \
         `Content-Encoding: {encoding}` is missing"
    )]
    Undeclared {
        /// The encoding.
        encoding: &'static str,
    },
    /// Nothing came for too long.
    #[error("no byte of the body came for {} ms (connection.body_idle_timeout_ms)", .0.as_millis())]
    Idle(Duration),
    /// It came too slowly.
    #[error(
        "the body brought {bytes} bytes in {} ms, at least {rate_bytes_min} a second are expected (connection.body_rate_bytes_min)",
        .window.as_millis()
    )]
    TooSlow {
        /// What came.
        bytes: u64,
        /// In this time of waiting for it.
        window: Duration,
        /// What should come in a second.
        rate_bytes_min: u64,
    },
    /// It ended too early, or its framing is broken.
    #[error("the body ended too early or is not framed as its headers say")]
    Broken,
    /// A fault of ours.
    #[error("the body was lost inside the server: {0}")]
    Internal(&'static str),
}

impl From<Exhausted> for BodyError {
    fn from(exhausted: Exhausted) -> Self {
        if exhausted.fits_when_idle() {
            Self::Overloaded(exhausted)
        } else {
            Self::TooLarge {
                bytes_max: exhausted.hard_bytes,
            }
        }
    }
}
