//! Zstandard with all its frames (RFC 8878): the output of `cat a.zst b.zst` is one body, and
//! skippable frames are skipped. Anything else after a frame is an error.
//!
//! ```text
//! frame:     28 b5 2f fd, descriptor, [window], [dictionary], [content size], blocks, [checksum]
//! skippable: 5x 2a 4d 18, length (u32), that many bytes
//! ```
//!
//! The header is read here too, before the library sees the frame: a window larger than
//! [`WINDOW_BYTES_MAX`] and a dictionary are refused with a clear text, and the decoder's memory is
//! known before it is taken. The library's window is one allocation that is touched only as far as
//! the frame was decoded, so only that part counts.

use std::io::{Error, ErrorKind, Read, Result};

use bytes::{Buf, Bytes};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::decoder::Decode;
use crate::narrow;

pub(super) const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The magic number without the low half of its first byte, which may be any.
pub(super) const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// The largest window, as RFC 8878, section 3.1.1.1.2, recommends for every decoder.
const WINDOW_LOG_MAX: u32 = 23;
const WINDOW_BYTES_MAX: u64 = 1 << WINDOW_LOG_MAX;

/// The most bytes of one decoded block.
const BLOCK_BYTES_MAX: u64 = 128 * 1024;
/// The bytes of the decoder itself: tables, and the space it keeps around its buffers.
const STATE_BYTES: u64 = 160 * 1024;

/// The largest growth that a frame may claim and still be believed. Line protocol is seldom
/// compressed more than 20 times.
const RATIO_BELIEVED: u64 = 128;

/// Decodes frame after frame. The caller caps the output.
pub(super) struct Frames {
    rest: Bytes,
    decoder: Decoder<'static>,
    /// The frame that is being decoded.
    frame: Option<Frame>,
    frames: usize,
    /// The most that the decoder has needed so far: it keeps its buffers from frame to frame.
    own_bytes: u64,
}

struct Frame {
    window_bytes: u64,
    decoded_bytes: u64,
}

impl Frames {
    /// A decoder for a whole body.
    pub(super) fn new(wire: Bytes) -> Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))?;
        Ok(Self {
            rest: wire,
            decoder,
            frame: None,
            frames: 0,
            own_bytes: 0,
        })
    }

    /// Moves to the next frame that is not skipped. Returns false at the end of the body.
    fn advance(&mut self) -> Result<bool> {
        while !self.rest.is_empty() {
            if is_skippable(&self.rest) {
                self.skip()?;
                continue;
            }
            if !self.rest.starts_with(&MAGIC) {
                return Err(self.garbage());
            }
            let header = Header::read(&self.rest).ok_or_else(too_early)?;
            header.check()?;
            self.decoder.reinit()?;
            self.frames += 1;
            self.frame = Some(Frame {
                window_bytes: header.window_bytes,
                decoded_bytes: 0,
            });
            return Ok(true);
        }
        Ok(false)
    }

    fn skip(&mut self) -> Result<()> {
        let length = self.rest.get(4..).and_then(|rest| rest.first_chunk::<4>());
        let length = u64::from(u32::from_le_bytes(*length.ok_or_else(too_early)?));
        let end = narrow::to_usize(length + 8);
        if self.rest.len() < end {
            return Err(too_early());
        }
        self.rest.advance(end);
        self.frames += 1;
        Ok(())
    }

    fn garbage(&self) -> Error {
        let rest = &self.rest;
        let begins = |magic: &[u8; 4]| magic.starts_with(rest) && rest.len() < magic.len();
        if self.frames == 0 && begins(&MAGIC) {
            return too_early();
        }
        invalid(match self.frames {
            0 => "it does not begin with a frame".to_owned(),
            _ => format!("{} bytes follow the last frame", rest.len()),
        })
    }
}

impl Read for Frames {
    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        while !out.is_empty() {
            if self.frame.is_none() && !self.advance()? {
                return Ok(0);
            }
            let mut input = InBuffer::around(self.rest.as_ref());
            let mut output = OutBuffer::around(&mut *out);
            let hint = self.decoder.run(&mut input, &mut output)?;
            let (taken, came) = (input.pos(), output.pos());
            self.rest.advance(taken);
            if let Some(frame) = &mut self.frame {
                frame.decoded_bytes = frame.decoded_bytes.saturating_add(narrow::to_u64(came));
            }
            if hint == 0 {
                self.frame = None;
            }
            if came > 0 {
                return Ok(came);
            }
            if hint != 0 && taken == 0 {
                return Err(too_early());
            }
        }
        Ok(0)
    }
}

