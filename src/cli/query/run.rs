//! One question, from the statement to the answer's last row, or to a signal.

use std::io::{self, IsTerminal as _};

use super::asker::{Asker, Question};
use super::format::Format;
use super::parts::Shown;
use super::target::Target;
use super::waiting::Waiting;
use crate::cli::CliError;
use crate::cli::output::remark;
use crate::clock;

/// The end of a question that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// The answer was written.
    Whole,
    /// A signal came first. The server is told by the connection, which is closed.
    Cancelled,
}

/// Asks, and writes the answer, unless `cancelled` comes first.
pub(super) async fn answer(
    asker: &Asker,
    question: Question<'_>,
    target: &Target,
    cancelled: impl Future<Output = ()>,
) -> Result<Answered, CliError> {
    tokio::select! {
        written = write(asker, question, target) => written.map(|()| Answered::Whole),
        () = cancelled => Ok(Answered::Cancelled),
    }
}

async fn write(asker: &Asker, question: Question<'_>, target: &Target) -> Result<(), CliError> {
    let started = clock::instant();
    let waiting = Waiting::begin("; Ctrl-C ends it");
    let mut answer = asker.ask(question, target.format).await?;
    let shown = target.write(&mut answer, &waiting).await?;
    waiting.end();
    let took = clock::instant().saturating_duration_since(started);
    tell(target, shown, took.as_secs_f64());
    Ok(())
}

/// Says how much was written and how long that took, to people.
fn tell(target: &Target, shown: Shown, seconds: f64) {
    let words = shown.words();
    let more = shown.more(target.is_at_prompt);
    let more = more.map_or_else(String::new, |more| format!(": {more}"));
    match &target.file {
        Some(file) => remark(&format!("{}: {words}{more}", file.display())),
        None if io::stdout().is_terminal() => remark(&format!("{words} in {seconds:.3} s{more}")),
        None if shown.is_cut && target.format == Format::Table => remark(&format!("{words}{more}")),
        None => {}
    }
}
