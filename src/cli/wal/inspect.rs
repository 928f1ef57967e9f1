//! `tidegate wal inspect`: shows the log segment by segment, and whether a server would start with it.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::error::WalCommandError;
use crate::ingest::describe_frame;
use crate::narrow;
use crate::storage::{DiskStorage, Storage};
use crate::telemetry::causes;
use crate::wal::{FrameInfo, FrameKind, Item, LogReader, Replayed, SegmentFile, Wal, WalError};

const HELP: &str = "\
The server must be stopped. Nothing is changed.

A segment is proved to be on disk up to its known-durable offset: damage before it makes a start \
fail, damage after it is a torn tail and is cut.

Exit status: 0 if a server would start with the log, whole or without its torn tail; 1 if it \
would refuse to, or if the log cannot be looked at.

Examples:
  tidegate wal inspect --data-dir tidegate-data
  tidegate wal inspect --data-dir tidegate-data --frames
  tidegate wal inspect --data-dir tidegate-data --json";

/// Show what the log of a stopped server holds, and whether it would start.
#[derive(Args, Clone, Debug)]
#[command(after_help = HELP)]
pub(super) struct Inspect {
    /// The server's data folder.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// List every frame too.
    #[arg(long)]
    frames: bool,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// The whole log.
#[derive(Debug, Serialize)]
pub(super) struct Log {
    node_id: String,
    /// True if a server would start with it; `verdict` says why or why not.
    starts: bool,
    clean: bool,
    verdict: String,
    /// Writes up to this one are in the tables; the log may begin after them.
    released_sequence: Option<u64>,
    segments: Vec<Segment>,
}

/// One segment.
#[derive(Debug, Serialize)]
pub(super) struct Segment {
    number: u64,
    path: String,
    bytes: u64,
    header_fault: Option<String>,
    first_sequence: Option<u64>,
    last_sequence: Option<u64>,
    data_frames: u64,
    probe_frames: u64,
    end_marks: u64,
    payload_bytes: u64,
    durable_offset: u64,
    /// Its exact end, according to its successor.
    exact_end: Option<u64>,
    /// Bytes after that, left over by a failed write.
    left_over_bytes: u64,
    damage: Vec<Damage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<Vec<Frame>>,
}

/// A part that cannot be read.
#[derive(Debug, Serialize)]
struct Damage {
    offset: u64,
    bytes: u64,
    what: String,
}

/// One frame.
#[derive(Debug, Serialize)]
struct Frame {
    offset: u64,
    bytes: u64,
    sequence: u64,
    kind: &'static str,
    durable_offset: u64,
    bucket: Option<String>,
    rows: Vec<Rows>,
    fault: Option<String>,
}

#[derive(Debug, Serialize)]
struct Rows {
    measurement: String,
    rows: usize,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), WalCommandError> {
        let storage = DiskStorage::inspect(&self.data_dir)?;
        let log = look(&storage, self.frames)?;
        let mut out = io::BufWriter::new(io::stdout().lock());
        match self.json {
            true => {
                serde_json::to_writer_pretty(&mut out, &log).map_err(io::Error::from)?;
                writeln!(out)?;
            }
            false => log.write(&mut out)?,
        }
        out.flush()?;
        match log.starts {
            true => Ok(()),
            false => Err(WalCommandError::NoStart),
        }
    }
}

/// Looks at a log, with every frame if that is wanted.
pub(super) fn look(storage: &dyn Storage, with_frames: bool) -> Result<Log, WalError> {
    let reader = LogReader::open(storage)?;
    let mut segments = Vec::new();
    for file in reader.segments() {
        let mut segment = Segment::of(file, with_frames);
        reader.read::<WalError>(file, &mut |item| {
            segment.take(item);
            Ok(())
        })?;
        segments.push(segment);
    }
    let examined = Wal::examine(storage);
    Ok(Log {
        node_id: format!("{:016x}", reader.node_id()),
        starts: examined.is_ok(),
        clean: examined.as_ref().is_ok_and(|replayed| replayed.clean),
        verdict: verdict(&examined),
        released_sequence: reader.released().ok().flatten().map(|last| last.0),
        segments,
    })
}

fn verdict(examined: &Result<Replayed, WalError>) -> String {
    let replayed = match examined {
        Ok(replayed) => replayed,
        Err(error) => return format!("a start would be refused: {}", causes(error)),
    };
    match &replayed.torn {
        Some(torn) => format!(
            "a start would cut a torn tail of {} bytes with {} whole frames at offset {} of {}",
            torn.bytes,
            torn.frames,
            torn.offset,
            torn.path.display()
        ),
        None if replayed.clean => "the log was closed in order".to_owned(),
        None => {
            "the log was not closed (the server was killed, or the machine stopped), and is whole"
                .to_owned()
        }
    }
}