impl Decode for Frames {
    fn own_bytes(&mut self, chunk_bytes: usize) -> u64 {
        let now = match &self.frame {
            Some(frame) => Some((frame.window_bytes, frame.decoded_bytes)),
            None => Header::read(&self.rest).map(|header| (header.window_bytes, 0)),
        };
        if let Some((window_bytes, decoded_bytes)) = now {
            let window_bytes = window_bytes.min(WINDOW_BYTES_MAX);
            // A block is decoded as a whole before any of it is returned.
            let block_bytes = window_bytes.min(BLOCK_BYTES_MAX);
            let touched = decoded_bytes.saturating_add(narrow::to_u64(chunk_bytes));
            let needed = STATE_BYTES + 2 * block_bytes + window_bytes.min(touched);
            self.own_bytes = self.own_bytes.max(needed);
        }
        self.own_bytes
    }
}

/// The facts in a frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    window_bytes: u64,
    content_bytes: Option<u64>,
    dictionary: bool,
}

impl Header {
    /// Reads the header; absent if the bytes end before it does, or do not begin with a frame.
    fn read(frame: &[u8]) -> Option<Self> {
        let rest = frame.strip_prefix(&MAGIC)?;
        let (descriptor, rest) = rest.split_first()?;
        let single_segment = descriptor & 0x20 != 0;
        let (window_bytes, rest) = if single_segment {
            (None, rest)
        } else {
            let (window, rest) = rest.split_first()?;
            let base = 1_u64 << (10 + (window >> 3));
            (Some(base + base / 8 * u64::from(window & 7)), rest)
        };
        let dictionary_bytes = [0, 1, 2, 4].get(usize::from(descriptor & 3))?;
        let (dictionary, rest) = rest.split_at_checked(*dictionary_bytes)?;
        let size_bytes = match descriptor >> 6 {
            0 => usize::from(single_segment),
            1 => 2,
            2 => 4,
            _ => 8,
        };
        let (size, _) = rest.split_at_checked(size_bytes)?;
        let digits = size.iter().rev();
        let size = digits.fold(0, |size, digit| size << 8 | u64::from(*digit));
        let content_bytes = match size_bytes {
            0 => None,
            2 => Some(size + 256),
            _ => Some(size),
        };
        Some(Self {
            window_bytes: window_bytes.or(content_bytes)?,
            content_bytes,
            dictionary: dictionary.iter().any(|byte| *byte != 0),
        })
    }

    fn check(&self) -> Result<()> {
        if self.dictionary {
            return Err(invalid(
                "it needs a dictionary, compress without one".to_owned(),
            ));
        }
        if self.window_bytes > WINDOW_BYTES_MAX {
            return Err(invalid(format!(
                "it needs a window of {} bytes, at most {WINDOW_BYTES_MAX} are supported: \
                 compress with a lower level, or with a window log of {WINDOW_LOG_MAX} at most",
                self.window_bytes
            )));
        }
        Ok(())
    }
}

/// The decoded length that the first frame claims, if that is plausible. Usually it is the only
/// frame.
pub(super) fn claim(wire: &[u8]) -> Option<u64> {
    let likely = narrow::to_u64(wire.len()).saturating_mul(RATIO_BELIEVED);
    Header::read(wire)?
        .content_bytes
        .filter(|bytes| *bytes <= likely)
}

/// Returns true if a skippable frame begins here.
pub(super) fn is_skippable(bytes: &[u8]) -> bool {
    match (bytes.split_first(), SKIPPABLE.split_first()) {
        (Some((first, rest)), Some((magic, others))) => {
            first & 0xf0 == *magic && rest.starts_with(others)
        }
        _ => false,
    }
}

fn invalid(reason: String) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

fn too_early() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "it ends too early")
}

#[cfg(test)]
mod tests;
