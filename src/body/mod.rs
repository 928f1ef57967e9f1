//! Bodies of requests: from the wire into memory that was asked for first.
//!
//! ```text
//! Content-Encoding ─ known? ─ Content-Length ─ within the limit? ─ room ─ read ───── decode
//!                    415                        413                503    408, 503   400, 413, 503
//! ```
//!
//! Promises: the first byte is asked for only once there was room for everything that is announced,
//! and no memory is held while waiting for that room; memory is then taken as bytes arrive, so that
//! an announcement costs others nothing. A body that finds no memory when it needs more waits at
//! most `memory.wait_ms_max` with what it has, and slower bodies yield to it (`uploads`). A body is
//! bounded both as sent and as decoded; one that arrives too slowly is cut off. If a decoder itself
//! needs more than a few pages, they are taken from the same memory.
//!
//! This module knows neither what happens to the unread rest of a refused request nor status codes.

mod arriving;
mod decode;
mod decoder;
mod deflate;
mod encoding;
mod error;
mod growing;
mod gzip;
mod incoming;
mod looks;
mod member;
mod pace;
mod receive;
mod uploads;
mod zstd;

pub use arriving::arriving;
pub use encoding::Encoding;
pub use error::BodyError;
pub use receive::{Limits, Received, Receiver};
