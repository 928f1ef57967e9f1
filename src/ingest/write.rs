//! The order of the write path: parse > resolve > log > apply > acknowledge. It is defined only here.

use std::sync::Arc;
use std::time::Duration;

use super::apply::Committed;
use super::aside::{aside, can_block, is_heavy};
use super::error::WriteError;
use super::goes_on::GoesOn;
use super::handle::Ingest;
use super::outcome::{is_done, wait_for};
use super::parse::{Parsing, Slice};
use super::queued::Queued;
use super::report::{REPORTS_MAX, Reports};
use super::request::{Acknowledge, Target, WriteOutcome, WriteRequest};
use super::resolve::{Decision, Mode, Resolver, Submitted};
use super::row_reports::row_reports;
use super::rules::LineRules;
use super::scratch::Part;
use crate::buffer::Buffer;
use crate::catalog::Bucket;
use crate::line_protocol::Oddities;
use crate::memory::{Budget, Reservation};
use crate::narrow;

/// The number of times that a request is resolved at most, if the log fails before its turn comes.
const ATTEMPTS_MAX: u32 = 3;

/// The number of writes under way, with itself, up to which a small one commits itself: alone, that takes a
/// fifth less time and processor than to leave it to the log's thread. Where that was done beside others, each
/// of 16 connections took a sixth more of the processor, for groups that were smaller.
const FEW: usize = 1;

/// The memory that a batch takes besides its rows while nobody waits for it, in bytes: a task, places
/// in queues.
const UNSYNCED_BYTES: u64 = 4096;

/// The delay of an acknowledgement when memory or log is almost full: below the one second after
/// which the least patient writer gives up.
const PAUSE_MAX: Duration = Duration::from_millis(250);

/// The size up to which the text of an all-or-nothing request becomes one frame, in bytes, so that
/// it is durable as a whole or not at all, even if the log fails or the power is cut.
const WHOLE_BYTES_MAX: usize = 1 << 20;

impl Ingest {
    /// Writes the lines of a body. Returns once every accepted line is on disk and can be read, with
    /// reports on the lines that were rejected.
    ///
    /// A client that hangs up does not cancel it halfway. A small write beside which there is no other is
    /// over before it waits for anything.
    pub async fn write(&self, request: WriteRequest) -> Result<WriteOutcome, WriteError> {
        let is_small = request.body.bytes.len() <= self.shared.options.inline_bytes_max;
        let ingest = self.clone();
        let under_way = Arc::clone(&self.shared.under_way);
        let work = async move {
            let written = ingest.run(request).await;
            drop(under_way);
            written
        };
        if is_small {
            return GoesOn::new(work).await;
        }
        // It may keep a thread for a while, and a connection has to be able to end meanwhile.
        tokio::spawn(work)
            .await
            .map_err(|_| WriteError::Internal("its task ended early"))?
    }

    /// Returns true if few writes are under way: each has a share of what the engine has one of.
    fn is_beside_few(&self) -> bool {
        Arc::strong_count(&self.shared.under_way) <= 1 + FEW
    }

    async fn run(&self, request: WriteRequest) -> Result<WriteOutcome, WriteError> {
        let WriteRequest {
            target,
            body,
            precision,
            accept_partial,
            acknowledge,
            received_ns,
        } = request;
        let rules = LineRules {
            limits: self.shared.options.limits,
            oldest_ns: match &target {
                Target::Existing(bucket) => bucket.oldest_ns(received_ns),
                Target::Create(_) => None,
            },
            default_ns: precision.truncate(received_ns),
        };
        let slice_bytes_max = if accept_partial {
            self.shared.options.slice_bytes_max
        } else {
            self.shared.options.slice_bytes_max.max(WHOLE_BYTES_MAX)
        };
        let parsing = Parsing::start(self, body, precision, rules, slice_bytes_max);
        let outcome = if accept_partial {
            self.write_lines(target, parsing, acknowledge).await?
        } else {
            self.write_all_or_nothing(target, parsing, acknowledge)
                .await?
        };
        self.slow_down().await;
        Ok(outcome)
    }

