//! Finds the segments, checks that they are one chain, and replays them.

use std::sync::Arc;
use std::time::Duration;

use super::FOLDER;
use super::committer::Committer;
use super::error::WalError;
use super::handle::Wal;
use super::inspect::newest_noted;
use super::options::WalOptions;
use super::released;
use super::replay::{LogEnd, OnFrame, Progress, Replay, TornTail, per_second};
use super::segment::{self, FRAMES_START, HeaderFault, Position, SEGMENT_VERSION, SegmentHeader};
use super::writer::{Existing, NextSegment, SegmentStats, Writer};
use crate::certain::impossible;
use crate::id::Sequence;
use crate::storage::{Space, Storage, StorageError, check_folder, data_format, hold_last};

/// What was replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The last sequence found; 0 in a new log.
    pub last: Sequence,
    /// Frames handed out.
    pub frames: u64,
    /// Bytes of frames, with headers.
    pub bytes: u64,
    /// Segments read.
    pub segments: usize,
    /// Whether the log had been closed in order; a new log was.
    pub clean: bool,
    /// What was cut, if anything was.
    pub torn: Option<TornTail>,
    /// How long it took.
    pub elapsed: Duration,
}

/// A log that was replayed and is ready to be written.
#[derive(Debug)]
pub struct Recovered {
    replayed: Replayed,
    /// New frames get higher sequences.
    last: Sequence,
    writer: Writer,
}

impl Recovered {
    /// What was found.
    pub fn replayed(&self) -> &Replayed {
        &self.replayed
    }

    /// Starts the log's thread. A disk that is full or fails now does not stop the start: the log
    /// is not healthy then, refuses frames and tries again.
    pub fn start(self) -> Result<Wal, WalError> {
        let (wal, committer) = self.into_parts();
        wal.run(committer)?;
        Ok(wal)
    }

    /// The log without a thread: tests commit group by group.
    pub(super) fn into_parts(self) -> (Wal, Committer) {
        Wal::new(self.writer, self.last)
    }
}

/// Replays the log: see [`Wal::recover`].
pub(super) fn recover(
    storage: Arc<dyn Storage>,
    options: WalOptions,
    on_frame: OnFrame<'_>,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Recovered, WalError> {
    let node_id = data_format(&*storage)?.node_id;
    check_folder(&*storage)?;
    storage.create_dir_all(FOLDER)?;
    let chain = Chain::find(&*storage, node_id)?;
    chain.check(&*storage)?;
    let base = chain.base();
    let mut replay = chain.reader(&*storage, (on_frame, on_progress));
    let end = chain.replay(&mut replay)?;
    let replayed = report(&chain, &mut replay, &end, base);
    for path in &chain.unfinished {
        storage.remove(path)?;
    }
    let record_is_durable = chain.finish_release(&*storage);
    let next = NextSegment {
        number: end.proven.segment + 1,
        predecessor: end.proven,
        carried: end.carried,
    };
    let stats = chain.segments.iter().map(|(header, bytes)| SegmentStats {
        number: header.number,
        first: Sequence(header.first),
        bytes: *bytes,
    });
    let existing = Existing {
        segments: stats.collect(),
        released: chain.released,
        record_is_durable,
    };
    let last = replayed.last.max(options.sequences_after);
    let last = last.max(chain.released.unwrap_or_default());
    let writer = Writer::new(storage.clone(), options, (node_id, next), existing);
    Ok(Recovered {
        replayed,
        last,
        writer,
    })
}

/// Reads the log as [`recover`] does, takes no frame and changes nothing: see [`Wal::examine`].
pub(super) fn examine(storage: &dyn Storage) -> Result<Replayed, WalError> {
    let node_id = data_format(storage)?.node_id;
    check_folder(storage)?;
    if !storage.list("")?.iter().any(|name| name == FOLDER) {
        return Ok(Replayed {
            clean: true,
            ..Replayed::default()
        });
    }
    let chain = Chain::find(storage, node_id)?;
    chain.check(storage)?;
    let base = chain.base();
    let (mut on_frame, mut on_progress) = (|_, _: &[u8]| Ok(()), |_| {});
    let mut replay = chain.reader(storage, (&mut on_frame, &mut on_progress));
    let end = chain.replay(&mut replay)?;
    Ok(report(&chain, &mut replay, &end, base))
}

/// The segments there are, oldest first, each with its length.
struct Chain {
    segments: Vec<(SegmentHeader, u64)>,
    /// Up to here frames are no longer needed, if any were released.
    released: Option<Sequence>,
    /// Segments that hold no other frames: a crash came between the record and their deletion.
    /// They are not looked at.
    needless: Vec<String>,
    /// Files cut short by a crash before anything in them was acknowledged.
    unfinished: Vec<String>,
}

