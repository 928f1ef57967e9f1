//! Compaction: files of a day joined into few, sorted, without overwritten points.

use std::sync::Arc;
use std::time::Duration;

use super::actions;
use super::flush::remove_files;
use super::parquet::{Encoded, FileWriter, Layout};
use super::reading::StoredFile;
use super::state::{DataFile, TableState, day_name};
use super::table::{Next, Table};
use super::upkeep::{by_day, count, to_join};
use super::{Lake, LakeError};
use crate::merge::{Merge, MergedSegments, Run, SegmentLimits, TimeRange, day_start_ns};
use crate::telemetry::UpkeepCounts;

/// Rows that are merged before they are encoded.
const SEGMENT_LIMITS: SegmentLimits = SegmentLimits {
    rows_max: 32 << 10,
    bytes_max: 8 << 20,
};

/// A file has at least so many row groups, of so many merged segments in all, before it is full.
const GROUPS_MIN: u64 = 2;
const SEGMENTS_MIN: u64 = 8;

/// What a file takes while it is made, in files: it, the rows of a row group and what encoding them
/// takes, the segment that is being merged.
const OUTPUT_FACTOR: u64 = 4;

/// How long a compaction waits for memory. It is tried again with the next upkeep.
const PATIENCE: Duration = Duration::from_secs(30);

/// Files that are joined at once: each is open all the time.
const INPUTS_MAX: usize = 64;

/// A day that ended so long ago is over: few points come for it now.
const LATE_NS: i64 = 3_600_000_000_000;

/// A day to be joined.
struct Plan {
    day: i32,
    inputs: Vec<DataFile>,
}

impl Lake {
    /// Joins files, day by day. `is_asked`: whatever can be joined, else where it pays.
    pub(super) async fn compact(
        &self,
        table: &Arc<Table>,
        measurement: &str,
        is_asked: bool,
    ) -> Result<UpkeepCounts, LakeError> {
        let mut counts = UpkeepCounts::default();
        let Some(mut state) = table.refresh(self.app()).await? else {
            return Ok(counts);
        };
        let days: Vec<i32> = by_day(&state).into_keys().collect();
        for day in days {
            // One day may need several rounds; each leaves fewer files.
            while let Some(plan) = self.plan(&state, day, is_asked) {
                let inputs = plan.inputs.len();
                let joined = self.join(table, &state, measurement, plan).await?;
                counts.files_removed += joined.files_removed;
                counts.files_added += joined.files_added;
                counts.bytes_added += joined.bytes_added;
                match table.known() {
                    Some(known) if joined.files_added < count(inputs) => state = known,
                    _ => break,
                }
            }
        }
        Ok(counts)
    }

    /// What is to be joined of a day: nothing if all is well.
    fn plan(&self, state: &TableState, day: i32, is_asked: bool) -> Option<Plan> {
        let options = &self.shared.options;
        let files = by_day(state).remove(&day)?;
        let late_ns = self.shared.clock.now_ns().saturating_sub(LATE_NS);
        let is_over = day_start_ns(day + 1) < late_ns;
        let mut inputs: Vec<DataFile> = if is_asked || is_over {
            let mut orders: Vec<u64> = files.iter().map(|file| file.order).collect();
            orders.dedup();
            // Files of one order are parts of one compaction, none of whose points stands twice.
            match orders.len() {
                0 | 1 => Vec::new(),
                _ => files.into_iter().cloned().collect(),
            }
        } else {
            to_join(&files, options.compact_files_min, options.file_bytes_max)
        };
        // The oldest ones, for what is behind them stays behind them.
        inputs.truncate(INPUTS_MAX);
        (inputs.len() > 1).then_some(Plan { day, inputs })
    }

