//! The errors of bodies.

use std::time::Duration;

use thiserror::Error;

use crate::memory::Exhausted;

/// The reason for which a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// There is no decoder for its `Content-Encoding`.
    #[error("unacceptable content-encoding: {encoding}")]
    UnknownEncoding {
        /// The encoding as the client named it, cut short.
        encoding: String,
    },
    /// It has more bytes than a limit allows, or than memory could ever hold.
    #[error("unable to read data: points batch is too large")]
    TooLarge {
        /// The limit that was exceeded.
        bytes_max: u64,
    },
    /// There is no memory for it now.
    #[error("no memory for the body now: {0}")]
    Overloaded(Exhausted),
    /// Bodies in transit hold all the memory that they may.
    #[error(
        "no memory for the body now: unfinished bodies hold {held_bytes} bytes, and their share is {share_bytes}, half of what memory.budget_bytes leaves for requests"
    )]
    Crowded {
        /// The bytes that they hold.
        held_bytes: u64,
        /// The bytes that they may hold.
        share_bytes: u64,
    },
    /// Faster bodies needed its memory.
    #[error(
        "memory is short, and the body arrived more slowly than others, which took its place: send it again"
    )]
    Yielded,
    /// It is not valid in its encoding.
    #[error("error decoding {encoding} stream: {reason}")]
    Undecodable {
        /// The encoding.
        encoding: &'static str,
        /// The fault.
        reason: String,
    },
    /// It is encoded, but no header says so.
    #[error(
        "the body is {encoding}, but the request does not say so: the header \
         `Content-Encoding: {encoding}` is missing"
    )]
    Undeclared {
        /// The encoding.
        encoding: &'static str,
    },
    /// No byte arrived for too long.
    #[error("no byte of the body arrived for {} ms (connection.body_idle_timeout_ms)", .0.as_millis())]
    Idle(Duration),
    /// It arrived too slowly.
    #[error(
        "{bytes} bytes of the body arrived in {} ms, and at least {rate_bytes_min} per second are expected (connection.body_rate_bytes_min)",
        .window.as_millis()
    )]
    TooSlow {
        /// The bytes that arrived.
        bytes: u64,
        /// The time that the server waited for them.
        window: Duration,
        /// The bytes per second that are expected.
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
