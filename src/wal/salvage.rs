//! Saves what can be read of a log with which no server starts (design decision D10).
//!
//! Every readable data frame is copied, in the order of sequence and with its sequence, into a new
//! log with an end mark. The old log is not changed. What could not be read is reported: a lost
//! frame is identified by its place and by the sequences around it.
//!
//! The copy can hold more than a start would take: frames of a last group that was never
//! acknowledged, after a torn one. They were sent, so they may be kept.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::WalError;
use super::format::released;
use super::format::segment::{self, FOLDER, Position, SEGMENT_HEADER_BYTES};
use super::read::inspect::{FrameInfo, FrameKind, Item, LogReader, SegmentFile};
use super::write::options::WalOptions;
use super::write::writer::{ExistingLog, NextSegment, Writer};
use crate::id::Sequence;
use crate::narrow;
use crate::storage::{Storage, StorageError};

/// The result of a salvage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// The number of data frames copied.
    pub frames: u64,
    /// The number of bytes in their payloads.
    pub payload_bytes: u64,
    /// The sequence of the last one; 0 if there is none.
    pub last: Sequence,
    /// The parts that could not be read, in the order of the log.
    pub losses: Vec<Loss>,
}

/// A part of the log that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The segment.
    pub path: PathBuf,
    /// The offset at which the part starts.
    pub offset: u64,
    /// The length of the part; 0 if the segment is missing.
    pub bytes: u64,
    /// The kind of damage.
    pub what: String,
    /// The last frame before it, or the last one that was released; 0 if there is none.
    pub after: Sequence,
    /// The first frame after it; absent if there is none.
    pub before: Option<Sequence>,
}

/// Copies what can be read of the log in `from` into a new log in `to`, which must not have a log
/// yet and is to belong to the node `node_id`. The copy is durable when this returns. Memory stays
/// within a few mebibytes.
pub fn salvage(
    from: &dyn Storage,
    (to, node_id): (Arc<dyn Storage>, u64),
    options: WalOptions,
) -> Result<Salvaged, WalError> {
    let log = LogReader::open(from)?;
    to.create_dir_all(FOLDER)?;
    let released = released_of(&log);
    let mut copy = Copy::new(Arc::clone(&to), options, (node_id, released));
    if let Err(fault) = log.released() {
        let path = from.locate(&released::path());
        copy.lose(
            path,
            (0, 0),
            format!("the record of what was released: {fault}"),
        );
    }
    let mut expected = None;
    for segment in log.segments() {
        copy.note_missing(from, expected, segment);
        if let Some(fault) = &segment.header_fault {
            let header = (0, header_bytes(segment));
            copy.lose(segment.path.clone(), header, format!("its header: {fault}"));
        }
        log.read(segment, &mut |item| match item {
            Item::Frame(frame) => copy.take(&frame),
            Item::Unreadable {
                offset,
                bytes,
                what,
            } => {
                copy.lose(segment.path.clone(), (offset, bytes), what.to_owned());
                Ok(())
            }
        })?;
        expected = Some(segment.number + 1);
    }
    if let Some(newest) = log.newest_noted() {
        copy.note_lost(from, expected.unwrap_or(newest)..newest + 1);
    }
    let salvaged = copy.finish()?;
    // New frames must get higher sequences than those that went elsewhere.
    if released > Sequence(0) {
        released::write(&*to, released)?;
    }
    Ok(salvaged)
}

/// Returns the last frame that is not expected to be there: as recorded or, if the record cannot be
/// read, as the oldest segment suggests.
fn released_of(log: &LogReader<'_>) -> Sequence {
    let oldest = log
        .segments()
        .iter()
        .find_map(|segment| segment.predecessor);
    match log.released() {
        Ok(released) => released.unwrap_or_default(),
        Err(_) => oldest.map_or(Sequence(0), |before| before.sequence),
    }
}

