//! Gzip with all its members (RFC 1952, section 2.2): the output of `cat a.gz b.gz` is one body.
//!
//! The library decodes one member; the loop over members is ours, because the library's own accepts
//! some kinds of trailing garbage. Here everything after a member is either another member or an
//! error.

use std::io::{Error, ErrorKind, Read, Result};

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use flate2::bufread::GzDecoder;

use super::decoder::Decode;

pub(super) const MAGIC: &[u8] = &[0x1f, 0x8b];
/// The magic bytes, and the only method that exists.
pub(super) const MAGIC_AND_METHOD: &[u8] = &[0x1f, 0x8b, 8];

/// The best ratio that deflate can reach.
const RATIO_MAX: u64 = 1032;

/// Decodes member after member. The caller caps the output.
pub(super) struct Members {
    decoder: GzDecoder<Reader<Bytes>>,
    ended: bool,
}

impl Members {
    /// A decoder for a whole body.
    pub(super) fn new(wire: Bytes) -> Self {
        Self {
            decoder: GzDecoder::new(wire.reader()),
            ended: false,
        }
    }

    /// Continues with the next member, if there is one.
    fn advance(&mut self) -> Result<()> {
        let rest = std::mem::take(self.decoder.get_mut().get_mut());
        if rest.is_empty() {
            self.ended = true;
            return Ok(());
        }
        if !rest.starts_with(MAGIC) {
            let reason = format!("{} bytes follow the last member", rest.len());
            return Err(Error::new(ErrorKind::InvalidData, reason));
        }
        self.decoder.reset(rest.reader());
        Ok(())
    }
}

impl Read for Members {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        while !self.ended && !out.is_empty() {
            match self.decoder.read(out) {
                Ok(0) => self.advance()?,
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Err(Error::new(ErrorKind::UnexpectedEof, "it ends too early"));
                }
                result => return result,
            }
        }
        Ok(0)
    }
}

impl Decode for Members {}

/// The length that the last member claims, if these bytes could decode to it.
pub(super) fn claim(wire: &[u8]) -> Option<u64> {
    let length = u32::from_le_bytes(*wire.last_chunk::<4>()?);
    let possible = u64::try_from(wire.len()).ok()?.saturating_mul(RATIO_MAX);
    (u64::from(length) <= possible).then_some(u64::from(length))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::{Members, claim};

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn decode(wire: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let result = Members::new(Bytes::from(wire)).read_to_end(&mut out);
        result.map(|_| out).map_err(|error| error.to_string())
    }

    #[test]
    fn every_member_is_decoded_empty_ones_too() {
        let wire = [gzip(b"a\n"), gzip(b""), gzip(b"b\n")].concat();
        assert_eq!(decode(wire).expect("decodes"), b"a\nb\n");
        assert_eq!(decode(gzip(b"")).expect("decodes"), b"");
    }

    #[test]
    fn whatever_follows_the_last_member_is_an_error() {
        for garbage in [&b"x"[..], b"\0", b"\0\0\0\0\0\0\0\0", b"\x1f", b"m f=1 1\n"] {
            let wire = [gzip(b"a\n"), garbage.to_vec()].concat();
            let reason = format!("{} bytes follow the last member", garbage.len());
            assert_eq!(decode(wire), Err(reason));
        }
        let broken = [gzip(b"a\n"), b"\x1f\x8b\x07".to_vec()].concat();
        assert!(decode(broken).is_err());
    }

    #[test]
    fn a_stream_cut_anywhere_is_an_error() {
        let wire = gzip(b"m f=1 1\nm f=2 2\n");
        for end in 1..wire.len() {
            assert!(decode(wire[..end].to_vec()).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn damage_is_an_error() {
        assert!(decode(b"not gzip".to_vec()).is_err());
        let mut wire = gzip(b"m f=1 1\n");
        let checksum = wire.len() - 8;
        wire[checksum] ^= 1;
        assert!(decode(wire).is_err());
    }

    #[test]
    fn a_claim_that_is_impossible_is_not_believed() {
        assert_eq!(claim(&gzip(&[b'a'; 5000])), Some(5000));
        assert_eq!(claim(&[0x1f, 0x8b, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(claim(b"abc"), None);
    }
}
