//! One flush of one table: rows move from the buffer to the table exactly once, through every crash.
//!
//! ```text
//! settle ─ seal ─ encode ─ write files ─ note the attempt ─ commit with txn ─ note it ─ release
//!   │                                                          │ met another commit: look again
//!   └ the last frame that the table has                        ├ number too low: a higher one
//!                                                              └ outcome unknown: the table decides
//! ```
//!
//! The number in the name of a file decides which of equal points is newer (see `state::data_file`).
//! It is chosen when the file is written, and other nodes may commit before this file is. So the
//! commit checks that the number is above those of all files of its day; if it is not, the file is
//! copied under a higher number and the commit is tried again.
//!
//! The transaction of a commit is the sequence of the last log frame in it. The library refuses
//! neither a repeated nor a lower sequence, so it is compared before every attempt.

mod log_again;
mod relieve;
mod scratch;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deltalake_core::kernel::Action;

use crate::behind;
use crate::buffer::Sealed;
use crate::catalog::Bucket;
use crate::columnar::{ColumnKind, Segment};
use crate::id::{Sequence, TableId};
use crate::lake::error::LakeError;
use crate::lake::handle::Lake;
use crate::lake::parquet::{DayFiles, Layout};
use crate::lake::state::actions::{self, NewFile, NewTable};
use crate::lake::state::columns::TableColumns;
use crate::lake::state::table_state::TableState;
use crate::lake::table::files::Writer;
use crate::lake::table::{Next, Seen, Table};
use crate::merge::at_once::Sorted;
use crate::narrow;
use crate::telemetry::FlushCounts;
use scratch::Scratch;

/// The number of times that a flush is prepared anew because others have changed the table meanwhile.
const PREPARATIONS_MAX: u32 = 20;

/// Once a table has this many flushes of unknown outcome, the last one is tried again instead of a
/// larger one.
const DOUBTS_MAX: usize = 8;

/// The number of times that files get a new number because others were faster.
const NUMBERS_MAX: u32 = 100;

/// Rows on their way to a table.
struct Unit {
    sealed: Sealed,
    /// The last deletion of the bucket before the files were made: a later one takes them along.
    deletion: Option<String>,
    columns: GrownColumns,
    files: Vec<NewFile>,
    rows: u64,
}

/// The columns of a table with those that a flush adds.
struct GrownColumns {
    columns: TableColumns,
    /// The number of columns, the first ones, that the table has.
    known: usize,
}

/// The table that a unit goes to.
struct Target<'a> {
    table: &'a Table,
    bucket: &'a Bucket,
    measurement: &'a str,
    /// The last frame that the table has.
    flushed: Sequence,
}

/// The outcome of an attempt to commit a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Landing {
    /// It is in the table.
    Landed,
    /// Files of its days have numbers that are not below its own.
    Behind,
    /// The table is no longer as it was when the files were made.
    Stale,
}

impl Lake {
    /// Moves the buffered rows of a table to the lake. Does nothing if there are none.
    pub(super) async fn flush_table(
        &self,
        bucket: &Bucket,
        measurement: &str,
    ) -> Result<FlushCounts, LakeError> {
        let table = self.shared.tables.get(&bucket.name, measurement)?;
        let id = bucket.table(measurement);
        // A removal holds the table until the last file is gone: a flush must not wait for it while it takes
        // up one of the places for flushes.
        self.check_stays(bucket)?;
        let _owned = table.flushing().await;
        self.check_stays(bucket)?;
        for _ in 0..PREPARATIONS_MAX {
            let seen = self.see(&table, &id).await?;
            let flushed = self.settle(&table, &seen, &id)?;
            self.shared.buffer.release(&id, flushed);
            let Some(sealed) = self.seal(&table, &id, flushed)? else {
                return Ok(FlushCounts::default());
            };
            let (sealed, scratch) = Scratch::take(&self.shared.budget, sealed).await;
            let last = sealed.last;
            // An attempt that cannot be noted would write its files again and again.
            self.probe_positions().await?;
            let mut unit = self.prepare(&table, seen, sealed, scratch).await?;
            // Not earlier: a start must ask the store about every attempt, and if the store does not
            // answer, no files were written.
            if let Err(error) = self.note_attempt(&id, last).await {
                table.remove_files(&unit.files).await;
                return Err(error);
            }
            let target = Target {
                table: &table,
                bucket,
                measurement,
                flushed,
            };
            if self.land(&target, &mut unit).await? {
                self.shared.positions.flushed(&id, last);
                self.shared.buffer.release(&id, last);
                return Ok(unit.report());
            }
            table.remove_files(&unit.files).await;
        }
        Err(LakeError::Contended {
            table: table.folder.clone(),
            attempts: PREPARATIONS_MAX,
        })
    }

