//! Finds the segments, checks that they are one chain without a gap, and replays them in order.

use super::replay::{OnFrame, Progress, Replay, TailState};
use crate::certain::impossible;
use crate::id::Sequence;
use crate::storage::Storage;
use crate::wal::error::WalError;
use crate::wal::format::released;
use crate::wal::format::segment::{
    self, FOLDER, FRAMES_START, HeaderFault, Position, SEGMENT_VERSION, SegmentHeader,
};

/// The existing segments, oldest first, each with its length.
pub(in crate::wal) struct Chain {
    pub segments: Vec<(SegmentHeader, u64)>,
    /// The last frame that is no longer needed, if any were released.
    pub released: Option<Sequence>,
    /// Segments that hold no needed frames: a crash came between the record and their deletion.
    /// They are not read.
    pub needless: Vec<String>,
    /// Files that a crash cut short before anything in them was acknowledged.
    pub unfinished: Vec<String>,
}

impl Chain {
    pub(in crate::wal) fn find(storage: &dyn Storage, node_id: u64) -> Result<Self, WalError> {
        let released = released::read(storage)?;
        let (mut numbers, mut unfinished) = (Vec::new(), Vec::new());
        for name in storage.list(FOLDER)? {
            if let Some(number) = segment::number(&name) {
                numbers.push(number);
            } else if segment::is_unfinished(&name) {
                unfinished.push(format!("{FOLDER}/{name}"));
            } else if !released::is_record(&name) {
                tracing::warn!(
                    name,
                    "there is a file among the log's segments that is not one of them"
                );
            }
        }
        let noted = segment::newest_noted(storage)?;
        let (mut segments, mut needless) = (Vec::new(), Vec::new());
        let mut older_are_needless = false;
        for number in numbers.into_iter().rev() {
            if older_are_needless {
                needless.push(segment::path(number));
                continue;
            }
            let found = read_header(storage, node_id, number)?;
            // Named, but not noted: nothing in it was acknowledged, and after a failed sync its
            // name may not be durable. It is made anew.
            if noted.is_some_and(|noted| noted + 1 == number) && found.1 == found.0.durable {
                unfinished.push(segment::path(number));
                continue;
            }
            older_are_needless = released.is_some_and(|last| found.0.predecessor.sequence <= last);
            segments.push(found);
        }
        segments.reverse();
        Ok(Self {
            segments,
            released,
            needless,
            unfinished,
        })
    }

    /// Reads the segments, oldest first, and hands out what was not released.
    pub(in crate::wal) fn reader<'a>(
        &self,
        storage: &'a dyn Storage,
        to: (OnFrame<'a>, &'a mut dyn FnMut(Progress)),
    ) -> Replay<'a> {
        let released = self.released.unwrap_or_default();
        Replay::new(storage, to, (self.base(), self.bytes()), released)
    }

    /// Returns the last sequence before the log begins.
    pub(in crate::wal) fn base(&self) -> u64 {
        let oldest = self.segments.first();
        oldest.map_or(0, |(oldest, _)| oldest.predecessor.sequence.0)
    }

    /// Checks that no segment is missing and that the oldest reaches back to what was released.
    pub(in crate::wal) fn check(&self, storage: &dyn Storage) -> Result<(), WalError> {
        for pair in self.segments.windows(2) {
            let [(before, _), (after, _)] = pair else {
                impossible("a window of two has two");
            };
            if before.number + 1 != after.number {
                let path = storage.locate(&segment::path(after.number - 1));
                return Err(WalError::MissingSegment { path });
            }
            if after.predecessor.segment != before.number {
                return Err(damaged(
                    storage,
                    after.number,
                    "it does not name its predecessor",
                ));
            }
        }
        let released = self.released.unwrap_or_default();
        match self.segments.first() {
            // The last one is never deleted.
            None if self.released.is_some() => {
                let path = storage.locate(&released::path());
                Err(WalError::NoSegments { path, released })
            }
            Some((oldest, _)) if oldest.predecessor.sequence > released => {
                let path = storage.locate(&segment::path(oldest.number));
                let found = Sequence(oldest.first);
                Err(WalError::MissingFrames {
                    path,
                    found,
                    needed_after: released,
                })
            }
            _ => Ok(()),
        }
    }

    /// Returns the number of bytes of frames to read.
    fn bytes(&self) -> u64 {
        let ends = self
            .segments
            .iter()
            .skip(1)
            .map(|(after, _)| after.predecessor.offset);
        let last = self.segments.last().map_or(0, |(_, bytes)| *bytes);
        ends.chain([last])
            .map(|end| end.saturating_sub(FRAMES_START))
            .sum()
    }

    pub(in crate::wal) fn replay(&self, replay: &mut Replay<'_>) -> Result<TailState, WalError> {
        for pair in self.segments.windows(2) {
            if let [(segment, _), (after, _)] = pair {
                replay.inner(segment, after.predecessor)?;
            }
        }
        match self.segments.last() {
            Some((segment, _)) => replay.last(segment),
            None => Ok(TailState {
                proven: Position::default(),
                carried: Vec::new(),
                clean: true,
                torn: None,
            }),
        }
    }
}

fn read_header(
    storage: &dyn Storage,
    node_id: u64,
    number: u64,
) -> Result<(SegmentHeader, u64), WalError> {
    let path = segment::path(number);
    let file = storage.open_read(&path)?;
    let header = segment::read_header(&*file)?;
    let path = storage.locate(&path);
    let supported = SEGMENT_VERSION;
    let header = match header {
        Ok(header) => header,
        Err(HeaderFault::Newer(found)) => {
            return Err(WalError::NewerVersion {
                path,
                found,
                supported,
            });
        }
        Err(HeaderFault::Older(found)) => {
            return Err(WalError::OlderVersion {
                path,
                found,
                supported,
            });
        }
        Err(HeaderFault::Damaged(what)) => return Err(damaged(storage, number, what)),
    };
    if header.node_id != node_id {
        return Err(WalError::OtherNode {
            path,
            found: header.node_id,
            expected: node_id,
        });
    }
    if header.number != number {
        return Err(damaged(
            storage,
            number,
            "the file was renamed: it holds another segment",
        ));
    }
    Ok((header, file.len()?))
}

fn damaged(storage: &dyn Storage, number: u64, what: &'static str) -> WalError {
    WalError::Damaged {
        path: storage.locate(&segment::path(number)),
        offset: 0,
        what,
    }
}
