//! Gzip in one go: a body that is a single member, decoded by a library that needs all of the input and
//! room for all of the output, and takes a little over half the time for it.
//!
//! It decides nothing. Whatever does not come out exactly as its last bytes claim is decoded again by
//! [`Members`](super::gzip::Members), which finds the words for what is wrong, and goes on where there is
//! more than one member. So both have to agree on what is good:
//!
//! - The library ignores what follows the member. If the four bytes of the claim are nowhere else, then
//!   the member that ends with them ends where the body does.
//! - It does not look at the checksum of a header. No encoder writes one unless asked to, and so a header
//!   with any flag is left to the other.
//! - It takes some codes that the other refuses and that no encoder makes: unused symbols, a single code
//!   where there should be two. Even so, the checksum vouches for the text.

use libdeflater::Decompressor;
use memchr::memmem;

use super::gzip::{self, MAGIC_AND_METHOD};
use crate::narrow;

/// A header without flags, and the end of a member.
const BYTES_MIN: usize = 18;

/// The bytes that the body comes to if it is a single member, as far as can be told from outside.
pub(super) fn at_once_bytes(wire: &[u8]) -> Option<usize> {
    let is_plain = wire.starts_with(MAGIC_AND_METHOD) && wire.get(3) == Some(&0);
    let claim = wire.last_chunk::<4>()?;
    let is_last = || memmem::find(wire, claim) == wire.len().checked_sub(claim.len());
    if wire.len() < BYTES_MIN || !is_plain || !is_last() {
        return None;
    }
    gzip::claim(wire).map(narrow::to_usize)
}

/// Decodes a body that [`at_once_bytes`] accepts into room of that length; returns true if it is good and
/// fills the room. Otherwise there is anything in the room.
pub(super) fn decode(wire: &[u8], room: &mut [u8]) -> bool {
    Decompressor::new().gzip_decompress(wire, room) == Ok(room.len())
}