impl Segment {
    fn of(file: &SegmentFile, with_frames: bool) -> Self {
        let exact_end = file.exact_end.map(|end| end.offset);
        Self {
            number: file.number,
            path: file.path.display().to_string(),
            bytes: file.bytes,
            header_fault: file.header_fault.clone(),
            first_sequence: None,
            last_sequence: None,
            data_frames: 0,
            probe_frames: 0,
            end_marks: 0,
            payload_bytes: 0,
            durable_offset: file.durable_offset.max(exact_end.unwrap_or(0)),
            exact_end,
            left_over_bytes: exact_end.map_or(0, |end| file.bytes.saturating_sub(end)),
            damage: Vec::new(),
            frames: with_frames.then(Vec::new),
        }
    }

    fn take(&mut self, item: Item<'_>) {
        let frame = match item {
            Item::Frame(frame) => frame,
            Item::Unreadable {
                offset,
                bytes,
                what,
            } => {
                let what = what.to_owned();
                return self.damage.push(Damage {
                    offset,
                    bytes,
                    what,
                });
            }
        };
        self.durable_offset = self.durable_offset.max(frame.durable_offset);
        match frame.kind {
            FrameKind::Data => {
                self.data_frames += 1;
                self.first_sequence.get_or_insert(frame.sequence.0);
                self.last_sequence = Some(frame.sequence.0);
                self.payload_bytes += narrow::to_u64(frame.payload.len());
            }
            FrameKind::Probe => self.probe_frames += 1,
            FrameKind::End => self.end_marks += 1,
        }
        if let Some(frames) = &mut self.frames {
            frames.push(Frame::of(&frame));
        }
    }
}

impl Frame {
    fn of(frame: &FrameInfo<'_>) -> Self {
        let (kind, described) = match frame.kind {
            FrameKind::Data => ("data", Some(describe_frame(frame.payload))),
            FrameKind::Probe => ("probe", None),
            FrameKind::End => ("end", None),
        };
        let (bucket, rows, fault) = match described {
            None => (None, Vec::new(), None),
            Some(Ok(described)) => (Some(described.bucket.to_string()), described.rows, None),
            Some(Err(error)) => (None, Vec::new(), Some(error.to_string())),
        };
        let rows = rows
            .into_iter()
            .map(|(measurement, rows)| Rows { measurement, rows });
        Self {
            offset: frame.offset,
            bytes: frame.bytes,
            sequence: frame.sequence.0,
            kind,
            durable_offset: frame.durable_offset,
            bucket,
            rows: rows.collect(),
            fault,
        }
    }
}

impl Log {
    /// For people.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for segment in &self.segments {
            segment.write(out)?;
        }
        if let Some(last) = self.released_sequence {
            writeln!(out, "released: writes up to sequence {last}")?;
        }
        writeln!(
            out,
            "log: {} segments, {} data frames; {}",
            self.segments.len(),
            self.segments.iter().map(|s| s.data_frames).sum::<u64>(),
            self.verdict
        )
    }
}

impl Segment {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "segment {} ({})", self.number, self.path)?;
        let header = self.header_fault.as_deref().unwrap_or("ok");
        writeln!(out, "  file: {} bytes, header: {header}", self.bytes)?;
        match (self.first_sequence, self.last_sequence) {
            (Some(first), Some(last)) => writeln!(out, "  sequences: {first} to {last}")?,
            _ => writeln!(out, "  sequences: none")?,
        }
        writeln!(
            out,
            "  frames: {} data with {} bytes of payload, {} probe, {} end",
            self.data_frames, self.payload_bytes, self.probe_frames, self.end_marks
        )?;
        writeln!(out, "  known durable up to offset {}", self.durable_offset)?;
        if let (Some(end), bytes @ 1..) = (self.exact_end, self.left_over_bytes) {
            writeln!(
                out,
                "  ends at offset {end}; {bytes} bytes after that are left over"
            )?;
        }
        for Damage {
            offset,
            bytes,
            what,
        } in &self.damage
        {
            writeln!(
                out,
                "  unreadable: {bytes} bytes from offset {offset}: {what}"
            )?;
        }
        for frame in self.frames.iter().flatten() {
            frame.write(out)?;
        }
        Ok(())
    }
}

impl Frame {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self {
            offset,
            bytes,
            sequence,
            kind,
            ..
        } = self;
        write!(
            out,
            "    {offset:>10}  {kind:<5}  sequence {sequence}, {bytes} bytes"
        )?;
        if let Some(bucket) = &self.bucket {
            write!(out, ", bucket {bucket}")?;
        }
        for Rows { measurement, rows } in &self.rows {
            write!(out, ", {measurement:?} {rows} rows")?;
        }
        match &self.fault {
            Some(fault) => writeln!(out, ", cannot be decoded: {fault}"),
            None => writeln!(out),
        }
    }
}
