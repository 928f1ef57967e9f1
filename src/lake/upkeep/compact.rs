//! Compaction: joins the files of a day into few, sorted, without overwritten points.
//!
//! `plan` chooses the files and explains why no newer point becomes older. Here they are read, merged,
//! written and committed. The commit checks again that all inputs are still there, and that nothing
//! came between them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::plan::{JoinPlan, JoinRules, is_closed, runs};
use crate::behind;
use crate::certain::Certain;
use crate::columnar::Segment;
use crate::lake::error::LakeError;
use crate::lake::handle::Lake;
use crate::lake::parquet::{Encoded, FileWriter, KeyRange, Layout};
use crate::lake::reading::StoredFile;
use crate::lake::state::actions;
use crate::lake::state::data_file::{DataFile, day_name};
use crate::lake::state::table_state::TableState;
use crate::lake::table::{Next, Seen, Table};
use crate::memory::Room;
use crate::merge::{
    Chunks, ChunksError, Merge, MergedSegments, Run, SegmentLimits, Tags, TimeRange,
};
use crate::narrow;
use crate::telemetry::UpkeepCounts;

/// The rows that are merged before they are encoded.
const SEGMENT_LIMITS: SegmentLimits = SegmentLimits {
    rows_max: 32 << 10,
    bytes_max: 8 << 20,
};

/// A full file has at least this many row groups, of at least this many merged segments in all.
const GROUPS_MIN: u64 = 2;
const SEGMENTS_MIN: u64 = 8;

/// The memory that a file takes while it is made, in files: itself, the rows of a row group and their
/// encoding, and the segment that is being merged.
const OUTPUT_FACTOR: u64 = 4;

/// The time for which a compaction waits for memory. It is retried with the next upkeep.
const PATIENCE: Duration = Duration::from_secs(30);

impl Lake {
    /// Joins files, day by day: with `is_asked` all that can be joined, else those that are worth it.
    pub(in crate::lake) async fn compact(
        &self,
        table: &Arc<Table>,
        measurement: &str,
        is_asked: bool,
    ) -> Result<UpkeepCounts, LakeError> {
        let mut counts = UpkeepCounts::default();
        let Some(state) = table.refresh(self.app()).await? else {
            return Ok(counts);
        };
        let rules = JoinRules {
            files_min: self.shared.options.compact_files_min,
            file_bytes_max: self.file_bytes_max(),
            runs_max: self.shared.joins.runs_max,
            now_ns: self.shared.clock.now_ns(),
            is_asked,
        };
        if !is_asked && table.rest.holds(state.version, rules.now_ns) {
            return Ok(counts);
        }
        let version = state.version;
        let look = move || behind::others(|| (rules.plans(&state), rules.over_next_ns(&state)));
        let (plans, until_ns) = tokio::task::spawn_blocking(look).await?;
        if plans.is_empty() && !is_asked {
            table.rest.note(version, until_ns);
        }
        let mut failed = None;
        for plan in plans {
            let joined = self.join_day(table, measurement, &rules, plan, &mut counts);
            // A day that cannot be joined does not hold up the others.
            failed = joined.await.err().or(failed);
        }
        failed.map_or(Ok(counts), Err)
    }

    /// Joins files of a day until there is nothing more to join: one join may call for another.
    async fn join_day(
        &self,
        table: &Arc<Table>,
        measurement: &str,
        rules: &JoinRules,
        plan: JoinPlan,
        counts: &mut UpkeepCounts,
    ) -> Result<(), LakeError> {
        let Some(mut state) = table.refresh(self.app()).await? else {
            return Ok(());
        };
        let day = plan.day;
        let mut next = Some(plan);
        while let Some(plan) = next {
            let joined = self.join(table, &state, measurement, plan).await?;
            if joined.files_removed == 0 {
                // Another node is compacting it too.
                return Ok(());
            }
            *counts += joined;
            let now = table.refresh(self.app()).await?;
            let Some(now) = now else { return Ok(()) };
            next = rules.plan(day, &now.of_day(day));
            state = now;
        }
        Ok(())
    }

