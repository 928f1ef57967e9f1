//! The statements that were entered at prompts, oldest first: kept in the user's state folder, for
//! that user alone.
//!
//! ```text
//! $XDG_STATE_HOME/tidegate/query_history, or ~/.local/state/tidegate/query_history
//! one statement per line; \n in it is a line feed, \\ a backslash
//! ```
//!
//! Never kept: a statement with the token in it, one that begins with a blank, and one that is too long
//! to be looked at. Of the others the newest are kept, bounded in number and in bytes; the file may have
//! twice as much, and is cut when a prompt begins. If the file cannot be used, that is told once, and
//! there is a history until the prompt ends.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::cli::connection::Session;
use crate::cli::output::remark;
use crate::cli::{CliError, files};
use crate::config;

/// The most statements that are kept.
pub(super) const STATEMENTS_MAX: usize = 1000;

/// The most bytes of all statements that are kept.
const BYTES_MAX: usize = 1 << 20;

/// The most bytes of one.
const STATEMENT_BYTES_MAX: usize = 1 << 16;

const FILE: &str = "tidegate/query_history";

/// Keeps the statements of a prompt.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The newest of those that were entered and are kept.
    newest: Option<String>,
    /// None if nothing is kept.
    file: Option<PathBuf>,
}

impl History {
    /// A history, and the statements of earlier prompts, oldest first. Without `is_kept` there are none,
    /// and nothing is kept.
    pub(super) fn open(is_kept: bool) -> (Self, VecDeque<String>) {
        let mut history = Self {
            newest: None,
            file: place().filter(|_| is_kept),
        };
        let Some(file) = &history.file else {
            return (history, VecDeque::new());
        };
        let older = match files::read_private(file) {
            Ok(text) => history.load(&text),
            Err(error) => {
                history.give_up(error);
                VecDeque::new()
            }
        };
        (history, older)
    }

    /// Keeps a statement that was entered in this session. Returns false if it is not one to come back
    /// to.
    pub(super) fn add(&mut self, statement: &str, session: &Session) -> bool {
        let is_private = statement.starts_with(' ') || session.has_token_in(statement);
        let is_again = self.newest.as_deref() == Some(statement);
        let is_long = statement.len() > STATEMENT_BYTES_MAX;
        if is_private || is_again || is_long || statement.is_empty() {
            return false;
        }
        self.newest = Some(statement.to_owned());
        if let Some(file) = &self.file
            && let Err(error) = files::append_private(file, &format!("{}\n", escape(statement)))
        {
            self.give_up(error);
        }
        true
    }

    /// The statements of the file, which is cut to them if it has grown.
    fn load(&mut self, text: &str) -> VecDeque<String> {
        let statements = newest(text);
        self.newest = statements.back().cloned();
        let has_grown = text.lines().count() > 2 * STATEMENTS_MAX || text.len() > 2 * BYTES_MAX;
        if has_grown && let Some(file) = &self.file {
            let lines = statements.iter();
            let lines: String = lines.map(|line| format!("{}\n", escape(line))).collect();
            if let Err(error) = files::replace_private(file, &lines) {
                self.give_up(error);
            }
        }
        statements
    }

    fn give_up(&mut self, error: CliError) {
        self.file = None;
        let told = error.line().unwrap_or_default();
        remark(&format!("there is no history after this prompt: {told}"));
    }
}

/// The newest statements of a file, within the bounds, oldest first.
fn newest(text: &str) -> VecDeque<String> {
    let (mut statements, mut bytes) = (VecDeque::new(), 0);
    for line in text.lines().rev().filter(|line| !line.is_empty()) {
        let statement = unescape(line);
        if statement.len() > STATEMENT_BYTES_MAX {
            continue;
        }
        bytes += statement.len();
        if statements.len() == STATEMENTS_MAX || bytes > BYTES_MAX {
            break;
        }
        statements.push_front(statement);
    }
    statements
}

/// The file, if the environment says where the user's state is. A relative path there counts as none
/// (XDG base directory specification).
fn place() -> Option<PathBuf> {
    let folder = |name| config::variable(name).map(PathBuf::from);
    let state = folder("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || folder("HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| home().map(|home| home.join(".local/state")));
    state.map(|state| state.join(FILE))
}

fn escape(statement: &str) -> String {
    statement
        .replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn unescape(line: &str) -> String {
    let mut statement = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let escaped = match character {
            '\\' => characters.next(),
            _ => None,
        };
        statement.push(match escaped {
            Some('n') => '\n',
            Some('r') => '\r',
            Some(other) => other,
            None => character,
        });
    }
    statement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_comes_back_as_it_was_entered() {
        for statement in ["SELECT 1", "a\nb\r\n\\n\\", "\\\\n", "ä 'x'"] {
            assert_eq!(unescape(&escape(statement)), statement);
            assert!(!escape(statement).contains(['\n', '\r']));
        }
    }

    #[test]
    fn the_newest_are_kept() {
        let lines: Vec<String> = (0..=STATEMENTS_MAX).map(|n| format!("{n}\n")).collect();
        let statements = History::default().load(&lines.concat());
        assert_eq!(statements.len(), STATEMENTS_MAX);
        assert_eq!(statements.front().map(String::as_str), Some("1"));
    }

    /// From a bug: a thousand statements of a megabyte each were kept, and read at every start.
    #[test]
    fn what_is_kept_is_bounded_in_bytes_and_the_file_is_cut_to_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("history");
        let of = |n: usize, bytes: usize| format!("{}{n:04}\n", "x".repeat(bytes - 4));
        let mut text: String = (0..50).map(|n| of(n, STATEMENT_BYTES_MAX)).collect();
        text.push_str(&of(50, STATEMENT_BYTES_MAX + 1));
        let mut history = History {
            file: Some(file.clone()),
            ..History::default()
        };
        let statements = history.load(&text);
        let bytes: usize = statements.iter().map(String::len).sum();
        assert_eq!(bytes, BYTES_MAX);
        let newest = statements.back().expect("some are kept");
        assert!(newest.ends_with("0049"), "the longer one is not kept");
        let kept = std::fs::read_to_string(&file).expect("the file was cut");
        assert_eq!(kept.lines().count(), BYTES_MAX / STATEMENT_BYTES_MAX);
    }
}