impl Chain {
    fn find(storage: &dyn Storage, node_id: u64) -> Result<Self, WalError> {
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
                    "there is a file among the log's segments that is none"
                );
            }
        }
        let noted = newest_noted(storage)?;
        let (mut segments, mut needless) = (Vec::new(), Vec::new());
        let mut older_are_needless = false;
        for number in numbers.into_iter().rev() {
            if older_are_needless {
                needless.push(segment::path(number));
                continue;
            }
            let found = read_header(storage, node_id, number)?;
            // Named, but not noted: nothing was acknowledged in it, and after a sync that failed its
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

    /// Deletes what a crash left over of a release; says whether the record is known to be durable.
    /// It may be of a run that died before it was, and must not be lost after what it covers.
    fn finish_release(&self, storage: &dyn Storage) -> bool {
        let synced = match self.released {
            None => return false,
            Some(_) => storage.sync_dir(FOLDER),
        };
        let is_durable = synced.is_ok();
        let deleted = synced.and_then(|()| self.delete_needless(storage));
        if let Err(error) = deleted {
            tracing::warn!(
                error = error.chain(),
                "segments of the log that are not needed any more could not be deleted; the next start tries again"
            );
        }
        is_durable
    }

    /// The one that is noted to be the newest may be among them: a crash came between the name of
    /// its successor and the note of it.
    fn delete_needless(&self, storage: &dyn Storage) -> Result<(), StorageError> {
        if self.needless.is_empty() {
            return Ok(());
        }
        if let Some((newest, _)) = self.segments.last() {
            hold_last(storage, &segment::path(newest.number), Space::Any)?;
        }
        let mut paths = self.needless.iter();
        paths.try_for_each(|path| storage.remove(path))
    }

    /// Reads the segments, oldest first, and hands out what was not released.
    fn reader<'a>(
        &self,
        storage: &'a dyn Storage,
        to: (OnFrame<'a>, &'a mut dyn FnMut(Progress)),
    ) -> Replay<'a> {
        let released = self.released.unwrap_or_default();
        Replay::new(storage, to, (self.base(), self.bytes()), released)
    }

    /// The last sequence before the log begins.
    fn base(&self) -> u64 {
        let oldest = self.segments.first();
        oldest.map_or(0, |(oldest, _)| oldest.predecessor.sequence.0)
    }

    /// Each segment must be there, and the oldest must reach back to what was released.
    fn check(&self, storage: &dyn Storage) -> Result<(), WalError> {
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

    /// Bytes of frames to read.
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

    fn replay(&self, replay: &mut Replay<'_>) -> Result<LogEnd, WalError> {
        for pair in self.segments.windows(2) {
            if let [(segment, _), (after, _)] = pair {
                replay.inner(segment, after.predecessor)?;
            }
        }
        match self.segments.last() {
            Some((segment, _)) => replay.last(segment),
            None => Ok(LogEnd {
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

fn report(chain: &Chain, replay: &mut Replay<'_>, end: &LogEnd, base: u64) -> Replayed {
    let Progress {
        bytes_done, frames, ..
    } = replay.finish();
    let carried = end
        .carried
        .last()
        .map_or(end.proven.sequence.0, |frame| frame.sequence);
    let elapsed = replay.elapsed();
    if let Some(torn) = &end.torn {
        let TornTail {
            path,
            offset,
            bytes,
            frames,
        } = torn;
        tracing::warn!(
            segment = %path.display(), offset, bytes, frames,
            "the log ends in a torn write, which is cut: nothing in it was acknowledged, unless the disk damaged the last group"
        );
    }
    if !chain.segments.is_empty() {
        tracing::info!(
            frames,
            bytes = bytes_done,
            segments = chain.segments.len(),
            clean = end.clean,
            seconds = elapsed.as_secs_f64(),
            bytes_per_second = per_second(bytes_done, elapsed),
            "the log is replayed"
        );
    }
    Replayed {
        last: Sequence(carried.max(base)),
        frames,
        bytes: bytes_done,
        segments: chain.segments.len(),
        clean: end.clean,
        torn: end.torn.clone(),
        elapsed,
    }
}

impl Wal {
    /// Opens the log of a data folder and hands out every frame in it that was not released, in
    /// order: `on_frame` gets
    /// sequence and payload, `on_progress` is told about every mebibyte. Blocking. Memory stays
    /// within a few mebibytes, whatever the log's size.
    ///
    /// # Errors
    ///
    /// Damage below what was known durable, missing segments, other versions or nodes, a failing
    /// disk, or an error of `on_frame`. Nothing was changed then.
    pub fn recover(
        storage: Arc<dyn Storage>,
        options: WalOptions,
        on_frame: OnFrame<'_>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Recovered, WalError> {
        recover(storage, options, on_frame, on_progress)
    }
}