fn header_bytes(segment: &SegmentFile) -> u64 {
    let header = narrow::to_u64(SEGMENT_HEADER_BYTES);
    segment.bytes.min(header)
}

/// A new log being written.
struct Copy {
    writer: Writer,
    group_bytes_max: usize,
    /// Frames to be committed together.
    group: Vec<(u64, Vec<u8>)>,
    group_bytes: usize,
    /// The number of losses whose next frame is not known yet.
    open_losses: usize,
    /// Frames up to here are safe elsewhere.
    released: Sequence,
    salvaged: Salvaged,
}

impl Copy {
    fn new(
        to: Arc<dyn Storage>,
        options: WalOptions,
        (node_id, released): (u64, Sequence),
    ) -> Self {
        let next = NextSegment {
            number: 1,
            predecessor: Position::default(),
            carried: Vec::new(),
        };
        let group_bytes_max = options.group_bytes_max;
        Self {
            writer: Writer::new(to, options, (node_id, next), ExistingLog::default()),
            group_bytes_max,
            group: Vec::new(),
            group_bytes: 0,
            open_losses: 0,
            released,
            salvaged: Salvaged::default(),
        }
    }

    /// Takes a frame, unless it was taken already: the last group of a run that died is copied into
    /// the next segment and so comes twice.
    fn take(&mut self, frame: &FrameInfo<'_>) -> Result<(), StorageError> {
        let known = self.salvaged.last.max(self.released);
        if frame.kind != FrameKind::Data || frame.sequence <= known {
            return Ok(());
        }
        let first_open = self.salvaged.losses.len() - self.open_losses;
        for loss in self.salvaged.losses.iter_mut().skip(first_open) {
            loss.before = Some(frame.sequence);
        }
        self.open_losses = 0;
        self.salvaged.frames += 1;
        self.salvaged.last = frame.sequence;
        self.salvaged.payload_bytes += narrow::to_u64(frame.payload.len());
        self.group.push((frame.sequence.0, frame.payload.to_vec()));
        self.group_bytes += frame.payload.len();
        match self.group_bytes >= self.group_bytes_max {
            true => self.commit(),
            false => Ok(()),
        }
    }

    fn lose(&mut self, path: PathBuf, (offset, bytes): (u64, u64), what: String) {
        self.add(Loss {
            path,
            offset,
            bytes,
            what,
            after: self.salvaged.last.max(self.released),
            before: None,
        });
    }

    /// Reports the missing segments between the `expected` one and the one that was found.
    fn note_missing(&mut self, from: &dyn Storage, expected: Option<u64>, found: &SegmentFile) {
        // The header of the first one says whether there were frames before it.
        let expected = expected.unwrap_or(match found.predecessor {
            Some(before) if before.sequence > self.released => before.segment,
            Some(_) => found.number,
            // Its header is damaged, so it is not known which ones were deleted.
            None if self.released > Sequence(0) => found.number,
            None => 1,
        });
        self.note_lost(from, expected..found.number);
    }

    fn note_lost(&mut self, from: &dyn Storage, numbers: Range<u64>) {
        for number in numbers {
            self.add(Loss {
                path: from.locate(&segment::path(number)),
                offset: 0,
                bytes: 0,
                what: "the file is missing".to_owned(),
                after: self.salvaged.last.max(self.released),
                before: None,
            });
        }
    }

    fn add(&mut self, loss: Loss) {
        self.salvaged.losses.push(loss);
        self.open_losses += 1;
    }

    fn commit(&mut self) -> Result<(), StorageError> {
        let frames = self.group.iter();
        let frames = frames.map(|(sequence, payload)| (*sequence, payload.as_slice()));
        if !self.group.is_empty() {
            self.writer.commit(frames)?;
        }
        self.group.clear();
        self.group_bytes = 0;
        Ok(())
    }

    /// Closes the new log in order.
    fn finish(mut self) -> Result<Salvaged, StorageError> {
        self.commit()?;
        self.writer.close()?;
        Ok(self.salvaged)
    }
}
