//! Reads a log in any state, without changing anything: for people who inspect it, and
//! for [`salvage`](crate::wal::salvage()).
//!
//! [`LogReader`] lists the segments and hands out, for each of them, every frame that can be read
//! and every range that cannot: after damage it continues with the next frame whose checksums are
//! correct for its place. Whether a server would start is not decided here but by
//! [`Wal::examine`](crate::wal::Wal::examine), which runs what a start runs.

use std::path::PathBuf;

use super::reader::{Frame, FrameReader, Next};
use crate::id::Sequence;
use crate::narrow;
use crate::storage::{Storage, StorageError, data_format};
use crate::wal::error::WalError;
use crate::wal::format::frame::{Kind, Seal};
use crate::wal::format::released;
use crate::wal::format::segment::{
    self, FOLDER, FRAMES_START, HeaderFault, Position, SEGMENT_VERSION,
};

/// A log to be read.
#[derive(Debug)]
pub struct LogReader<'a> {
    storage: &'a dyn Storage,
    node_id: u64,
    released: Result<Option<Sequence>, String>,
    segments: Vec<SegmentFile>,
    newest: Option<u64>,
}

/// A segment as found in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// The number in its name.
    pub number: u64,
    /// The path of the file.
    pub path: PathBuf,
    /// The length of the file.
    pub bytes: u64,
    /// The fault of its header, if there is one.
    pub header_fault: Option<String>,
    /// The end of the log when it was begun; absent if its header cannot be read.
    pub predecessor: Option<Position>,
    /// The exact end by the header of its successor: bytes after it are left over from a failed
    /// write.
    pub exact_end: Option<Position>,
    /// The offset up to which it was known to be durable when it got its name.
    pub durable_offset: u64,
}

/// An item of a segment; items come in the order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole frame.
    Frame(FrameInfo<'a>),
    /// Bytes that are not a frame.
    Unreadable {
        /// The offset of the first one.
        offset: u64,
        /// The number of bytes.
        bytes: u64,
        /// The kind of damage.
        what: &'static str,
    },
}

/// A frame whose checksums are correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo<'a> {
    /// The offset of the frame.
    pub offset: u64,
    /// The length of the frame with its header.
    pub bytes: u64,
    /// Its place in the order of all writes; probes and end marks repeat the last one.
    pub sequence: Sequence,
    /// The purpose of the frame.
    pub kind: FrameKind,
    /// The offset up to which the segment was known to be durable when the frame was written.
    pub durable_offset: u64,
    /// The bytes that it carries.
    pub payload: &'a [u8],
}

/// The purpose of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Carries a payload.
    Data,
    /// Written to test whether writing works again.
    Probe,
    /// The last frame of a log that was closed in order.
    End,
}

impl<'a> LogReader<'a> {
    /// Lists the segments of a data folder and reads their headers; segments whose frames are all
    /// released are left out. The folder must have its format file.
    pub fn open(storage: &'a dyn Storage) -> Result<Self, WalError> {
        let node_id = data_format(storage)?.node_id;
        let exists = storage.list("")?.iter().any(|name| name == FOLDER);
        let names = if exists {
            storage.list(FOLDER)?
        } else {
            Vec::new()
        };
        let mut segments: Vec<SegmentFile> = Vec::new();
        for number in names.iter().filter_map(|name| segment::number(name)) {
            let found = read_segment(storage, node_id, number)?;
            if let Some(before) = segments.last_mut() {
                let links = |end: &Position| end.segment == before.number;
                before.exact_end = found.predecessor.filter(links);
            }
            segments.push(found);
        }
        let released = match released::read(storage) {
            Ok(released) => Ok(released),
            Err(WalError::ReleasedDamaged { .. }) => Err("it cannot be read".to_owned()),
            Err(error) => return Err(error),
        };
        if let Ok(Some(last)) = released {
            let reaches_back = |segment: &SegmentFile| {
                let before = segment.predecessor;
                before.is_some_and(|before| before.sequence <= last)
            };
            let needless = segments.iter().rposition(reaches_back).unwrap_or(0);
            segments.drain(..needless);
        }
        Ok(Self {
            storage,
            node_id,
            released,
            segments,
            newest: segment::newest_noted(storage)?,
        })
    }

