//! What is shown while an answer takes its time: one line on standard error, if that is a terminal
//! and only after a second.

use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::AbortHandle;

use crate::certain::Certain as _;

/// The time that nothing is shown.
const QUIET: Duration = Duration::from_secs(1);

const TICK: Duration = Duration::from_millis(200);

const LINE: &str = "{spinner} {elapsed}  {msg}";

/// A line that tells of the rows so far. It goes away when this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    bar: ProgressBar,
    appears: Option<AbortHandle>,
}

impl Waiting {
    /// Begins to wait; `hint` says how to end it, if that can be done.
    pub(super) fn begin(hint: &str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(LINE);
        bar.set_style(style.certain("the template above is well formed"));
        bar.set_message(format!("waiting for rows{hint}"));
        let appears = io::stderr().is_terminal().then(|| {
            let bar = bar.clone();
            let appears = async move {
                tokio::time::sleep(QUIET).await;
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            };
            tokio::spawn(appears).abort_handle()
        });
        Self { bar, appears }
    }

    /// Tells how many rows there are.
    pub(super) fn rows(&self, rows: u64) {
        self.bar.set_message(format!("{} rows", HumanCount(rows)));
    }

    /// Removes the line, so that others can be written.
    pub(super) fn end(&self) {
        if let Some(appears) = &self.appears {
            appears.abort();
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.end();
    }
}
