//! What the decoders of all encodings have in common.

use std::io::Read;

/// A decoder over a whole body. It ends with an error if the body does not end where it should.
pub(super) trait Decode: Read + Send {
    /// Bytes of memory that it will hold for itself once it was read from into a chunk of this
    /// length, if that is worth counting.
    fn own_bytes(&mut self, _chunk_bytes: usize) -> u64 {
        0
    }
}