    /// Writes slice after slice, each durable before the next is resolved, so that a later line wins.
    /// The next slice is parsed in the meantime.
    async fn write_lines(
        &self,
        mut target: Target,
        mut parsing: Parsing,
        acknowledge: Acknowledge,
    ) -> Result<WriteOutcome, WriteError> {
        let mut tally = Tally::default();
        while let Some(slice) = parsing.next().await? {
            let Slice {
                part,
                mut reports,
                reservation,
                oddities,
            } = slice;
            tally.oddities += oddities;
            if let Some(bucket) = self.bucket_for(&mut target, &part).await? {
                let rows = Rows {
                    parts: vec![part],
                    reservation,
                };
                let budget = parsing.budget();
                let resolved = self
                    .commit(&bucket, rows, Mode::Partial, budget, acknowledge)
                    .await?;
                tally.accepted += resolved.accepted;
                reports.sort_in(late_reports(&parsing, &resolved));
            } else {
                let resolved = self.shared.resolver.check_only(vec![part]);
                reports.sort_in(late_reports(&parsing, &resolved));
            }
            tally.reports.append(reports);
        }
        Ok(self.finish(tally))
    }

    /// Parses every slice before the first is resolved, and resolves all at once. Once a part is
    /// durable, "nothing was written" would be a wrong answer: if the rest fails, the answer is that
    /// the log failed, and the client sends everything again.
    async fn write_all_or_nothing(
        &self,
        mut target: Target,
        mut parsing: Parsing,
        acknowledge: Acknowledge,
    ) -> Result<WriteOutcome, WriteError> {
        let mut tally = Tally::default();
        let (mut parts, mut reservation) = (Vec::new(), parsing.budget().empty());
        while let Some(slice) = parsing.next().await? {
            parts.push(slice.part);
            tally.reports.append(slice.reports);
            tally.oddities += slice.oddities;
            reservation.merge(slice.reservation);
        }
        let checked = match &target {
            Target::Create(_) => self.shared.resolver.check_only(parts.clone()),
            Target::Existing(bucket) if !tally.reports.is_empty() => {
                let rows = Rows {
                    parts: parts.clone(),
                    reservation: parsing.budget().empty(),
                };
                let budget = parsing.budget();
                self.commit(bucket, rows, Mode::CheckOnly, budget, acknowledge)
                    .await?
            }
            Target::Existing(_) => Decision::default(),
        };
        tally.reports.sort_in(late_reports(&parsing, &checked));
        if tally.reports.is_empty() {
            let first = parts
                .iter()
                .find(|part| !part.is_empty())
                .cloned()
                .unwrap_or_default();
            if let Some(bucket) = self.bucket_for(&mut target, &first).await? {
                let rows = Rows { parts, reservation };
                let budget = parsing.budget();
                let resolved = self
                    .commit(&bucket, rows, Mode::AllOrNothing, budget, acknowledge)
                    .await?;
                tally.reports.sort_in(late_reports(&parsing, &resolved));
                tally.accepted = match resolved.counts.rejected() {
                    0 => resolved.accepted,
                    _ => 0,
                };
            }
        }
        Ok(self.finish(tally))
    }

    /// The bucket to write to; created now if the part has a line for it. Nothing if it would be
    /// created for nothing.
    async fn bucket_for(
        &self,
        target: &mut Target,
        part: &Part,
    ) -> Result<Option<Arc<Bucket>>, WriteError> {
        let name = match target {
            Target::Existing(bucket) => return Ok(Some(Arc::clone(bucket))),
            Target::Create(_) if !self.shared.resolver.takes_any(part) => return Ok(None),
            Target::Create(name) => name.clone(),
        };
        let catalog = self.shared.catalog.clone();
        let bucket = tokio::task::spawn_blocking(move || catalog.create_bucket(&name, None))
            .await
            .map_err(|_| WriteError::Internal("creating its bucket ended early"))??;
        *target = Target::Existing(Arc::clone(&bucket));
        Ok(Some(bucket))
    }