    async fn join(
        &self,
        table: &Arc<Table>,
        state: &Arc<TableState>,
        measurement: &str,
        plan: JoinPlan,
    ) -> Result<UpkeepCounts, LakeError> {
        let JoinPlan { day, inputs } = &plan;
        let snapshot = self.snapshot_of(Arc::clone(table), Arc::clone(state), measurement);
        let files: Vec<&DataFile> = inputs.iter().collect();
        let runs = runs(&files).into_iter();
        let runs = runs.map(|run| run.into_iter().map(|file| snapshot.file(file)).collect());
        let runs: Vec<VecDeque<StoredFile>> = runs.collect();
        let bytes_max = self.file_bytes_max();
        let floor_bytes = Room::floor_bytes(&self.shared.budget);
        let wanted = floor_bytes + OUTPUT_FACTOR * bytes_max;
        let mut memory = self.shared.budget.reserve_within(wanted, PATIENCE).await?;
        let room = Room::within(memory.split(floor_bytes));
        let order = inputs.iter().map(|file| file.order).max();
        let order = order.certain("a plan has at least two inputs");
        let join = Join {
            layout: state.columns.layout(),
            measurement: measurement.to_owned(),
            runs,
            room,
            bytes_max,
            rows_max: self.shared.joins.file_rows_max,
        };
        let mut join =
            tokio::task::spawn_blocking(move || behind::others(|| join.start())).await??;
        let mut written = Vec::new();
        loop {
            let encode = move || behind::others(|| join.next()).map(|file| (file, join));
            let (file, rest) = tokio::task::spawn_blocking(encode).await??;
            join = rest;
            let Some(file) = file else {
                break;
            };
            debug_assert!(follows(&written, &file.keys), "parts are in order");
            written.extend(
                table
                    .write_files(self.writer(order), vec![(*day, file)])
                    .await?,
            );
        }
        drop((join, memory));
        if !self.commit_join(table, &plan, &written).await? {
            return Ok(UpkeepCounts::default());
        }
        let bytes_added = written.iter().map(|file| file.bytes).sum();
        tracing::info!(
            table = table.folder,
            day = day_name(*day),
            files = inputs.len(),
            into = written.len(),
            bytes = bytes_added,
            "files were joined"
        );
        Ok(UpkeepCounts {
            files_removed: narrow::to_u64(inputs.len()),
            files_added: narrow::to_u64(written.len()),
            bytes_added,
        })
    }

    /// Replaces the old files by the new ones. Returns false if an old file is gone, or another file came
    /// between them.
    async fn commit_join(
        &self,
        table: &Table,
        plan: &JoinPlan,
        written: &[actions::NewFile],
    ) -> Result<bool, LakeError> {
        let inputs = &plan.inputs;
        let (mut is_done, mut is_tried) = (false, false);
        let mut next = |seen: &Seen| {
            let state = seen.state.as_deref();
            let has = |path: &str| state.is_some_and(|state| state.files.contains_key(path));
            // An attempt of unknown outcome may have gone through, and others may have joined
            // some of its files since.
            is_done = written.iter().any(|file| has(&file.path));
            let day = state.map(|state| state.of_day(plan.day));
            let is_open = inputs.iter().all(|file| has(&file.path))
                && is_closed(inputs, day.into_iter().flatten());
            if is_done || !is_open {
                return Ok(Next::Done);
            }
            is_tried = true;
            // Overwritten points vanish, which is a change for readers of the change feed.
            let parameters = serde_json::json!({"zOrderBy": "[]"});
            let mut commit = actions::removal("OPTIMIZE", &parameters, inputs, self.now_ms());
            commit.extend(written.iter().map(|file| actions::add(file, true)));
            Ok(Next::Commit(actions::parse(&table.folder, commit)?))
        };
        let state = table.commit(self.app(), &mut next).await?;
        let has_one = |state: Arc<TableState>| {
            let mut written = written.iter();
            written.any(|file| state.files.contains_key(file.path.as_str()))
        };
        is_done |= state.is_some_and(has_one);
        // A commit that was tried may have gone through, and others may have joined its files since:
        // then they are not ours to remove.
        if !is_done && !is_tried {
            table.remove_files(written).await;
        }
        Ok(is_done)
    }

