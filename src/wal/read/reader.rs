//! Reads the frames of a segment one after another, through a buffer of at most one frame or one
//! mebibyte, whichever is larger.

use crate::certain::Certain;
use crate::narrow;
use crate::storage::{File, StorageError};
use crate::wal::format::frame::{FRAME_HEADER_BYTES, FrameHeader, Kind, Seal};

const CHUNK_BYTES: usize = 1 << 20;

/// A whole frame.
#[derive(Clone, Copy, Debug)]
pub(in crate::wal) struct Frame<'a> {
    pub header: FrameHeader,
    pub payload: &'a [u8],
}

impl Frame<'_> {
    pub(in crate::wal) fn is_data(&self) -> bool {
        self.header.kind == Kind::Data
    }
}

/// The bytes at the reader's place.
#[derive(Debug)]
pub(in crate::wal) enum Next<'a> {
    /// A whole frame; the reader now stands after it.
    Frame(Frame<'a>),
    /// The exact end.
    End,
    /// Anything else, with what is wrong there; the reader stays in place.
    Damage(&'static str),
}

/// A place in a segment that moves from frame to frame.
#[derive(Debug)]
pub(in crate::wal) struct FrameReader {
    file: Box<dyn File>,
    seal: Seal,
    offset: u64,
    end: u64,
    buffer: Vec<u8>,
    /// The offset in the file at which the buffer starts.
    buffer_offset: u64,
}

impl FrameReader {
    /// Reads from `offset`, where a frame starts, to `end` or the end of the file.
    pub(in crate::wal) fn new(
        file: Box<dyn File>,
        seal: Seal,
        offset: u64,
        end: u64,
    ) -> Result<Self, StorageError> {
        let end = end.min(file.len()?);
        Ok(Self {
            file,
            seal,
            offset,
            end,
            buffer: Vec::new(),
            buffer_offset: offset,
        })
    }

    /// Returns the offset of the next frame.
    pub(in crate::wal) fn offset(&self) -> u64 {
        self.offset
    }

    /// Returns the offset at which reading ends.
    pub(in crate::wal) fn end(&self) -> u64 {
        self.end
    }

    /// Continues at another place.
    pub(in crate::wal) fn seek(&mut self, offset: u64) {
        self.offset = offset.min(self.end);
    }

    /// Reads the frame that starts here.
    pub(in crate::wal) fn next(&mut self) -> Result<Next<'_>, StorageError> {
        if self.offset >= self.end {
            return Ok(Next::End);
        }
        let (seal, offset) = (self.seal, self.offset);
        let header_bytes = self.window(FRAME_HEADER_BYTES)?.first_chunk();
        let Some(header) = header_bytes else {
            return Ok(Next::Damage("it ends within a frame's header"));
        };
        let Some(header) = FrameHeader::decode(header, seal, offset) else {
            return Ok(Next::Damage("no frame starts here"));
        };
        let frame_bytes = header.frame_bytes();
        if narrow::to_u64(frame_bytes) > self.end - offset {
            return Ok(Next::Damage("it ends within a frame"));
        }
        if !header.seals(self.window(frame_bytes)?, seal) {
            return Ok(Next::Damage("the checksum of a frame is wrong"));
        }
        self.offset = offset + narrow::to_u64(frame_bytes);
        let start = narrow::to_usize(offset - self.buffer_offset);
        let payload = self
            .buffer
            .get(start + FRAME_HEADER_BYTES..start + frame_bytes)
            .certain("all of the frame was looked at above");
        Ok(Next::Frame(Frame { header, payload }))
    }

    /// Moves to the first byte from here on at which a frame's header starts. Returns false if
    /// there is none.
    pub(in crate::wal) fn find_header(&mut self) -> Result<bool, StorageError> {
        while self.offset < self.end {
            let (seal, offset) = (self.seal, self.offset);
            let window = self.window(CHUNK_BYTES)?;
            let found = window
                .windows(FRAME_HEADER_BYTES)
                .zip(offset..)
                .find(|(bytes, at)| {
                    let header = bytes.first_chunk();
                    header.is_some_and(|header| FrameHeader::decode(header, seal, *at).is_some())
                });
            if let Some((_, at)) = found {
                self.offset = at;
                return Ok(true);
            }
            let passed = window.len().saturating_sub(FRAME_HEADER_BYTES - 1).max(1);
            self.offset += narrow::to_u64(passed);
        }
        Ok(false)
    }

    /// Returns the next `wanted` bytes, or as many as there are.
    fn window(&mut self, wanted: usize) -> Result<&[u8], StorageError> {
        let left = narrow::to_usize(self.end - self.offset);
        let wanted = wanted.min(left);
        let known = self
            .offset
            .checked_sub(self.buffer_offset)
            .map(narrow::to_usize)
            .filter(|start| start + wanted <= self.buffer.len());
        let start = match known {
            Some(start) => start,
            None => self.fill(wanted.max(CHUNK_BYTES.min(left)))?,
        };
        let to = (start + wanted).min(self.buffer.len());
        Ok(self
            .buffer
            .get(start..to)
            .certain("it starts within what is there"))
    }

    /// Reads `len` bytes at the reader's place into the buffer.
    fn fill(&mut self, len: usize) -> Result<usize, StorageError> {
        self.buffer.resize(len, 0);
        self.buffer.shrink_to(CHUNK_BYTES);
        self.buffer_offset = self.offset;
        let read = self.file.read_at(&mut self.buffer, self.offset)?;
        self.buffer.truncate(read);
        Ok(0)
    }
}