    /// Resolves and logs rows, and waits until they are durable and applied; or, if the client asked
    /// not to wait, leaves that to a task.
    async fn commit(
        &self,
        bucket: &Arc<Bucket>,
        mut rows: Rows,
        mode: Mode,
        budget: &Budget,
        acknowledge: Acknowledge,
    ) -> Result<Decision, WriteError> {
        self.check_log()?;
        self.check_stuck(bucket, &rows.parts)?;
        self.check_share(bucket)?;
        let unsynced = match acknowledge {
            Acknowledge::Durable => None,
            Acknowledge::Queued => Some(self.admit_unsynced(bucket, &mut rows)?),
        };
        let resolver = Arc::clone(&self.shared.resolver);
        let parts = rows.parts.clone();
        let mut resolved = resolver.resolve(bucket, parts, mode, budget).await?;
        let mut rest = Commit {
            resolver,
            submitted: std::mem::take(&mut resolved.submitted),
            bucket: Arc::clone(bucket),
            rows,
            mode,
            budget: budget.clone(),
            is_beside_few: self.is_beside_few(),
        };
        match unsynced {
            // The answer must still be true if the log fails later.
            Some(queued) if !resolved.provisional => {
                // Not in the task: as long as the lead is held, nobody's frames are committed.
                drop(rest.submitted.lead.take());
                tokio::spawn(rest.finish_in_background(queued));
                Ok(resolved)
            }
            Some(_) | None => Ok(rest.finish().await?.unwrap_or(resolved)),
        }
    }

    /// Checks whether rows may be acknowledged before they are on disk: not while the log is known to
    /// fail, and only with memory for everything that waits for the log, because no open request
    /// bounds that.
    fn admit_unsynced(&self, bucket: &Bucket, rows: &mut Rows) -> Result<Queued, WriteError> {
        let health = self.shared.resolver.log_health();
        health.map_err(WriteError::LogUnavailable)?;
        rows.reservation.try_grow(UNSYNCED_BYTES)?;
        let batches = rows.parts.iter().flatten().map(|table| &table.batch);
        let apply_bytes = batches.map(Buffer::apply_bytes_max).sum::<u64>();
        let bytes = rows.reservation.bytes().saturating_add(apply_bytes);
        Ok(self.shared.queued.add(bucket.id, bytes))
    }

    /// Checks that the bucket has not used up its share: one bucket must not fill everyone's memory.
    fn check_share(&self, bucket: &Bucket) -> Result<(), WriteError> {
        let queued_bytes = self.shared.queued.of(bucket.id);
        let schema_bytes = self.shared.resolver.schema_bytes(bucket.id);
        let used_bytes = self.shared.buffer.bucket_bytes(bucket.id) + queued_bytes + schema_bytes;
        let bucket_bytes_max = self.shared.options.bucket_bytes_max;
        if used_bytes >= bucket_bytes_max {
            let bucket = bucket.name.clone();
            return Err(WriteError::BucketFull {
                bucket,
                used_bytes,
                bucket_bytes_max,
            });
        }
        Ok(())
    }

    /// Checks that the log is within its limit: it must not fill the disk while its points cannot be
    /// moved elsewhere.
    pub(super) fn check_log(&self) -> Result<(), WriteError> {
        let log_bytes = self.counted_log_bytes();
        let log_bytes_max = self.shared.options.log_bytes_max;
        if log_bytes < log_bytes_max {
            return Ok(());
        }
        Err(WriteError::LogFull {
            log_bytes,
            log_bytes_max,
        })
    }

    /// The pressure on the log's share of the disk: 0 up to four fifths of it, 1 when it is full.
    pub(super) fn log_pressure(&self) -> f64 {
        let log_bytes_max = self.shared.options.log_bytes_max;
        let fifth = (log_bytes_max / 5).max(1);
        let above = self.counted_log_bytes();
        let above = above.saturating_sub(log_bytes_max - log_bytes_max / 5);
        let permille = above.saturating_mul(1000) / fifth;
        f64::from(narrow::capped_u32(permille).min(1000)) / 1000.0
    }

    /// Slows writers down when memory or log run short, before anyone is refused: half of them never
    /// retry.
    async fn slow_down(&self) {
        let pressure = self.shared.budget.pressure().max(self.log_pressure());
        if pressure > 0.0 {
            tokio::time::sleep(PAUSE_MAX.mul_f64(pressure)).await;
        }
    }

