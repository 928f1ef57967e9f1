//! The trait of the decoders of all encodings.

use std::io::Read;

/// A decoder for a whole body. It ends with an error if the body does not end where it should.
pub(super) trait Decode: Read + Send {
    /// The memory in bytes that the decoder itself will hold after the next read into a chunk of
    /// this length; 0 if that is not worth counting.
    fn own_bytes(&mut self, _chunk_bytes: usize) -> u64 {
        0
    }
}
