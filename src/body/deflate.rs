//! `deflate`: in HTTP this is the zlib format (RFC 9110, section 8.4.1.2: RFC 1950 around RFC
//! 1951). Some clients send bare RFC 1951 all the same; no existing encoder starts that with bytes
//! that look like a zlib header, so both are accepted. A body is one stream: anything after it is
//! an error.

use std::io::{Error, ErrorKind, Read, Result};

use bytes::{Buf, Bytes};
use flate2::{Decompress, FlushDecompress, Status};

use super::decoder::Decode;
use crate::narrow;

/// Decodes one stream. The caller caps the output.
pub(super) struct Inflating {
    rest: Bytes,
    inflater: Decompress,
    ended: bool,
}

impl Inflating {
    /// A decoder for a whole body.
    pub(super) fn new(wire: Bytes) -> Self {
        Self {
            inflater: Decompress::new(is_zlib(&wire)),
            rest: wire,
            ended: false,
        }
    }

    /// Returns the number of bytes that came out, and true if there was any progress.
    fn step(&mut self, out: &mut [u8]) -> Result<(usize, bool)> {
        let before = (self.inflater.total_in(), self.inflater.total_out());
        let status = self
            .inflater
            .decompress(&self.rest, out, FlushDecompress::None)
            .map_err(|error| match error.needs_dictionary() {
                Some(_) => invalid("it needs a dictionary, compress without one".to_owned()),
                None => invalid("it is damaged".to_owned()),
            })?;
        let taken = progress(before.0, self.inflater.total_in());
        let came = progress(before.1, self.inflater.total_out());
        self.rest.advance(taken);
        self.ended = status == Status::StreamEnd;
        Ok((came, taken > 0 || came > 0))
    }
}

impl Read for Inflating {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        while !self.ended && !out.is_empty() {
            let (came, progress) = self.step(out)?;
            if self.ended && !self.rest.is_empty() {
                let reason = format!("{} bytes follow its end", self.rest.len());
                return Err(invalid(reason));
            }
            if came > 0 {
                return Ok(came);
            }
            if !self.ended && (!progress || self.rest.is_empty()) {
                return Err(Error::new(ErrorKind::UnexpectedEof, "it ends too early"));
            }
        }
        Ok(0)
    }
}

impl Decode for Inflating {}

/// Returns true if a body begins like RFC 1950: deflate with a window of up to 32 KiB, and two
/// bytes that together are a multiple of 31.
pub(super) fn is_zlib(wire: &[u8]) -> bool {
    wire.first_chunk::<2>().is_some_and(|head| {
        let [method, _] = *head;
        method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes(*head) % 31 == 0
    })
}

fn progress(before: u64, after: u64) -> usize {
    narrow::to_usize(after.saturating_sub(before))
}

fn invalid(reason: String) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use bytes::Bytes;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::{Inflating, is_zlib};

    fn zlib(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn raw(text: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(text).expect("to memory");
        encoder.finish().expect("to memory")
    }

    fn decode(wire: Vec<u8>) -> Result<Vec<u8>, String> {
        let mut out = Vec::new();
        let result = Inflating::new(Bytes::from(wire)).read_to_end(&mut out);
        result.map(|_| out).map_err(|error| error.to_string())
    }

    #[test]
    fn both_formats_are_told_apart_and_decoded_at_every_level() {
        let text: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        for level in 0..=9 {
            for text in [&b""[..], b"m f=1 1\n", &text] {
                let (zlib, raw) = (zlib(text, level), raw(text, level));
                assert!(is_zlib(&zlib) && !is_zlib(&raw), "level {level}");
                assert!(decode(zlib).expect("decodes") == text);
                assert!(decode(raw).expect("decodes") == text);
            }
        }
    }

    #[test]
    fn a_stream_cut_anywhere_ends_too_early() {
        let text = b"m f=1 1\nm f=2 2\nm,tag=value f=3 3\n";
        for wire in [zlib(text, 6), zlib(text, 0), raw(text, 6), raw(text, 0)] {
            // One byte alone is not enough to tell the formats apart.
            for end in 2..wire.len() {
                let told = decode(wire[..end].to_vec());
                assert_eq!(told, Err("it ends too early".to_owned()), "cut at {end}");
            }
            assert!(decode(wire[..1].to_vec()).is_err());
        }
    }

    #[test]
    fn whatever_follows_the_end_is_an_error() {
        for whole in [zlib(b"a\n", 6), raw(b"a\n", 6)] {
            for garbage in [&b"x"[..], b"\0\0\0\0", &whole] {
                let reason = format!("{} bytes follow its end", garbage.len());
                assert_eq!(decode([&whole[..], garbage].concat()), Err(reason));
            }
        }
    }

    #[test]
    fn damage_is_an_error() {
        let mut wire = zlib(b"m f=1 1\n", 6);
        let checksum = wire.len() - 1;
        wire[checksum] ^= 1;
        assert_eq!(decode(wire), Err("it is damaged".to_owned()));
        assert!(decode(b"m f=1 1\nm f=2 2\n".to_vec()).is_err());
        // 78 bb: a preset dictionary.
        let told = decode(vec![0x78, 0xbb, 0, 0, 0, 1, 3, 0]);
        assert_eq!(
            told,
            Err("it needs a dictionary, compress without one".to_owned())
        );
    }
}
