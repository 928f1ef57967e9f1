//! Opens a log: replays what is there ([`read`](super::read)), finishes what a crash interrupted,
//! and hands over to a writer ([`write`](super::write)).

use std::sync::Arc;
use std::time::Duration;

use super::error::WalError;
use super::format::segment::{self, FOLDER};
use super::read::chain::Chain;
use super::read::replay::{OnFrame, Progress, Replay, TailState, TornTail, per_second};
use super::write::committer::Committer;
use super::write::handle::Wal;
use super::write::options::WalOptions;
use super::write::writer::{ExistingLog, NextSegment, SegmentStats, Writer};
use crate::id::Sequence;
use crate::storage::{Space, Storage, StorageError, check_folder, data_format, hold_last};

/// The result of a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The last sequence found; 0 in a new log.
    pub last: Sequence,
    /// The number of frames handed out.
    pub frames: u64,
    /// The number of bytes of frames, with headers.
    pub bytes: u64,
    /// The number of segments read.
    pub segments: usize,
    /// True if the log had been closed in order, or is new.
    pub clean: bool,
    /// The torn tail that was cut, if there was one.
    pub torn: Option<TornTail>,
    /// The duration of the replay.
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
    /// Returns the result of the replay.
    pub fn replayed(&self) -> &Replayed {
        &self.replayed
    }

    /// Starts the log's thread. A disk that is full or fails now does not prevent the start: the
    /// log is then unhealthy, refuses frames and tries again.
    pub fn start(self) -> Result<Wal, WalError> {
        let (wal, committer) = self.into_parts();
        wal.run(committer)?;
        Ok(wal)
    }

    /// Returns the log without a thread: tests commit group by group.
    pub(super) fn into_parts(self) -> (Wal, Committer) {
        Wal::new(self.writer, self.last)
    }
}

/// Replays the log: see [`Wal::recover`].
fn recover(
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
    let record_is_durable = finish_release(&chain, &*storage);
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
    let existing = ExistingLog {
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

/// Reads the log as [`recover`] does, but takes no frame and changes nothing: see [`Wal::examine`].
fn examine(storage: &dyn Storage) -> Result<Replayed, WalError> {
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

/// Deletes what a crash left over from a release, and returns true if the record is known to be
/// durable. Its run may have died before it was, and it must not be lost after what it covers.
fn finish_release(chain: &Chain, storage: &dyn Storage) -> bool {
    let synced = match chain.released {
        None => return false,
        Some(_) => storage.sync_dir(FOLDER),
    };
    let is_durable = synced.is_ok();
    let deleted = synced.and_then(|()| delete_needless(chain, storage));
    if let Err(error) = deleted {
        tracing::warn!(
            error = error.chain(),
            "segments of the log that are no longer needed could not be deleted; the next start tries again"
        );
    }
    is_durable
}

/// Deletes the segments that are not needed. The one noted as the newest may be among them: a crash
/// came between naming its successor and noting it.
fn delete_needless(chain: &Chain, storage: &dyn Storage) -> Result<(), StorageError> {
    if chain.needless.is_empty() {
        return Ok(());
    }
    if let Some((newest, _)) = chain.segments.last() {
        hold_last(storage, &segment::path(newest.number), Space::Any)?;
    }
    let mut paths = chain.needless.iter();
    paths.try_for_each(|path| storage.remove(path))
}

fn report(chain: &Chain, replay: &mut Replay<'_>, end: &TailState, base: u64) -> Replayed {
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
    /// order: `on_frame` gets sequence and payload, `on_progress` is called for every mebibyte.
    /// Blocks. Memory stays within a few mebibytes, whatever the log's size.
    ///
    /// # Errors
    ///
    /// Damage below what was known durable, missing segments, other versions or nodes, a failing
    /// disk, or an error of `on_frame`. After an error nothing has changed.
    pub fn recover(
        storage: Arc<dyn Storage>,
        options: WalOptions,
        on_frame: OnFrame<'_>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Result<Recovered, WalError> {
        recover(storage, options, on_frame, on_progress)
    }

    /// Returns what a start with this log would replay: reads the log as a start does, and changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// Those of [`Wal::recover`]: no server would start with this log.
    pub fn examine(storage: &dyn Storage) -> Result<Replayed, WalError> {
        examine(storage)
    }
}
