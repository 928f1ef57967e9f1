//! Trees to text.
//!
//! The text of a tree that was parsed parses to the same tree. It is the shortest such text: names
//! are quoted only if they need it, clauses that say what holds anyway are left out. Passwords are
//! not in the tree; `[REDACTED]` stands for them.
//!
//! Two values exist that no text can hold: a regular expression with a line break or with a
//! backslash at its end, both only by a bound parameter. They are printed as an expression of the
//! same meaning.

mod administration;
mod expression;
mod select;
mod show;
mod statement;

use std::fmt::{self, Display, Formatter};

use super::token::Keyword;

/// Returns true if a name can only be written in quotes.
pub(super) fn needs_quotes(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.is_empty()
        || name.starts_with(|c: char| c.is_ascii_digit())
        || !name.chars().all(is_word)
        || Keyword::of(name).is_some()
}

/// Returns a name in double quotes.
pub(super) fn quote_identifier(name: &str) -> String {
    quoted(name, '"')
}

/// Returns a text in quotes of either kind.
fn quoted(text: &str, mark: char) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\\' => out.push_str("\\\\"),
            _ if c == mark => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push(mark);
    out
}

/// A name, quoted if it needs it.
struct Name<'a>(&'a str);

impl Display for Name<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if needs_quotes(self.0) {
            out.write_str(&quote_identifier(self.0))
        } else {
            out.write_str(self.0)
        }
    }
}

/// A string literal.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(&quoted(self.0, '\''))
    }
}

/// Values with commas between them.
struct List<'a, T>(&'a [T]);

impl<T: Display> Display for List<'_, T> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().enumerate() {
            if index > 0 {
                out.write_str(", ")?;
            }
            write!(out, "{item}")?;
        }
        Ok(())
    }
}

/// Writes a space, a word and a value, if there is a value.
fn optional<T: Display>(out: &mut Formatter<'_>, word: &str, value: Option<T>) -> fmt::Result {
    match value {
        Some(value) => write!(out, " {word} {value}"),
        None => Ok(()),
    }
}

/// Writes a clause that counts, unless it counts 0.
fn count(out: &mut Formatter<'_>, word: &str, count: u64) -> fmt::Result {
    optional(out, word, Some(count).filter(|count| *count > 0))
}

/// Writes a clause with a list, unless it is empty.
fn list<T: Display>(out: &mut Formatter<'_>, words: &str, items: &[T]) -> fmt::Result {
    optional(out, words, Some(List(items)).filter(|_| !items.is_empty()))
}
