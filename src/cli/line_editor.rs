//! The line editor of a prompt: rustyline's, with three things of ours. Tab types a tab, statements are
//! kept by the prompt (some never are), and the terminal is as it was, whatever ends the process.
//!
//! A text that is pasted arrives as a whole, with its line feeds. On a terminal that cannot move its
//! cursor (`TERM=dumb`) lines are read as the terminal edits them.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::process;
use std::sync::OnceLock;

use rustix::io::write;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::completion::Completer;
use rustyline::config::{BellStyle, CompletionType};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Context, Editor, Helper};

use super::output::remark;

/// Ends the mode in which a terminal marks what is pasted, which the editor begins.
///
/// Source: xterm's control sequences, "Bracketed Paste Mode".
const PASTE_OFF: &[u8] = b"\x1b[?2004l";

/// The terminal as it was before the first line was read.
static BEFORE: OnceLock<Termios> = OnceLock::new();

/// What a person has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// Entered a line, or several that were pasted or brought back.
    Text(String),
    /// Pressed Ctrl-C.
    Cancelled,
    /// Pressed Ctrl-D on an empty line, or closed the terminal.
    Closed,
}

/// A line editor.
#[derive(Debug)]
pub(super) struct LineEditor(Editor<Keys, MemHistory>);

impl LineEditor {
    /// An editor with these texts to come back to, oldest first, and no more than so many at once.
    pub(super) fn new(older: VecDeque<String>, older_max: usize) -> io::Result<Self> {
        let _ = BEFORE.set(tcgetattr(io::stdin())?);
        let made = || -> rustyline::Result<_> {
            let config = Config::builder()
                .max_history_size(older_max)?
                .completion_type(CompletionType::List)
                .bell_style(BellStyle::None)
                .build();
            let history = MemHistory::with_config(&config);
            let mut editor = Editor::with_history(config, history)?;
            editor.set_helper(Some(Keys));
            for text in older {
                editor.add_history_entry(text)?;
            }
            Ok(Self(editor))
        };
        made().map_err(io::Error::other)
    }

    /// Keeps a text to come back to.
    pub(super) fn keep(&mut self, text: &str) -> io::Result<()> {
        let kept = self.0.add_history_entry(text);
        kept.map(|_| ()).map_err(io::Error::other)
    }

    /// Reads a line, or what is pasted. `prompt` has nothing that cannot be seen.
    pub(super) fn read(&mut self, prompt: &str) -> io::Result<Input> {
        match self.0.readline(prompt) {
            Ok(text) => Ok(Input::Text(text)),
            Err(ReadlineError::Eof) => Ok(Input::Closed),
            Err(ReadlineError::Interrupted) => {
                remark("^C");
                Ok(Input::Cancelled)
            }
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                remark("what is typed is not UTF-8");
                Ok(Input::Cancelled)
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }
}

/// Ends the process, whatever it does, with the terminal as it was.
pub(super) fn end_process(code: i32) -> ! {
    if let Some(before) = BEFORE.get() {
        let now = tcgetattr(io::stdin());
        // A terminal that is gone needs nothing. One that is stopped is not waited for: it isn't raw.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        if now.is_ok_and(|now| !now.local_modes.contains(LocalModes::ICANON)) {
            let _ = write(io::stdout(), PASTE_OFF);
        }
    }
    process::exit(code)
}

/// The keys of the editor, but Tab, which completes nothing here, types a tab.
#[derive(Debug)]
struct Keys;

impl Completer for Keys {
    type Candidate = String;

    fn complete(
        &self,
        _line: &str,
        cursor: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        Ok((cursor, vec!["\t".to_owned()]))
    }
}

impl Helper for Keys {}
impl Highlighter for Keys {}
impl Validator for Keys {}

impl Hinter for Keys {
    type Hint = String;
}
