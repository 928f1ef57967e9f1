//! Progress of a transfer, or of work on tables, on standard error: a bar on a terminal, otherwise a
//! line every few seconds, or nothing.

use std::io::{self, IsTerminal as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanDuration, ProgressBar, ProgressStyle};

use super::output::remark;
use crate::certain::Certain as _;
use crate::clock;
use crate::narrow;

/// The time between two lines if there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
const BAR_INTERVAL: Duration = Duration::from_millis(200);

/// The important parts come first, and fit 40 columns; the bar takes the rest.
const BAR: &str = "{percent:>3}% of {total_bytes}  {bytes_per_sec}  {eta}  {wide_bar}";
const TABLES_BAR: &str = "{pos} of {len} tables  {eta}  {wide_bar}";
const SPINNER: &str = "{spinner} {bytes}  {bytes_per_sec}";

/// The output if standard error is not a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Elsewhere {
    Lines,
    Nothing,
}

/// The things that are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Bytes,
    Tables,
}

/// The progress of one transfer, or of work on tables.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    elsewhere: Elsewhere,
    unit: Unit,
    total: Option<u64>,
    done: AtomicU64,
    started: Instant,
    last_line: Mutex<Instant>,
}

impl Progress {
    /// A transfer of `total` bytes, if that is known.
    pub(super) fn new(total: Option<u64>, elsewhere: Elsewhere) -> Self {
        Self::of(Unit::Bytes, total, elsewhere)
    }

    /// Work on this many tables.
    pub(super) fn of_tables(total: u64, elsewhere: Elsewhere) -> Self {
        Self::of(Unit::Tables, Some(total), elsewhere)
    }

    /// A transfer of which nothing is shown.
    pub(super) fn hidden() -> Self {
        Self {
            bar: None,
            ..Self::new(None, Elsewhere::Nothing)
        }
    }

    fn of(unit: Unit, total: Option<u64>, elsewhere: Elsewhere) -> Self {
        let started = clock::instant();
        Self {
            bar: io::stderr().is_terminal().then(|| bar(unit, total)),
            elsewhere,
            unit,
            total,
            done: AtomicU64::new(0),
            started,
            last_line: Mutex::new(started),
        }
    }

    /// Counts this many more bytes, or tables, as done.
    pub(super) fn add(&self, more: u64) {
        let done = self
            .done
            .fetch_add(more, Ordering::Relaxed)
            .saturating_add(more);
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if self.elsewhere == Elsewhere::Lines && self.is_due() => remark(&self.line(done)),
            None => {}
        }
    }

    /// Writes to the terminal while the bar is hidden.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// A remark on standard error.
    pub(super) fn remark(&self, text: &str) {
        self.aside(|| remark(text));
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The amount done and the time: `1.20 MiB in 3.0 s`.
    pub(super) fn summary(&self) -> String {
        let bytes = HumanBytes(self.done.load(Ordering::Relaxed));
        format!("{bytes} in {}", self.took())
    }

    /// The time since the start: `3.0 s`.
    pub(super) fn took(&self) -> String {
        format!("{:.1} s", self.elapsed().as_secs_f64())
    }

    fn elapsed(&self) -> Duration {
        clock::instant().saturating_duration_since(self.started)
    }

    fn is_due(&self) -> bool {
        // A panic elsewhere is no reason to stop showing progress.
        let mut last = self
            .last_line
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = clock::instant();
        let due = now.saturating_duration_since(*last) >= LINE_INTERVAL;
        if due {
            *last = now;
        }
        due
    }

    fn line(&self, done: u64) -> String {
        match (self.unit, self.total) {
            (Unit::Tables, Some(total)) => format!("{done} of {total} tables done"),
            _ => line(done, self.total, self.elapsed()),
        }
    }
}

fn line(done: u64, total: Option<u64>, elapsed: Duration) -> String {
    let milliseconds = elapsed.as_millis().max(1);
    let rate = u128::from(done) * 1000 / milliseconds;
    let rate = HumanBytes(narrow::capped_u64(rate));
    let Some(total) = total else {
        return format!("{} done, {rate}/s", HumanBytes(done));
    };
    let left = u128::from(total.saturating_sub(done)) * milliseconds / u128::from(done.max(1));
    let left = Duration::from_millis(narrow::capped_u64(left));
    let (done, total) = (HumanBytes(done), HumanBytes(total));
    format!(
        "{done} of {total} done, {rate}/s, {} left",
        HumanDuration(left)
    )
}

fn bar(unit: Unit, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) if unit == Unit::Tables => (ProgressBar::new(total), TABLES_BAR),
        Some(total) => (ProgressBar::new(total), BAR),
        None => (ProgressBar::new_spinner(), SPINNER),
    };
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.certain("the templates above are well formed"));
    bar.enable_steady_tick(BAR_INTERVAL);
    bar
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::line;

    #[test]
    fn a_line_tells_rate_and_time_left() {
        let second = Duration::from_secs(1);
        assert_eq!(line(1 << 20, None, second), "1.00 MiB done, 1.00 MiB/s");
        assert_eq!(
            line(1 << 20, Some(11 << 20), second),
            "1.00 MiB of 11.00 MiB done, 1.00 MiB/s, 10 seconds left"
        );
        assert!(line(0, Some(5), Duration::ZERO).ends_with("left"));
    }
}