    /// Returns the number of the segment that must be there, as the last one or followed by others,
    /// if that is known.
    pub fn newest_noted(&self) -> Option<u64> {
        self.newest
    }

    /// Returns the last frame that is no longer needed, if one is recorded.
    ///
    /// # Errors
    ///
    /// The fault of the record.
    pub fn released(&self) -> Result<Option<Sequence>, &str> {
        self.released.as_ref().copied().map_err(String::as_str)
    }

    /// Returns the existing segments, oldest first.
    pub fn segments(&self) -> &[SegmentFile] {
        &self.segments
    }

    /// Returns the id of the node that owns the log; it is part of the seed of the checksums.
    pub fn node_id(&self) -> u64 {
        self.node_id
    }

    /// Hands out the items of a segment up to its exact end, or to the end of the file if that is
    /// not known. An error of `on_item` ends the reading.
    pub fn read<E: From<StorageError>>(
        &self,
        segment: &SegmentFile,
        on_item: &mut dyn FnMut(Item<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let file = self.storage.open_read(&segment::path(segment.number))?;
        let seal = Seal::new(self.node_id, segment.number);
        let end = segment.exact_end.map_or(u64::MAX, |end| end.offset);
        let mut reader = FrameReader::new(file, seal, FRAMES_START, end)?;
        loop {
            let offset = reader.offset();
            match reader.next()? {
                Next::Frame(frame) => on_item(Item::Frame(FrameInfo::of(&frame)))?,
                Next::End => break,
                Next::Damage(what) => {
                    find_frame(&mut reader)?;
                    let bytes = reader.offset().saturating_sub(offset);
                    on_item(Item::Unreadable {
                        offset,
                        bytes,
                        what,
                    })?;
                }
            }
        }
        let offset = segment.bytes.max(FRAMES_START);
        match segment.exact_end {
            Some(end) if end.offset > offset => on_item(Item::Unreadable {
                offset,
                bytes: end.offset - offset,
                what: "the file ends too early",
            }),
            _ => Ok(()),
        }
    }
}

/// Moves to the next whole frame after the reader's place, or to the end.
fn find_frame(reader: &mut FrameReader) -> Result<(), StorageError> {
    reader.seek(reader.offset() + 1);
    while reader.find_header()? {
        let at = reader.offset();
        match reader.next()? {
            Next::Frame(_) => {
                reader.seek(at);
                return Ok(());
            }
            Next::End | Next::Damage(_) => reader.seek(at + 1),
        }
    }
    reader.seek(reader.end());
    Ok(())
}

fn read_segment(
    storage: &dyn Storage,
    node_id: u64,
    number: u64,
) -> Result<SegmentFile, StorageError> {
    let path = segment::path(number);
    let file = storage.open_read(&path)?;
    let header = segment::read_header(&*file)?;
    let header = header.map_err(|fault| words(&fault)).and_then(|header| {
        if header.node_id != node_id {
            Err(format!("it was written by node {:016x}", header.node_id))
        } else if header.number != number {
            let number = header.number;
            Err(format!("the file was renamed: it holds segment {number}"))
        } else {
            Ok(header)
        }
    });
    Ok(SegmentFile {
        number,
        path: storage.locate(&path),
        bytes: file.len()?,
        header_fault: header.as_ref().err().cloned(),
        predecessor: header.as_ref().ok().map(|header| header.predecessor),
        exact_end: None,
        durable_offset: header.map_or(FRAMES_START, |header| header.durable),
    })
}

fn words(fault: &HeaderFault) -> String {
    match fault {
        HeaderFault::Newer(found) | HeaderFault::Older(found) => {
            format!("it is of version {found}, this tidegate reads {SEGMENT_VERSION}")
        }
        HeaderFault::Damaged(what) => (*what).to_owned(),
    }
}

impl<'a> FrameInfo<'a> {
    fn of(frame: &Frame<'a>) -> Self {
        let header = frame.header;
        Self {
            offset: header.offset,
            bytes: narrow::to_u64(header.frame_bytes()),
            sequence: Sequence(header.sequence),
            kind: match header.kind {
                Kind::Data => FrameKind::Data,
                Kind::Probe => FrameKind::Probe,
                Kind::End => FrameKind::End,
            },
            durable_offset: header.durable,
            payload: frame.payload,
        }
    }
}
