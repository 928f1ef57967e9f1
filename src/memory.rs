//! The one budget of bytes (design decision D8): bodies in flight, queued batches, buffered
//! columns and what readers copy all take their memory from here, so that it never grows with
//! load.
//!
//! A [`Reservation`] is the right to hold that many bytes; dropping it gives them back. Requests
//! may reserve up to the hard mark; only replay, which restores what was accepted before, may pass
//! it ([`Budget::force`]). Nobody waits while holding a reservation that another waiter needs: a
//! caller that waits must hold nothing ([`Budget::reserve_within`]), and growing never waits. (A
//! body that arrives from a client tries again for a bounded time while others yield: see `body`.)
//!
//! ```text
//! 0 ............ soft mark ............ hard mark | flushing (2/3) | kept of tables (1/3) | budget
//! ```
//!
//! The part above the hard mark is set aside for the lake, because flushing is the way out of
//! memory: however full the rest is, a flush can proceed. Flushes share [`Marks::flush_bytes`] in
//! the order of their arrival ([`Budget::flush_share`]) and cut their work so that each piece fits.
//! This share is always theirs and not counted as used. The state kept of tables takes at most
//! [`Marks::kept_bytes`]; it comes and goes, so it is counted.

mod budget;
mod marks;
mod room;
#[cfg(test)]
mod tests;

pub use budget::{Budget, Exhausted, FlushShare, Reservation};
pub use marks::Marks;
pub use room::{Room, Turn};
