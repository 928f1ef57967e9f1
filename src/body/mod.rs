//! Bodies of requests: from the wire into memory that was asked for first.
//!
//! ```text
//! Content-Encoding ─ known? ─ Content-Length ─ within the limit? ─ memory ─ read ─ decode
//!                    415                        413                503      408    400, 413, 503
//! ```
//!
//! Promises: not a byte is read before there is memory for it; waiting for memory is done with
//! empty hands and ends after `memory.wait_ms_max`; what turns out larger than was known takes
//! more at once or is refused, it never waits while holding; a body is bounded as it is sent and
//! as it is decoded; one that comes too slowly is cut. What a decoder needs for itself is taken from
//! the same memory where it is more than a few pages.
//!
//! What is not read of a refused request is none of this module's business, nor are status codes.

mod decode;
mod decoder;
mod deflate;
mod encoding;
mod error;
mod growing;
mod gzip;
mod looks;
mod pace;
mod receive;
mod zstd;

pub use encoding::Encoding;
pub use error::BodyError;
pub use receive::{Limits, Received, Receiver};
