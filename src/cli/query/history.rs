//! The statements that were entered at prompts, oldest first: kept in the user's state folder, for
//! that user alone.
//!
//! ```text
//! $XDG_STATE_HOME/tidegate/query_history, or ~/.local/state/tidegate/query_history
//! one statement per line; \n in it is a line feed, \\ a backslash
//! ```
//!
//! Never kept: a statement with the token in it, and one that begins with a blank. If the file cannot
//! be used, that is told once, and there is a history until the prompt ends.

use std::collections::VecDeque;
use std::path::PathBuf;

use crate::cli::connection::Session;
use crate::cli::output::remark;
use crate::cli::{CliError, files};
use crate::config;

/// The most statements that are kept.
const STATEMENTS_MAX: usize = 1000;

const FILE: &str = "tidegate/query_history";

/// The statements so far.
#[derive(Debug, Default)]
pub(super) struct History {
    statements: VecDeque<String>,
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
        if is_private || is_again || statement.is_empty() {
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
            .filter(|_| lines.len() > 2 * STATEMENTS_MAX)
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
        self.statements.push_back(statement);
        if self.statements.len() > STATEMENTS_MAX {
            self.statements.pop_front();
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
}
