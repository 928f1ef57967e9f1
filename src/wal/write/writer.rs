//! Writes groups of frames to the active segment, one at a time, and handles failures. It has no
//! thread and no queue: the committer drives it, and so do tests.

use std::sync::Arc;

use super::options::{GroupReport, WalOptions};
use crate::certain::Certain;
use crate::clock;
use crate::id::Sequence;
use crate::narrow;
use crate::storage::{File, Space, Storage, StorageError, ensure_reserve, held, hold_last};
use crate::wal::format::frame::{self, CarriedFrame, Kind, Label, Seal};
use crate::wal::format::released;
use crate::wal::format::segment::{self, FOLDER, FRAMES_START, Position, SegmentHeader};

/// The size that no segment exceeds: durable offsets have 32 bits.
const SEGMENT_BYTES_LIMIT: u64 = 2 << 30;

/// The segment that is being written.
#[derive(Debug)]
struct Active {
    file: Box<dyn File>,
    number: u64,
    seal: Seal,
    /// The offset up to which it is known to be durable; the next group goes there.
    end: u64,
}

/// The start of the next segment.
#[derive(Debug)]
pub(in crate::wal) struct NextSegment {
    pub number: u64,
    pub predecessor: Position,
    /// Frames of the predecessor past its end that nothing proves durable there.
    pub carried: Vec<CarriedFrame>,
}

/// The existing log, as a writer needs to know it.
#[derive(Debug, Default)]
pub(in crate::wal) struct ExistingLog {
    /// Oldest first.
    pub segments: Vec<SegmentStats>,
    /// The last frame that is no longer needed, by the record of what was released, if there is
    /// one.
    pub released: Option<Sequence>,
    /// True if that record would survive a power cut.
    pub record_is_durable: bool,
}

/// Returns the number of segments, from the oldest on, that hold no frame above `up_to`. The last
/// segment is never counted: it may get more frames.
pub(in crate::wal) fn segments_freed(segments: &[SegmentStats], up_to: Sequence) -> usize {
    let successors = segments.iter().skip(1);
    successors
        .take_while(|successor| successor.first <= up_to.next())
        .count()
}

/// A segment on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::wal) struct SegmentStats {
    pub number: u64,
    pub first: Sequence,
    pub bytes: u64,
}

/// Appends to the log.
#[derive(Debug)]
pub(in crate::wal) struct Writer {
    storage: Arc<dyn Storage>,
    options: WalOptions,
    node_id: u64,
    /// Absent when the last one can no longer be used: then `next` must be created first.
    active: Option<Active>,
    next: NextSegment,
    /// The last durable data frame.
    last: u64,
    /// The bytes of a group.
    buffer: Vec<u8>,
    /// True if the names of all segments are known to be durable.
    names_durable: bool,
    /// The size of the write that did not fit when the disk was full.
    wanted_bytes: usize,
    segments: Vec<SegmentStats>,
    /// The sequence in the record of what was released, if there is one.
    released: Option<Sequence>,
    /// True if the record would survive a power cut.
    record_is_durable: bool,
}

impl Writer {
    pub(in crate::wal) fn new(
        storage: Arc<dyn Storage>,
        options: WalOptions,
        (node_id, next): (u64, NextSegment),
        existing: ExistingLog,
    ) -> Self {
        let last = next
            .carried
            .last()
            .map_or(next.predecessor.sequence.0, |last| last.sequence);
        Self {
            storage,
            options,
            node_id,
            active: None,
            next,
            last,
            buffer: Vec::new(),
            names_durable: false,
            wanted_bytes: 0,
            segments: existing.segments,
            released: existing.released,
            record_is_durable: existing.record_is_durable,
        }
    }

    pub(in crate::wal) fn options(&self) -> &WalOptions {
        &self.options
    }

    pub(in crate::wal) fn segments(&self) -> &[SegmentStats] {
        &self.segments
    }

    pub(in crate::wal) fn released(&self) -> Sequence {
        self.released.unwrap_or_default()
    }

    /// Deletes the segments that hold no frame above `up_to`, and returns their number. The record
    /// is written first: the next release or start finishes whatever is left undone.
    pub(in crate::wal) fn release(&mut self, up_to: Sequence) -> Result<usize, StorageError> {
        let freed = segments_freed(&self.segments, up_to);
        if freed == 0 {
            return Ok(0);
        }
        if self.released < Some(up_to) || !self.record_is_durable {
            let released = self.released.unwrap_or_default().max(up_to);
            self.record_is_durable = false;
            released::write(&*self.storage, released)?;
            self.released = Some(released);
            self.record_is_durable = true;
        }
        self.note_newest()?;
        for _ in 0..freed {
            let oldest = self.segments.first();
            let oldest = oldest.certain("no more are freed than there are");
            let path = segment::path(oldest.number);
            // An attempt that failed, or somebody by hand, may have removed it already.
            if self.storage.len(&path)?.is_some() {
                self.storage.remove(&path)?;
            }
            self.segments.remove(0);
        }
        self.storage.sync_dir(FOLDER)?;
        Ok(freed)
    }

