//! Hands out the frames of one segment after another, and distinguishes a torn tail from damage.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::{FrameReader, Next};
use crate::clock;
use crate::id::Sequence;
use crate::narrow;
use crate::storage::Storage;
use crate::wal::error::{OnFrameError, WalError};
use crate::wal::format::frame::{CarriedFrame, FrameHeader, Kind, Seal};
use crate::wal::format::segment::{self, FRAMES_START, Position, SegmentHeader};

/// Takes one frame of the log; an error stops the replay.
pub type OnFrame<'a> = &'a mut dyn FnMut(Sequence, &[u8]) -> Result<(), OnFrameError>;

/// The time between log lines about the progress.
const LOG_EVERY: Duration = Duration::from_secs(5);

/// The progress of a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The number of bytes replayed.
    pub bytes_done: u64,
    /// The number of bytes to replay in all.
    pub bytes_total: u64,
    /// The number of frames handed out.
    pub frames: u64,
}

/// A torn tail: the remains, after a crash, of a group that was never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment.
    pub path: PathBuf,
    /// The offset at which it is cut.
    pub offset: u64,
    /// The number of bytes cut.
    pub bytes: u64,
    /// The number of whole data frames among them, cut because something before them is torn.
    pub frames: u64,
}

/// The end of the last segment, as found.
#[derive(Debug)]
pub(in crate::wal) struct TailState {
    /// The position up to which the log is proven to be durable.
    pub proven: Position,
    /// The data frames between there and the end of what is readable.
    pub carried: Vec<CarriedFrame>,
    /// True if the log was closed in order.
    pub clean: bool,
    pub torn: Option<TornTail>,
}

/// Replays segments in their order.
pub(in crate::wal) struct Replay<'a> {
    storage: &'a dyn Storage,
    on_frame: OnFrame<'a>,
    on_progress: &'a mut dyn FnMut(Progress),
    progress: Progress,
    /// The last data frame's sequence.
    last: u64,
    /// Frames up to here are not handed out.
    released: Sequence,
    started: std::time::Instant,
    logged: std::time::Instant,
}

impl<'a> Replay<'a> {
    pub(in crate::wal) fn new(
        storage: &'a dyn Storage,
        (on_frame, on_progress): (OnFrame<'a>, &'a mut dyn FnMut(Progress)),
        (last, bytes_total): (u64, u64),
        released: Sequence,
    ) -> Self {
        let now = clock::instant();
        let progress = Progress {
            bytes_total,
            ..Progress::default()
        };
        Self {
            storage,
            on_frame,
            on_progress,
            progress,
            last,
            released,
            started: now,
            logged: now,
        }
    }

    /// Reports the progress for the last time.
    pub(in crate::wal) fn finish(&mut self) -> Progress {
        (self.on_progress)(self.progress);
        self.progress
    }

    pub(in crate::wal) fn elapsed(&self) -> Duration {
        clock::instant().saturating_duration_since(self.started)
    }

    /// Replays a segment that has a successor: everything up to `end` must be there.
    pub(in crate::wal) fn inner(
        &mut self,
        header: &SegmentHeader,
        end: Position,
    ) -> Result<(), WalError> {
        let mut reader = self.reader(header, end.offset)?;
        let mut order = Order::new(header, self.last);
        let stop = loop {
            match self.step(&mut reader, &mut order)? {
                Step::Frame(_) => {}
                stop => break stop,
            }
        };
        let at = reader.offset();
        match stop {
            Step::Damage(what) => Err(self.damaged(header, at, what)),
            _ if at < end.offset => Err(self.damaged(header, at, "the file ends too early")),
            _ if self.last != end.sequence.0 => {
                Err(self.damaged(header, at, "frames are missing before it"))
            }
            _ => Ok(()),
        }
    }

    /// Replays the segment without a successor: it may have a torn tail.
    pub(in crate::wal) fn last(&mut self, header: &SegmentHeader) -> Result<TailState, WalError> {
        let mut reader = self.reader(header, u64::MAX)?;
        let mut order = Order::new(header, self.last);
        let mut unproven = Unproven::new(header, self.last);
        let damage = loop {
            match self.step(&mut reader, &mut order)? {
                Step::Frame(frame) => unproven.push(frame),
                Step::Damage(what) => break Some(what),
                Step::End => break None,
            }
        };
        let end = reader.offset();
        let torn = match damage {
            Some(what) => Some((what, self.search(header, &mut reader, &mut unproven)?)),
            None => None,
        };
        if end < unproven.proven || (order.ended && torn.is_some()) {
            let what = torn.map_or("the file ends too early", |(what, _)| what);
            return Err(self.damaged(header, end, what));
        }
        // Even an end mark proves only the durable offset that it names: its own sync may have
        // failed.
        let proven = unproven.position(header.number);
        let carried = self.collect(header, proven.offset, end)?;
        let torn = torn.map(|(_, torn)| torn);
        Ok(TailState {
            proven,
            carried,
            clean: order.ended,
            torn,
        })
    }

    /// Reads the next frame, checks it and hands it out.
    fn step(&mut self, reader: &mut FrameReader, order: &mut Order) -> Result<Step, WalError> {
        let frame = match reader.next()? {
            Next::Frame(frame) => frame,
            Next::End => return Ok(Step::End),
            Next::Damage(what) => return Ok(Step::Damage(what)),
        };
        let header = frame.header;
        if let Err(what) = order.admit(&header) {
            reader.seek(header.offset);
            return Ok(Step::Damage(what));
        }
        let sequence = Sequence(header.sequence);
        if frame.is_data() {
            self.last = header.sequence;
        }
        if frame.is_data() && sequence > self.released {
            (self.on_frame)(sequence, frame.payload).map_err(|source| WalError::Frame {
                path: self.storage.locate(&segment::path(order.number)),
                offset: header.offset,
                sequence,
                source,
            })?;
            self.progress.frames += 1;
        }
        self.advance(narrow::to_u64(header.frame_bytes()));
        Ok(Step::Frame(header))
    }