    fn finish(&self, tally: Tally) -> WriteOutcome {
        let Tally {
            accepted,
            reports,
            oddities,
        } = tally;
        for (code, lines) in reports.counts().iter() {
            self.shared.metrics.lines_rejected(code, lines);
        }
        let rejected = reports.counts().rejected();
        let (reports, more) = reports.finish();
        self.shared.metrics.lines_accepted(accepted);
        self.shared
            .metrics
            .lines_odd(oddities.in_january_1970, oddities.commented_out);
        WriteOutcome {
            accepted,
            rejected,
            reports,
            more,
            oddities,
        }
    }
}

/// Rows to write, with the memory that they take.
struct Rows {
    parts: Vec<Part>,
    reservation: Reservation,
}

/// Rows that were submitted to the log.
struct Commit {
    resolver: Arc<Resolver>,
    submitted: Submitted,
    bucket: Arc<Bucket>,
    rows: Rows,
    mode: Mode,
    budget: Budget,
    is_beside_few: bool,
}

impl Commit {
    /// Waits until the rows are durable and applied. Rows that were never written to the disk are
    /// resolved again, and then the new decision is returned.
    async fn finish(mut self) -> Result<Option<Decision>, WriteError> {
        let decision = self.wait().await;
        // Dropping a hundred thousand columns takes time.
        aside(self.rows.reservation.bytes(), move || drop(self));
        decision
    }

    async fn wait(&mut self) -> Result<Option<Decision>, WriteError> {
        let (mut submitted, mut decision) = (std::mem::take(&mut self.submitted), None);
        for _ in 1..ATTEMPTS_MAX {
            if is_done(self.see_through(submitted).await, &self.bucket)? {
                return Ok(decision);
            }
            let parts = self.rows.parts.clone();
            let resolving = self
                .resolver
                .resolve(&self.bucket, parts, self.mode, &self.budget);
            let mut resolved = resolving.await?;
            submitted = std::mem::take(&mut resolved.submitted);
            decision = Some(resolved);
        }
        if is_done(self.see_through(submitted).await, &self.bucket)? {
            return Ok(decision);
        }
        let reason = "it failed several times in a row".to_owned();
        Err(WriteError::LogUnavailable(reason))
    }

    /// Waits for frames. If the log's thread sleeps, they are light, and few others write, they are
    /// committed and applied here instead: then this thread hands over what it serves, because a disk may
    /// take its time. Beside many, the log's thread makes larger groups, which take less of everything.
    async fn see_through(&self, submitted: Submitted) -> Committed {
        let Submitted { commits, lead } = submitted;
        let is_light = !is_heavy(self.rows.reservation.bytes());
        match lead {
            Some(lead) if is_light && self.is_beside_few && can_block() => {
                tokio::task::block_in_place(|| self.resolver.commit_here(lead));
            }
            lead => drop(lead),
        }
        wait_for(commits).await
    }

    /// Waits in the background for a client that asked not to wait: a failure is only logged. Rows that
    /// were never written to the disk stay lost and are not logged late: rows that were acknowledged
    /// after them may be in the log by then, and the later write has to win.
    async fn finish_in_background(self, queued: Queued) {
        let reason = match is_done(wait_for(self.submitted.commits).await, &self.bucket) {
            // Its points were to be deleted.
            Ok(true) | Err(WriteError::BucketGone(_)) => None,
            Ok(false) => Some("it was queued behind a write of the log that failed".to_owned()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = reason {
            tracing::warn!(
                bucket = self.bucket.name,
                reason,
                "a batch that was acknowledged without waiting for the disk (no_sync) is lost"
            );
        }
        drop(queued);
    }
}

/// The outcome for the lines so far.
#[derive(Default)]
struct Tally {
    accepted: u64,
    reports: Reports,
    oddities: Oddities,
}

/// The reports on rows that were rejected after parsing.
fn late_reports(parsing: &Parsing, decision: &Decision) -> Reports {
    row_reports(parsing.text(), decision, REPORTS_MAX)
}