    /// Seals the rows to flush, if there are any.
    fn seal(
        &self,
        table: &Table,
        id: &TableId,
        flushed: Sequence,
    ) -> Result<Option<Sealed>, LakeError> {
        let buffer = &self.shared.buffer;
        let held = buffer.table(id);
        if held.is_some_and(|held| held.first <= flushed) {
            let reason = format!(
                "it has all rows up to frame {flushed}, and in memory they cannot be distinguished \
                 from later rows: restart the server, which leaves them out"
            );
            return Err(LakeError::table(&table.folder, reason));
        }
        let Some(sealed) = buffer.seal(id) else {
            return Ok(None);
        };
        // Each further attempt is one more that may arrive late: once there are several, the last one
        // is tried again.
        let doubts: Vec<Sequence> = {
            let position = self.shared.positions.of(id);
            position.doubts().collect()
        };
        let again = doubts.last().filter(|_| doubts.len() >= DOUBTS_MAX);
        let again = again.and_then(|last| sealed.up_to(*last));
        Ok(Some(again.unwrap_or(sealed)))
    }

    fn check_stays(&self, bucket: &Bucket) -> Result<(), LakeError> {
        match self.is_being_deleted(bucket) {
            true => Err(LakeError::BeingDeleted {
                bucket: bucket.name.clone(),
            }),
            false => Ok(()),
        }
    }

    async fn note_attempt(&self, id: &TableId, last: Sequence) -> Result<(), LakeError> {
        let (positions, id) = (self.shared.positions.clone(), id.clone());
        let note = move || positions.attempt(&id, last);
        Ok(tokio::task::spawn_blocking(note).await??)
    }

    /// Sorts, merges and encodes the rows, and writes the files.
    async fn prepare(
        &self,
        table: &Table,
        seen: Seen,
        sealed: Sealed,
        scratch: Scratch,
    ) -> Result<Unit, LakeError> {
        let Seen { state, deletion } = seen;
        let state = state.as_deref();
        let columns = GrownColumns::new(state, &sealed.segments);
        let order = state.map_or(0, TableState::next_order);
        let segments = sealed.segments.clone();
        let (rows, files) = self
            .write_days(table, order, segments, columns.columns.layout())
            .await?;
        drop(scratch);
        Ok(Unit {
            sealed,
            deletion,
            columns,
            files,
            rows,
        })
    }

    /// Sorts the rows and writes a file per day, some days at a time. If something fails, the files that
    /// were written are removed.
    async fn write_days(
        &self,
        table: &Table,
        order: u64,
        segments: Vec<Arc<Segment>>,
        layout: Layout,
    ) -> Result<(u64, Vec<NewFile>), LakeError> {
        let start = move || behind::others(|| DayFiles::new(Sorted::new(&segments)?, layout));
        let days = tokio::task::spawn_blocking(start).await?;
        let failed = |error| LakeError::table(&table.folder, error);
        let mut files = Vec::new();
        let days = days.map_err(failed)?;
        let written = self.write_each(table, order, days, &mut files).await;
        if written.is_err() {
            table.remove_files(&files).await;
        }
        Ok((written?, files))
    }

    /// Adds the files to `files`; returns the number of their rows.
    async fn write_each(
        &self,
        table: &Table,
        order: u64,
        mut days: DayFiles,
        files: &mut Vec<NewFile>,
    ) -> Result<u64, LakeError> {
        let mut rows = 0;
        loop {
            let encode = move || (behind::others(|| days.next_days()), days);
            let (encoded, rest) = tokio::task::spawn_blocking(encode).await?;
            days = rest;
            let encoded = encoded.map_err(|error| LakeError::table(&table.folder, error))?;
            let Some(encoded) = encoded else {
                return Ok(rows);
            };
            rows += encoded.iter().map(|(_, file)| file.rows).sum::<u64>();
            files.extend(table.write_files(self.writer(order), encoded).await?);
        }
    }

    /// Returns a writer of files with this number, for this node and the current time.
    pub(super) fn writer(&self, order: u64) -> Writer {
        Writer {
            node_id: self.shared.node_id,
            order,
            now_ms: self.now_ms(),
        }
    }

    /// Commits a unit, under higher numbers if others were faster. Returns false if it must be prepared
    /// anew.
    async fn land(&self, target: &Target<'_>, unit: &mut Unit) -> Result<bool, LakeError> {
        for _ in 0..NUMBERS_MAX {
            let landing = self.commit(target, unit);
            match landing.await? {
                Landing::Landed => return Ok(true),
                Landing::Stale => return Ok(false),
                Landing::Behind => self.renumber(target.table, unit).await?,
            }
        }
        Err(LakeError::Contended {
            table: target.table.folder.clone(),
            attempts: NUMBERS_MAX,
        })
    }

    /// Gives a higher number to files whose number is not above those of all other files of their day.
    async fn renumber(&self, table: &Table, unit: &mut Unit) -> Result<(), LakeError> {
        let Some(state) = table.refresh(self.app()).await? else {
            return Ok(());
        };
        let order = state.next_order();
        let highest = state.highest_orders();
        for file in &mut unit.files {
            if !is_behind(file, &highest) {
                continue;
            }
            let path = self.writer(order).new_path(file.day);
            let old = NewFile {
                path: std::mem::replace(&mut file.path, path),
                ..file.clone()
            };
            file.order = order;
            table
                .copy_file(&old, &file.path, &self.shared.budget)
                .await?;
            table.remove_files(&[old]).await;
        }
        Ok(())
    }