    async fn join(
        &self,
        table: &Arc<Table>,
        state: &Arc<TableState>,
        measurement: &str,
        plan: Plan,
    ) -> Result<UpkeepCounts, LakeError> {
        let Plan { day, inputs } = plan;
        let snapshot = self.snapshot_of(Arc::clone(table), Arc::clone(state), measurement);
        let files: Vec<StoredFile> = inputs.iter().map(|file| snapshot.file(file)).collect();
        let open_bytes: u64 = files.iter().map(StoredFile::open_bytes).sum();
        let bytes_max = self.file_bytes_max();
        let wanted = open_bytes + OUTPUT_FACTOR * bytes_max;
        let memory = self.shared.budget.reserve_within(wanted, PATIENCE).await?;
        let order = inputs.iter().map(|file| file.order).max().unwrap_or(0);
        let join = Join {
            layout: state.columns.layout(),
            measurement: measurement.to_owned(),
            files,
            bytes_max,
        };
        let mut join = tokio::task::spawn_blocking(move || join.start()).await??;
        let mut written = Vec::new();
        loop {
            let encode = move || join.next().map(|file| (file, join));
            let (file, rest) = tokio::task::spawn_blocking(encode).await??;
            join = rest;
            let Some(file) = file else {
                break;
            };
            written.extend(self.write_files(table, order, vec![(day, file)]).await?);
        }
        drop((join, memory));
        let committed = self.commit_join(table, &inputs, &written).await?;
        if !committed {
            remove_files(table, &written).await;
            return Ok(UpkeepCounts::default());
        }
        let bytes_added = written.iter().map(|file| file.bytes).sum();
        tracing::info!(
            table = table.folder,
            day = day_name(day),
            files = inputs.len(),
            into = written.len(),
            bytes = bytes_added,
            "files were joined"
        );
        Ok(UpkeepCounts {
            files_removed: count(inputs.len()),
            files_added: count(written.len()),
            bytes_added,
        })
    }

    /// Puts the new files in the place of the old ones, all of which must still be there.
    async fn commit_join(
        &self,
        table: &Table,
        inputs: &[DataFile],
        written: &[actions::NewFile],
    ) -> Result<bool, LakeError> {
        let mut is_there = true;
        let mut next = |state: Option<&TableState>| {
            let files = state.map(|state| &state.files);
            let has = |path: &str| files.is_some_and(|files| files.contains_key(path));
            // An attempt whose end was not heard may have gone through.
            let is_done = written.iter().all(|file| has(&file.path)) && !written.is_empty();
            is_there = is_done || inputs.iter().all(|file| has(&file.path));
            if is_done || !is_there {
                return Ok(Next::Done);
            }
            // Overwritten points vanish: for those who read changes that is one.
            let parameters = serde_json::json!({"zOrderBy": "[]"});
            let mut commit = self.removal("OPTIMIZE", &parameters, inputs, true);
            commit.extend(written.iter().map(|file| actions::add(file, true)));
            Ok(Next::Commit(actions::parse(&table.folder, commit)?))
        };
        table.commit(self.app(), &mut next).await?;
        Ok(is_there)
    }

    /// A file is encoded in memory.
    fn file_bytes_max(&self) -> u64 {
        let budget_bytes = self.shared.budget.marks().budget_bytes;
        self.shared.options.file_bytes_max.min(budget_bytes / 16)
    }
}

/// The blocking part: rows out of files, merged, into files.
struct Join {
    layout: Layout,
    measurement: String,
    files: Vec<StoredFile>,
    bytes_max: u64,
}

struct Joining {
    layout: Layout,
    segments: MergedSegments,
    bytes_max: u64,
}

impl Join {
    fn start(self) -> Result<Joining, LakeError> {
        let mut runs = Vec::new();
        for file in &self.files {
            runs.push(Run::stream(
                &file.file().path,
                file.open(None)?,
                TimeRange::ALL,
            ));
        }
        let merge = Merge::new(runs).map_err(LakeError::merge)?;
        let bytes_max = usize::try_from(self.bytes_max / SEGMENTS_MIN).unwrap_or(usize::MAX);
        let limits = SegmentLimits {
            bytes_max: SEGMENT_LIMITS.bytes_max.min(bytes_max),
            ..SEGMENT_LIMITS
        };
        Ok(Joining {
            layout: self.layout,
            segments: MergedSegments::new(&self.measurement, merge, limits),
            bytes_max: self.bytes_max,
        })
    }
}

impl Joining {
    /// The next file; nothing at the end.
    fn next(&mut self) -> Result<Option<Encoded>, LakeError> {
        let writer = FileWriter::new(&self.layout, self.bytes_max / GROUPS_MIN);
        let mut writer = writer.map_err(LakeError::encode)?;
        while writer.encoded_bytes() < self.bytes_max {
            let Some(segment) = self.segments.next() else {
                break;
            };
            let segment = segment.map_err(LakeError::merge)?;
            writer.push(Arc::new(segment)).map_err(LakeError::encode)?;
        }
        writer.finish().map_err(LakeError::encode)
    }
}
