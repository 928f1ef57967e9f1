//! A strict guard in front of the HTTP parser.
//!
//! The parser is lenient where RFC 9112 allows it: it accepts a bare LF as a line end, drops a
//! `Content-Length` beside `Transfer-Encoding`, merges two equal lengths, and its own refusals
//! carry neither our error body nor a request id. If a proxy in front reads such a request
//! differently, requests can be smuggled. So every byte of an HTTP/1 connection passes here first:
//!
//! ```text
//! head: held back until it is whole, then checked  ┬ good: passed on as it came
//!                                                  └ bad:  replaced by a request for the refusal
//! body: passed through, only its end is found (by length, or chunk by chunk)
//! ```
//!
//! The replacement is a request with the method [`REFUSED`], which is useless to clients: the
//! reason is in [`Refusals`], from where the connection's service takes it. It passes through the
//! same layers as all requests, so its answer looks like every other. After it nothing more is
//! read.
//!
//! HTTP/2 is recognised by its preface and passed through. The guard also limits the time in which
//! a head must arrive, and ends a connection whose peer takes nothing for too long.
//!
//! # Why a parser of our own
//!
//! hyper 1.12 alone, with a small layer above it, was held against the 55 ambiguous requests in
//! `tests/it/http/framing.rs` (issue 10, section 3). It refuses 42 of them, 31 without our error
//! body. The layer can refuse 5. The other 8 are out of its reach, because what was wrong is gone
//! by the time a request arrives there, and 7 of them are served:
//!
//! - a line of the head that ends with LF alone;
//! - `Content-Length` beside `Transfer-Encoding` in either order, and two equal `Content-Length`s;
//! - a space after a chunk's size, a trailer that ends with LF alone (the next request is then read
//!   as more trailers), and a chunk of 2^64 - 1 bytes, for which it waits.
//!
//! hyper's time for a head does not fit either: it also limits how long a connection may be idle
//! between requests, and it does not run before the first byte.
//!
//! Without the parser, 565 of the 940 lines here would go. What gives a connection back so that it
//! is closed with care, and what limits the time of writes, would stay.
//! The guard takes 1 to 2 µs of the processor for a write of one line; for a write of 1 MB no difference
//! can be measured.

mod chunks;
mod guard;
mod head;
mod limits;
mod presence;
mod remains;
mod stream;
#[cfg(test)]
mod tests;
mod timer;

pub(super) use guard::{Guard, REFUSED, Refusals};
pub(super) use head::Refusal;
pub(super) use limits::Limits;
pub(super) use presence::{Needed, Presence};
pub(super) use remains::{Goodbye, Returned};