    /// Commits the files of a unit, if the table has not changed in a way that makes them stale.
    async fn commit(&self, target: &Target<'_>, unit: &Unit) -> Result<Landing, LakeError> {
        let last = unit.sealed.last.0;
        // A higher transaction is not ours: `settle` reports it.
        let id = target.bucket.table(target.measurement);
        let known = self.shared.positions.of(&id).last().0.max(last);
        let mut landing = Landing::Landed;
        let mut next = |seen: &Seen| {
            let state = seen.state.as_deref();
            landing = Landing::Landed;
            let found = state.and_then(|state| state.transactions.get(self.app()));
            let found = found.copied().unwrap_or(0);
            if (last..=known).contains(&found) {
                return Ok(Next::Done);
            }
            let columns = GrownColumns::new(state, &unit.sealed.segments);
            let highest = state.map(TableState::highest_orders).unwrap_or_default();
            // An earlier attempt has arrived after all, or others have added the columns under other
            // names, or have deleted the bucket with the files in it.
            let is_stale = found > target.flushed.0
                || seen.deletion != unit.deletion
                || state.is_none() != (unit.columns.known == 0)
                || !columns.has_all(&unit.columns);
            if is_stale {
                landing = Landing::Stale;
                return Ok(Next::Done);
            }
            if unit.files.iter().any(|file| is_behind(file, &highest)) {
                landing = Landing::Behind;
                return Ok(Next::Done);
            }
            let actions = self.actions(target, state, &columns, unit)?;
            Ok(Next::Commit(actions))
        };
        target.table.commit(self.app(), &mut next).await?;
        Ok(landing)
    }

    fn actions(
        &self,
        target: &Target<'_>,
        state: Option<&TableState>,
        GrownColumns { columns, known }: &GrownColumns,
        unit: &Unit,
    ) -> Result<Vec<Action>, LakeError> {
        let now_ms = self.now_ms();
        let parameters = serde_json::json!({"mode": "Append", "partitionBy": "[\"day\"]"});
        let mut actions = vec![actions::commit_info("WRITE", &parameters, now_ms)];
        match state {
            None => actions.extend(
                NewTable {
                    bucket: &target.bucket.name,
                    measurement: target.measurement,
                    columns,
                    now_ms,
                }
                .actions(),
            ),
            Some(state) if columns.len() > *known => {
                let wrong = |reason| LakeError::table(&target.table.folder, reason);
                let grown = actions::grown(state, columns, *known);
                actions.push(grown.map_err(wrong)?);
            }
            Some(_) => {}
        }
        let transaction = actions::transaction(self.app(), unit.sealed.last.0, now_ms);
        actions.push(transaction);
        // One after another: as JSON values ten thousand files take several times the memory.
        let added = unit.files.iter().map(|file| actions::add(file, true));
        actions::parse(&target.table.folder, actions.into_iter().chain(added))
    }
}

impl Unit {
    fn report(&self) -> FlushCounts {
        FlushCounts {
            files: narrow::to_u64(self.files.len()),
            bytes: self.files.iter().map(|file| file.bytes).sum(),
            rows: self.sealed.rows,
            merged: self.sealed.rows.saturating_sub(self.rows),
        }
    }
}

impl GrownColumns {
    /// The columns of a table, none if there is no table, and those that segments add.
    fn new(state: Option<&TableState>, segments: &[Arc<Segment>]) -> Self {
        let columns = state.map(|state| (*state.columns).clone());
        let mut columns = columns.unwrap_or_default();
        let known = columns.len();
        columns.extend(wanted(segments));
        Self { columns, known }
    }

    /// Returns true if files that were written with `old` columns fit a table with these.
    fn has_all(&self, old: &Self) -> bool {
        let new: HashSet<_> = self.columns.iter().collect();
        old.columns.iter().all(|column| new.contains(column))
    }
}

/// The columns that segments have: tags, then fields, each in order of appearance.
fn wanted(segments: &[Arc<Segment>]) -> impl Iterator<Item = (&str, ColumnKind)> {
    let columns = segments.iter().flat_map(|segment| segment.columns());
    let is_tag = |(_, kind): &(&str, ColumnKind)| *kind == ColumnKind::Tag;
    let fields = columns.clone().filter(move |column| !is_tag(column));
    columns.filter(is_tag).chain(fields)
}

/// Returns whether a file of the same day has a number that is not below this one's.
fn is_behind(file: &NewFile, highest_orders: &HashMap<i32, u64>) -> bool {
    let highest = highest_orders.get(&file.day);
    highest.is_some_and(|highest| *highest >= file.order)
}
