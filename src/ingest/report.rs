//! Reports about individual lines, and the bound on how many are kept.

use crate::narrow;

/// The number of reports that an outcome carries at most (contract section 1.3).
pub const REPORTS_MAX: usize = 100;

/// The stage that rejected a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The grammar.
    Parse,
    /// The schema, a limit, a reserved name or the retention.
    Write,
}

/// The reason for which a line was rejected, or the field of it that was dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineReport {
    /// The physical line on which the point starts, 1-based.
    pub line: u32,
    /// The 1-based byte in that line; 0 if the fault is on a later line of the point.
    pub column: u32,
    /// The stage that rejected it, or dropped the field.
    pub stage: Stage,
    /// A word for programs: `errors[].code` of contract section 1.3.
    pub code: &'static str,
    /// A sentence for people.
    pub message: String,
}

/// The code of a dropped field: one of several fields was `time`, and the line is written without it.
pub(super) const FIELD_DROPPED: &str = "field_dropped";

/// The number of lines by outcome: `errors[].code`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts(Vec<(&'static str, u64)>);

impl Counts {
    pub(super) fn add(&mut self, code: &'static str, lines: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == code) {
            Some((_, count)) => *count += lines,
            None => self.0.push((code, lines)),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (code, lines) in &other.0 {
            self.add(code, *lines);
        }
    }

    /// Every code with its number of lines.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().copied()
    }

    /// The number of lines that were not written.
    pub(super) fn rejected(&self) -> u64 {
        self.iter()
            .filter(|(code, _)| *code != FIELD_DROPPED)
            .map(|(_, lines)| lines)
            .sum()
    }

    fn total(&self) -> u64 {
        self.iter().map(|(_, lines)| lines).sum()
    }

    fn take(&mut self, code: &'static str, lines: u64) {
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| *known == code) {
            *count = count.saturating_sub(lines);
        }
    }
}

/// The reports of a request: all are counted, the first are kept.
#[derive(Debug)]
pub(super) struct Reports {
    kept: Vec<LineReport>,
    counts: Counts,
    kept_max: usize,
    /// The number of these lines that also have an earlier report of a dropped field.
    superseded_drops: u64,
}

impl Default for Reports {
    /// Reports with room for as many as an answer carries.
    fn default() -> Self {
        Self::with_room(REPORTS_MAX)
    }
}

impl Reports {
    /// No reports yet; `kept_max` of them will be kept.
    pub(super) fn with_room(kept_max: usize) -> Self {
        Self {
            kept: Vec::new(),
            counts: Counts::default(),
            kept_max,
            superseded_drops: 0,
        }
    }

    /// Reports in line order: all are counted, only the first are rendered. `superseded_drops` of them
    /// are about lines that already have a report of a dropped field.
    pub(super) fn new(kept: Vec<LineReport>, counts: Counts, superseded_drops: u64) -> Self {
        let kept_max = kept.len();
        Self {
            kept,
            counts,
            kept_max,
            superseded_drops,
        }
    }

    /// Counts a report, and renders and keeps it if there is room.
    pub(super) fn add(&mut self, code: &'static str, render: impl FnOnce() -> LineReport) {
        self.counts.add(code, 1);
        if self.kept.len() < self.kept_max {
            self.kept.push(render());
        }
    }

    /// Adds reports that a later stage made about the same lines, in line order. If a line is
    /// rejected after all, the report that a field of it was dropped is removed.
    pub(super) fn sort_in(&mut self, later: Self) {
        let mut early = std::mem::take(&mut self.kept).into_iter().peekable();
        for report in later.kept {
            while let Some(before) = early.next_if(|early| early.line < report.line) {
                self.kept.push(before);
            }
            let same_line = |early: &LineReport| early.line == report.line;
            early.next_if(|early| same_line(early) && early.code == FIELD_DROPPED);
            self.kept.push(report);
        }
        self.kept.extend(early);
        self.kept.truncate(self.kept_max);
        self.counts.take(FIELD_DROPPED, later.superseded_drops);
        self.counts.merge(&later.counts);
    }

    /// Adds the reports of the lines that follow.
    pub(super) fn append(&mut self, mut following: Self) {
        self.kept.append(&mut following.kept);
        self.kept.truncate(self.kept_max);
        self.counts.merge(&following.counts);
    }

    pub(super) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(super) fn is_empty(&self) -> bool {
        self.counts.total() == 0
    }

    /// The kept reports, and the number of reports that were not kept.
    pub(super) fn finish(self) -> (Vec<LineReport>, u64) {
        let kept = narrow::to_u64(self.kept.len());
        let more = self.counts.total().saturating_sub(kept);
        (self.kept, more)
    }
}

#[cfg(test)]
mod tests {
    use super::{FIELD_DROPPED, LineReport, Reports, Stage};

    fn add(reports: &mut Reports, line: u32, code: &'static str) {
        reports.add(code, || LineReport {
            line,
            column: 1,
            stage: Stage::Parse,
            code,
            message: String::new(),
        });
    }

    #[test]
    fn reports_are_in_line_order_whichever_stage_made_them() {
        let mut early = Reports::default();
        for line in [1, 5, 9] {
            add(&mut early, line, "syntax");
        }
        let mut late = Reports::default();
        for line in [2, 7] {
            add(&mut late, line, "type_conflict");
        }
        early.sort_in(late);
        let (kept, more) = early.finish();
        assert_eq!(
            kept.iter().map(|r| r.line).collect::<Vec<_>>(),
            [1, 2, 5, 7, 9]
        );
        assert_eq!(more, 0);
    }

    #[test]
    fn a_rejected_line_does_not_also_report_a_dropped_field() {
        let mut early = Reports::default();
        add(&mut early, 3, FIELD_DROPPED);
        let mut late = Reports::default();
        add(&mut late, 3, "type_conflict");
        late.superseded_drops = 1;
        early.sort_in(late);
        assert_eq!(early.counts().rejected(), 1);
        let (kept, more) = early.finish();
        assert_eq!((kept.len(), more), (1, 0));
        assert_eq!(
            kept.first().map(|report| report.code),
            Some("type_conflict")
        );
    }

    #[test]
    fn beyond_a_hundred_reports_are_only_counted() {
        let mut reports = Reports::default();
        for line in 1..=150 {
            add(&mut reports, line, "syntax");
        }
        let mut following = Reports::default();
        add(&mut following, 151, "syntax");
        reports.append(following);
        let (kept, more) = reports.finish();
        assert_eq!((kept.len(), more), (100, 51));
    }
}