    /// Notes the newest segment. The one that is noted may be deleted next: an earlier run died
    /// between naming its successor and noting it, and this run has noted none yet.
    fn note_newest(&mut self) -> Result<(), StorageError> {
        let newest = self.segments.last();
        let newest = newest.certain("what is freed leaves its successor");
        let path = segment::path(newest.number);
        // A name that is noted was durable before.
        if !self.names_durable && !held(&*self.storage)?.contains(&path) {
            self.storage.sync_dir(FOLDER)?;
        }
        hold_last(&*self.storage, &path, Space::Any)
    }

    /// Ensures that there is a segment to write to.
    pub(in crate::wal) fn open(&mut self) -> Result<(), StorageError> {
        match self.active {
            Some(_) => Ok(()),
            None => self.create(),
        }
    }

    /// Writes these frames and syncs them; all are durable when this returns `Ok`. After an error,
    /// any number of them, in order, may be on disk, until a later commit succeeds.
    pub(in crate::wal) fn commit<'a>(
        &mut self,
        frames: impl Iterator<Item = (u64, &'a [u8])> + Clone,
    ) -> Result<GroupReport, StorageError> {
        let payloads = frames.clone().map(|(_, payload)| payload.len());
        let bytes = payloads
            .map(|payload| payload + frame::FRAME_HEADER_BYTES)
            .sum();
        self.roll(bytes)
            .inspect_err(|_| self.wanted_bytes = bytes)?;
        self.append(frames.map(|(sequence, payload)| (Kind::Data, sequence, payload)))
    }

    /// Tests whether writing works again: there is a segment, there is room, and a sync succeeds.
    /// After a full disk, the reserve for the small state files comes first: without it, nothing of
    /// the log could be released.
    pub(in crate::wal) fn probe(&mut self) -> Result<(), StorageError> {
        if self.wanted_bytes > 0 {
            ensure_reserve(&*self.storage)?;
        }
        self.open()?;
        self.check_room()?;
        self.append([(Kind::Probe, self.last, &[][..])].into_iter())
            .map(|_| ())
    }

    /// Writes the end mark, the last frame of a log that is closed in order.
    pub(in crate::wal) fn close(&mut self) -> Result<(), StorageError> {
        self.open()?;
        self.append([(Kind::End, self.last, &[][..])].into_iter())?;
        self.active = None;
        Ok(())
    }

    fn append<'a>(
        &mut self,
        frames: impl Iterator<Item = (Kind, u64, &'a [u8])>,
    ) -> Result<GroupReport, StorageError> {
        self.open()?;
        let mut active = self.take_active();
        self.buffer.clear();
        let (mut count, mut last) = (0, self.last);
        for (kind, sequence, payload) in frames {
            let at = active.end + narrow::to_u64(self.buffer.len());
            let label = Label {
                kind,
                sequence,
                durable: durable_offset(active.end),
            };
            frame::encode(&mut self.buffer, active.seal, at, label, payload);
            (count, last) = (count + 1, sequence);
        }
        let started = clock::instant();
        if let Err(error) = active.file.write_all_at(&self.buffer, active.end) {
            self.after_failed_write(active, &error);
            return Err(error);
        }
        let written = clock::instant();
        if let Err(error) = active.file.sync_data() {
            self.abandon(&active);
            return Err(error);
        }
        let synced = clock::instant();
        let bytes = self.buffer.len();
        active.end += narrow::to_u64(bytes);
        self.last = last;
        self.note(active.end);
        self.active = Some(active);
        self.buffer.shrink_to(self.options.group_bytes_max);
        let (write, sync) = (written - started, synced - written);
        Ok(GroupReport {
            frames: count,
            bytes,
            write,
            sync,
        })
    }

    /// Handles a failed write. If the disk is full, the segment is cut back to its durable end and
    /// stays in use; any other error ends it.
    fn after_failed_write(&mut self, active: Active, error: &StorageError) {
        self.wanted_bytes = self.buffer.len();
        if error.is_full() && active.file.set_len(active.end).is_ok() {
            self.active = Some(active);
        } else {
            self.abandon(&active);
        }
    }

