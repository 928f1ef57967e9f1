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
const STATEMENTS_MAX: usize = 1000;

/// The most bytes of all statements that are kept.
const BYTES_MAX: usize = 1 << 20;

/// The most bytes of one.
const STATEMENT_BYTES_MAX: usize = 1 << 16;

const FILE: &str = "tidegate/query_history";

/// The statements so far.
#[derive(Debug, Default)]
pub(super) struct History {
    statements: VecDeque<String>,
    /// The bytes of all of them.
    bytes: usize,
    /// None if nothing is kept.
    file: Option<PathBuf>,
}

impl History {
    /// The history of earlier prompts, or an empty one of which nothing is kept.
    pub(super) fn open(is_kept: bool) -> Self {
        let mut history = Self {
            file: place().filter(|_| is_kept),
            ..Self::default()
        };
        let Some(file) = &history.file else {
            return history;
        };
        match files::read_private(file) {
            Ok(text) => history.load(&text),
            Err(error) => history.give_up(error),
        }
        history
    }

    /// The statements, oldest first.
    pub(super) fn statements(&self) -> &VecDeque<String> {
        &self.statements
    }

    /// Adds a statement that was entered in this session.
    pub(super) fn add(&mut self, statement: &str, session: &Session) {
        let is_private = statement.starts_with(' ') || session.has_token_in(statement);
        let is_again = self.statements.back().is_some_and(|last| last == statement);
        let is_long = statement.len() > STATEMENT_BYTES_MAX;
        if is_private || is_again || is_long || statement.is_empty() {
            return;
        }
        self.remember(statement.to_owned());
        let Some(file) = &self.file else {
            return;
        };
        if let Err(error) = files::append_private(file, &format!("{}\n", escape(statement))) {
            self.give_up(error);
        }
    }

    fn load(&mut self, text: &str) {
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        for line in &lines {
            self.remember(unescape(line));
        }
        let Some(file) = self
            .file
            .clone()
            .filter(|_| lines.len() > 2 * STATEMENTS_MAX || text.len() > 2 * BYTES_MAX)
        else {
            return;
        };
        let kept = self.statements.iter();
        let kept: String = kept.map(|line| format!("{}\n", escape(line))).collect();
        if let Err(error) = files::replace_private(&file, &kept) {
            self.give_up(error);
        }
    }

    fn remember(&mut self, statement: String) {
        if statement.len() > STATEMENT_BYTES_MAX {
            return;
        }
        self.bytes += statement.len();
        self.statements.push_back(statement);
        while self.statements.len() > STATEMENTS_MAX || self.bytes > BYTES_MAX {
            let oldest = self.statements.pop_front().unwrap_or_default();
            self.bytes = self.bytes.saturating_sub(oldest.len());
        }
    }

    fn give_up(&mut self, error: CliError) {
        self.file = None;
        let told = error.line().unwrap_or_default();
        remark(&format!("there is no history after this prompt: {told}"));
    }
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
        let mut history = History::default();
        let lines: Vec<String> = (0..=STATEMENTS_MAX).map(|n| format!("{n}\n")).collect();
        history.load(&lines.concat());
        assert_eq!(history.statements().len(), STATEMENTS_MAX);
        assert_eq!(history.statements().front().map(String::as_str), Some("1"));
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
        history.load(&text);
        let bytes: usize = history.statements().iter().map(String::len).sum();
        assert_eq!((bytes, history.bytes), (BYTES_MAX, BYTES_MAX));
        let newest = history.statements().back().expect("some are kept");
        assert!(newest.ends_with("0049"), "the longer one is not kept");
        let kept = std::fs::read_to_string(&file).expect("the file was cut");
        assert_eq!(kept.lines().count(), BYTES_MAX / STATEMENT_BYTES_MAX);
    }
}