    fn advance(&mut self, bytes: u64) {
        const STEP_BYTES: u64 = 1 << 20;
        let before = self.progress.bytes_done / STEP_BYTES;
        self.progress.bytes_done += bytes;
        if self.progress.bytes_done / STEP_BYTES == before {
            return;
        }
        (self.on_progress)(self.progress);
        let now = clock::instant();
        if now.saturating_duration_since(self.logged) >= LOG_EVERY {
            self.logged = now;
            let Progress {
                bytes_done,
                bytes_total,
                frames,
            } = self.progress;
            let bytes_per_second = per_second(bytes_done, self.elapsed());
            tracing::info!(
                bytes_done,
                bytes_total,
                frames,
                bytes_per_second,
                "replaying the log"
            );
        }
    }

    /// Searches after the damage for valid frames and what they prove.
    fn search(
        &self,
        header: &SegmentHeader,
        reader: &mut FrameReader,
        unproven: &mut Unproven,
    ) -> Result<TornTail, WalError> {
        let offset = reader.offset();
        let mut frames = 0;
        reader.seek(offset + 1);
        while reader.find_header()? {
            let at = reader.offset();
            match reader.next()? {
                Next::Frame(frame) => {
                    frames += u64::from(frame.is_data());
                    unproven.prove(frame.header.durable);
                }
                Next::End | Next::Damage(_) => reader.seek(at + 1),
            }
        }
        let path = self.storage.locate(&segment::path(header.number));
        Ok(TornTail {
            path,
            offset,
            bytes: reader.end() - offset,
            frames,
        })
    }

    /// Reads once more the frames that nothing proves to be on the disk.
    fn collect(
        &self,
        header: &SegmentHeader,
        from: u64,
        to: u64,
    ) -> Result<Vec<CarriedFrame>, WalError> {
        let mut carried = Vec::new();
        let mut reader = self.reader(header, to)?;
        reader.seek(from);
        loop {
            match reader.next()? {
                Next::Frame(frame) if frame.is_data() => carried.push(CarriedFrame {
                    sequence: frame.header.sequence,
                    payload: frame.payload.to_vec(),
                }),
                Next::Frame(_) => {}
                Next::End => return Ok(carried),
                Next::Damage(what) => return Err(self.damaged(header, from, what)),
            }
        }
    }

    fn reader(&self, header: &SegmentHeader, end: u64) -> Result<FrameReader, WalError> {
        let file = self.storage.open_read(&segment::path(header.number))?;
        let seal = Seal::new(header.node_id, header.number);
        Ok(FrameReader::new(file, seal, FRAMES_START, end)?)
    }

    fn damaged(&self, header: &SegmentHeader, offset: u64, what: &'static str) -> WalError {
        let path = self.storage.locate(&segment::path(header.number));
        WalError::Damaged { path, offset, what }
    }
}

/// Returns the bytes per second, for people.
pub(in crate::wal) fn per_second(bytes: u64, elapsed: Duration) -> u64 {
    let millis = narrow::capped_u64(elapsed.as_millis()).max(1);
    bytes.saturating_mul(1000) / millis
}

/// One step of a replay.
enum Step {
    Frame(FrameHeader),
    Damage(&'static str),
    End,
}

/// The order that valid frames keep, and remains of a failed write do not.
struct Order {
    number: u64,
    first: u64,
    last: u64,
    durable: u64,
    ended: bool,
}

impl Order {
    fn new(header: &SegmentHeader, last: u64) -> Self {
        let SegmentHeader { number, first, .. } = *header;
        Self {
            number,
            first,
            last,
            durable: FRAMES_START,
            ended: false,
        }
    }

    fn admit(&mut self, frame: &FrameHeader) -> Result<(), &'static str> {
        if self.ended {
            return Err("there is something after the end mark");
        }
        if frame.durable < self.durable {
            return Err("a frame names a lower durable offset than the one before");
        }
        let in_order = match frame.kind {
            Kind::Data => frame.sequence > self.last && frame.sequence >= self.first,
            Kind::Probe | Kind::End => frame.sequence == self.last,
        };
        if !in_order {
            return Err("a frame is out of sequence");
        }
        self.last = frame.sequence;
        self.durable = frame.durable;
        self.ended = frame.kind == Kind::End;
        Ok(())
    }
}

/// The offset up to which the last segment is proven to be durable, and the frames after it.
struct Unproven {
    proven: u64,
    /// The last sequence below `proven`.
    below: u64,
    /// Offset and sequence of the frames at or past `proven`.
    frames: std::collections::VecDeque<(u64, u64)>,
}

impl Unproven {
    fn new(header: &SegmentHeader, last: u64) -> Self {
        Self {
            proven: header.durable,
            below: last,
            frames: std::collections::VecDeque::new(),
        }
    }

    fn push(&mut self, frame: FrameHeader) {
        self.frames.push_back((frame.offset, frame.sequence));
        self.prove(frame.durable);
    }

    fn prove(&mut self, durable: u64) {
        self.proven = self.proven.max(durable);
        while let Some((_, sequence)) = self.frames.front().filter(|(at, _)| *at < self.proven) {
            self.below = *sequence;
            self.frames.pop_front();
        }
    }

    fn position(&self, segment: u64) -> Position {
        Position {
            segment,
            offset: self.proven,
            sequence: Sequence(self.below),
        }
    }
}
