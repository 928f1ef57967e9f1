//! Reads a log in whatever state it is, without changing anything: for people who look at it, and
//! for [`salvage`](crate::wal::salvage()).
//!
//! [`LogReader`] lists the segments and hands out, for each of them, every frame that can be read
//! and every range that cannot: behind damage it goes on with the next frame whose checksums are
//! right for its place. Whether a server would start is not decided here but by [`Wal::examine`](crate::wal::Wal::examine),
//! which runs what a start runs.

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

/// A segment as it lies in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentFile {
    /// Its number, by its name.
    pub number: u64,
    /// Where it lies.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// What is wrong with its header, if anything is.
    pub header_fault: Option<String>,
    /// Where the log stood when it was begun; absent if its header cannot be read.
    pub predecessor: Option<Position>,
    /// Where exactly it ended, as the header of its successor says: bytes behind that are
    /// left-overs of a write that failed.
    pub exact_end: Option<Position>,
    /// Up to here it was known durable when it got its name.
    pub durable_offset: u64,
}

/// What a segment holds, in the order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A whole frame.
    Frame(FrameInfo<'a>),
    /// Bytes that are no frame.
    Unreadable {
        /// Where they start.
        offset: u64,
        /// How many they are.
        bytes: u64,
        /// What is wrong there.
        what: &'static str,
    },
}

/// A frame whose checksums are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameInfo<'a> {
    /// Where it starts.
    pub offset: u64,
    /// Its length, with its header.
    pub bytes: u64,
    /// Its place in the order of all writes; probes and end marks repeat the last one.
    pub sequence: Sequence,
    /// What it is for.
    pub kind: FrameKind,
    /// Where the segment was known durable up to when it was written.
    pub durable_offset: u64,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Carries a payload.
    Data,
    /// Written to see whether writing works again.
    Probe,
    /// The last frame of a log that was closed in order.
    End,
}

impl<'a> LogReader<'a> {
    /// Lists the segments of a data folder and reads their headers; those of which everything was
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

    /// The number of the segment that must be the last one, or be followed by others, as far as that
    /// is known.
    pub fn newest_noted(&self) -> Option<u64> {
        self.newest
    }

    /// Up to which frame the log says that it is no longer needed, if it says so.
    ///
    /// # Errors
    ///
    /// What is wrong with the record.
    pub fn released(&self) -> Result<Option<Sequence>, &str> {
        self.released.as_ref().copied().map_err(String::as_str)
    }

    /// The segments there are, oldest first.
    pub fn segments(&self) -> &[SegmentFile] {
        &self.segments
    }

    /// Whose log it is: part of what its checksums are seeded with.
    pub fn node_id(&self) -> u64 {
        self.node_id
    }

    /// Hands out what a segment holds up to its exact end, or to the end of the file where that
    /// is not known. An error of `on_item` ends it.
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

/// Goes to the next whole frame behind the place of the reader, or to the end.
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