    /// Gives this segment up for good: the next one starts where this one is known to be durable.
    fn abandon(&mut self, active: &Active) {
        let sequence = Sequence(self.last);
        let predecessor = Position {
            segment: active.number,
            offset: active.end,
            sequence,
        };
        self.next = NextSegment {
            number: active.number + 1,
            predecessor,
            carried: Vec::new(),
        };
    }

    /// Begins a new segment if this one would grow too large.
    fn roll(&mut self, more: usize) -> Result<(), StorageError> {
        let max = self.options.segment_bytes_max.min(SEGMENT_BYTES_LIMIT);
        let full = |active: &Active| {
            active.end > FRAMES_START && active.end.saturating_add(narrow::to_u64(more)) > max
        };
        if let Some(active) = self.active.take_if(|active| full(active)) {
            self.abandon(&active);
        }
        self.open()
    }

    /// Creates the next segment under a temporary name, with the frames that are carried over, and
    /// gives it its proper name once all of it is durable.
    fn create(&mut self) -> Result<(), StorageError> {
        let number = self.next.number;
        let (path, new_path) = (segment::path(number), segment::new_path(number));
        // Left over from an attempt that failed.
        if self.storage.len(&new_path)?.is_some() {
            self.storage.remove(&new_path)?;
        }
        let seal = Seal::new(self.node_id, number);
        let (header, bytes) = self.image(seal);
        let file = self.storage.create_new(&new_path)?;
        file.write_all_at(&bytes, 0)?;
        file.sync_all()?;
        // The predecessor's name may not be durable: its run may have died before. A successor must
        // not survive a power cut that its predecessor does not.
        if !self.names_durable {
            self.storage.sync_dir(FOLDER)?;
        }
        self.names_durable = false;
        self.storage.rename(&new_path, &path)?;
        self.storage.sync_dir(FOLDER)?;
        self.names_durable = true;
        // From here on, a start would miss it. If this fails, it is made anew under the same name:
        // nothing in it was acknowledged.
        hold_last(&*self.storage, &path, Space::Free)?;
        // Opened under its proper name, for the sake of error messages.
        let file = self.storage.open(&path)?;
        self.next.carried = Vec::new();
        let bytes = header.durable;
        self.segments.push(SegmentStats {
            number,
            first: Sequence(header.first),
            bytes,
        });
        self.active = Some(Active {
            file,
            number,
            seal,
            end: bytes,
        });
        Ok(())
    }

    /// Returns the first bytes of the next segment.
    fn image(&self, seal: Seal) -> (SegmentHeader, Vec<u8>) {
        let NextSegment {
            number,
            predecessor,
            carried,
        } = &self.next;
        let mut frames = Vec::new();
        for CarriedFrame { sequence, payload } in carried {
            let label = Label {
                kind: Kind::Data,
                sequence: *sequence,
                durable: durable_offset(FRAMES_START),
            };
            let at = FRAMES_START + narrow::to_u64(frames.len());
            frame::encode(&mut frames, seal, at, label, payload);
        }
        let header = SegmentHeader {
            node_id: self.node_id,
            number: *number,
            first: predecessor.sequence.next().0,
            predecessor: *predecessor,
            durable: FRAMES_START + narrow::to_u64(frames.len()),
        };
        let mut bytes = header.encode();
        bytes.append(&mut frames);
        (header, bytes)
    }

    /// Writes as many bytes past the end as did not fit, and removes them: now there is room for
    /// them.
    fn check_room(&mut self) -> Result<(), StorageError> {
        let wanted = self.wanted_bytes.max(self.options.room_bytes_min);
        let active = self.take_active();
        let room = active.file.write_all_at(&vec![0; wanted], active.end);
        match active.file.set_len(active.end) {
            Ok(()) => self.active = Some(active),
            Err(error) => {
                self.abandon(&active);
                return Err(error);
            }
        }
        room.inspect(|()| self.wanted_bytes = 0)
    }

    /// The segment to write to, after [`Writer::open`].
    fn take_active(&mut self) -> Active {
        let active = self.active.take();
        active.certain("a log that was opened without an error has a segment")
    }

    fn note(&mut self, end: u64) {
        let stats = self.segments.last_mut();
        let stats = stats.certain("what is written to is listed when it is created");
        stats.bytes = end;
    }
}

/// Returns the durable offset in the form that frames carry.
fn durable_offset(end: u64) -> u32 {
    u32::try_from(end)
        .certain("past SEGMENT_BYTES_LIMIT, half of what fits, no segment grows but by one group")
}
