//! The account of an import: the judged lines in the order of the input, in whatever order the batches
//! came back.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use super::delivery::{Delivery, Trouble};
use super::error::ImportError;
use crate::certain::{Certain as _, impossible};
use crate::cli::CliError;
use crate::cli::output;
use crate::cli::progress::Progress;
use crate::cli::terminal::visible;
use crate::line_protocol::Oddities;

#[derive(Debug)]
struct File {
    name: String,
    /// Every line up to this one is judged.
    line: u64,
    is_whole: bool,
}

/// The counts, and the progress of each file.
#[derive(Debug)]
pub(super) struct Ledger {
    files: Vec<File>,
    /// The batch that is next in the input.
    next: u64,
    /// Later batches that are done before it.
    early: BTreeMap<u64, Delivery>,
    /// True if all batches before `next` were judged to their end.
    is_unbroken: bool,
    accepted: u64,
    rejected: u64,
    warnings: u64,
    oddities: Oddities,
    failure: Option<ImportError>,
}

impl Ledger {
    pub(super) fn new(names: Vec<String>) -> Self {
        let file = |name| File {
            name,
            line: 0,
            is_whole: false,
        };
        Self {
            files: names.into_iter().map(file).collect(),
            next: 0,
            early: BTreeMap::new(),
            is_unbroken: true,
            accepted: 0,
            rejected: 0,
            warnings: 0,
            oddities: Oddities::default(),
            failure: None,
        }
    }

    /// Enters a batch, and prints the reports that are next in order.
    pub(super) fn take(&mut self, delivery: Delivery, progress: &Progress) -> Result<(), CliError> {
        self.early.insert(delivery.number, delivery);
        while let Some(delivery) = self.early.remove(&self.next) {
            self.next += 1;
            self.enter(delivery, progress)?;
        }
        Ok(())
    }

    /// Enters the remaining batches at the end: those between them were never sent.
    pub(super) fn take_the_rest(&mut self, progress: &Progress) -> Result<(), CliError> {
        for (number, delivery) in std::mem::take(&mut self.early) {
            self.is_unbroken &= number == self.next;
            self.enter(delivery, progress)?;
        }
        Ok(())
    }

    fn enter(&mut self, delivery: Delivery, progress: &Progress) -> Result<(), CliError> {
        self.accepted += delivery.accepted;
        self.rejected += delivery.rejected;
        self.oddities += delivery.oddities;
        self.is_unbroken &= delivery.trouble.is_none();
        let mut text = String::new();
        let file = self.files.get_mut(delivery.file);
        let file = file.certain("every batch is of one of the inputs");
        for report in &delivery.reports {
            let kind = if report.is_warning { "warning: " } else { "" };
            let (name, message) = (visible(&file.name), visible(&report.message));
            let (line, column) = (report.line, report.column);
            text.push_str(&format!("{name}:{line}:{column} {kind}{message}\n"));
            self.warnings += u64::from(report.is_warning);
        }
        if self.is_unbroken {
            file.line = delivery.last_line;
            file.is_whole = delivery.is_last;
        }
        if let Some(Trouble::Failed(error)) = delivery.trouble {
            self.fail(error);
        }
        print(&text, progress)
    }

    /// Notes a failure. The first one is reported.
    pub(super) fn fail(&mut self, error: ImportError) {
        self.failure.get_or_insert(error);
    }

    /// Prints the outcome.
    pub(super) fn close(self, progress: &Progress, interrupted: bool) -> Result<(), CliError> {
        let is_whole = self.files.iter().all(|file| file.is_whole);
        if !is_whole {
            for file in &self.files {
                output::remark(&file.stand());
            }
        }
        output::line(&self.summary())?;
        if !self.oddities.is_empty() {
            output::remark(&self.oddities.to_string());
        }
        output::remark(&progress.summary());
        match self.failure {
            Some(error) => Err(error.into()),
            None if !is_whole && interrupted => Err(ImportError::Interrupted.into()),
            None if !is_whole => impossible("every batch comes back, or a failure was noted"),
            None if self.rejected > 0 => {
                let (accepted, rejected) = (self.accepted, self.rejected);
                Err(ImportError::Rejected { accepted, rejected }.into())
            }
            None => Ok(()),
        }
    }

    fn summary(&self) -> String {
        let (accepted, rejected) = (self.accepted, self.rejected);
        match self.warnings {
            0 => format!("accepted {accepted}, rejected {rejected}"),
            warnings => {
                format!("accepted {accepted} ({warnings} with a warning), rejected {rejected}")
            }
        }
    }
}

impl File {
    /// A line about how far the file was imported, and how to continue.
    fn stand(&self) -> String {
        let (name, line) = (visible(&self.name), self.line);
        if self.is_whole {
            return format!("{name}: done, all {line} lines");
        }
        let next = line.saturating_add(1);
        match line {
            0 => format!("{name}: nothing is known to be written, import it from its first line"),
            _ => format!(
                "{name}: done up to and including line {line}; to continue, import it from line \
                 {next} (tail -n +{next})"
            ),
        }
    }
}

fn print(text: &str, progress: &Progress) -> Result<(), CliError> {
    if text.is_empty() {
        return Ok(());
    }
    let written = progress.aside(|| {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    });
    written.map_err(CliError::Output)
}
