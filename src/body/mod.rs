//! Bodies of requests: from the wire into memory that was asked for first.
//!
//! ```text
//! Content-Encoding ─ known? ─ Content-Length ─ within the limit? ─ room ─ read ───── decode
//!                    415                        413                503    408, 503   400, 413, 503
//! ```
//!
//! Promises: before the first byte is asked for there was room for all that is announced, waited for
//! with empty hands; but memory is taken as bytes come, so that announcing costs others nothing. A
//! body that finds none when it needs more waits at most `memory.wait_ms_max` with what it has, and
//! those that come more slowly yield to it (`uploads`). A body is bounded as it is sent and as it is
//! decoded; one that comes too slowly is cut. What a decoder needs for itself is taken from the same
//! memory where it is more than a few pages.
//!
//! What is not read of a refused request is none of this module's business, nor are status codes.

mod decode;
mod decoder;
mod deflate;
mod encoding;
mod error;
mod growing;
mod gzip;
mod incoming;
mod looks;
mod pace;
mod receive;
mod uploads;
mod zstd;

pub use encoding::Encoding;
pub use error::BodyError;
pub use receive::{Limits, Received, Receiver};