    /// The size of a full file, limited because a file is encoded in memory.
    fn file_bytes_max(&self) -> u64 {
        let budget_bytes = self.shared.budget.marks().budget_bytes;
        self.shared.options.file_bytes_max.min(budget_bytes / 16)
    }
}

/// Returns whether a part with these keys follows the parts before it.
fn follows(written: &[actions::NewFile], keys: &KeyRange) -> bool {
    let last = written.last();
    last.is_none_or(|last| !keys.is_before(&last.keys))
}

/// The blocking part: rows out of files, merged, into files.
struct Join {
    layout: Layout,
    measurement: String,
    /// In the order of writing; the files of a run in the order of their rows.
    runs: Vec<VecDeque<StoredFile>>,
    room: Room,
    bytes_max: u64,
    rows_max: usize,
}

struct Joining {
    layout: Layout,
    segments: MergedSegments,
    bytes_max: u64,
    rows_max: usize,
}

impl Join {
    fn start(self) -> Result<Joining, LakeError> {
        let width = self.runs.len();
        let runs = self.runs.into_iter().map(|files| {
            let name = files.front().map(|file| file.file().path.clone());
            let chain = Chain::new(files, &self.room, width)?;
            Ok(Run::stream(
                &name.certain("a run has files"),
                Box::new(chain),
                TimeRange::ALL,
            ))
        });
        let runs = runs.collect::<Result<Vec<Run>, LakeError>>()?;
        let merge = Merge::new(runs).map_err(LakeError::merge)?;
        let bytes_max = narrow::to_usize(self.bytes_max / SEGMENTS_MIN);
        let limits = SegmentLimits {
            rows_max: SEGMENT_LIMITS.rows_max.min(self.rows_max),
            bytes_max: SEGMENT_LIMITS.bytes_max.min(bytes_max),
        };
        Ok(Joining {
            layout: self.layout,
            segments: MergedSegments::new(&self.measurement, merge, limits),
            bytes_max: self.bytes_max,
            rows_max: self.rows_max,
        })
    }
}

/// Files whose rows follow each other, as one stream. Only one of them is open at a time.
struct Chain {
    files: VecDeque<StoredFile>,
    open: Option<Box<dyn Chunks>>,
    room: Room,
    /// The number of chains that are read at the same time.
    width: usize,
}

impl Chain {
    /// Opens the first file, to know where the chain begins.
    fn new(files: VecDeque<StoredFile>, room: &Room, width: usize) -> Result<Self, LakeError> {
        let mut chain = Self {
            files,
            open: None,
            room: room.clone(),
            width,
        };
        chain.open_next()?;
        Ok(chain)
    }

    fn open_next(&mut self) -> Result<(), LakeError> {
        // Close the old file before opening the next.
        self.open = None;
        if let Some(file) = self.files.pop_front() {
            self.open = Some(file.open(TimeRange::ALL, None, &self.room, self.width)?);
        }
        Ok(())
    }
}

impl Chunks for Chain {
    fn next(&mut self) -> Result<Option<Arc<Segment>>, ChunksError> {
        while let Some(open) = &mut self.open {
            if let Some(segment) = open.next()? {
                return Ok(Some(segment));
            }
            self.open_next()?;
        }
        Ok(None)
    }

    fn lower_bound(&self) -> Option<Tags> {
        self.open.as_ref().and_then(|first| first.lower_bound())
    }
}

impl Joining {
    /// The next file; nothing at the end.
    fn next(&mut self) -> Result<Option<Encoded>, LakeError> {
        let writer = FileWriter::new(&self.layout, self.bytes_max / GROUPS_MIN);
        let mut writer = writer.map_err(LakeError::encode)?;
        let mut rows = 0;
        while writer.encoded_bytes() < self.bytes_max && rows < self.rows_max {
            let Some(segment) = self.segments.next() else {
                break;
            };
            let segment = segment.map_err(LakeError::merge)?;
            rows += segment.rows();
            writer.push(Arc::new(segment)).map_err(LakeError::encode)?;
        }
        writer.finish().map_err(LakeError::encode)
    }
}
