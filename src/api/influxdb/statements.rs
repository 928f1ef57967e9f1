//! The statements of InfluxQL that clients send before they write, for a build without the parser of the
//! query engine.
//!
//! A request has one or more statements, separated by `;`. All of them are parsed before the first
//! is executed, so a mistake in one refuses the whole request, as in InfluxDB 1.x.

use thiserror::Error;

use crate::certain::Certain;

/// A statement, as far as it is distinguished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// `CREATE DATABASE "name"`
    CreateDatabase(String),
    /// `SHOW DATABASES`
    ShowDatabases,
    /// A statement that is not executed.
    Other(Other),
}

/// The statements that are not executed, by what to use instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// `CREATE DATABASE "name" WITH …`
    CreateDatabaseWith,
    DropDatabase,
    CreateRetentionPolicy,
    AlterRetentionPolicy,
    DropRetentionPolicy,
    /// `DELETE`, `DROP SERIES`, `DROP MEASUREMENT`
    Delete,
    /// `SELECT`, `SHOW …`, `EXPLAIN`
    Read,
    /// Users, privileges, continuous queries and everything else.
    Administration,
}

/// The reason for which a request was not parsed. The text begins as in 1.x, which its clients look
/// for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum ParseError {
    #[error(
        "error parsing query: found {found}, expected {expected} at line {line}, char {column}"
    )]
    Unexpected {
        found: String,
        expected: &'static str,
        line: usize,
        column: usize,
    },
}

const VERBS: &str = "SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL";

/// The most bytes of unexpected text that are repeated.
const FOUND_BYTES_MAX: usize = 64;

/// Parses all statements of a request; empty ones do not count.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, ParseError> {
    let mut words = Words { text, at: 0 };
    let mut statements = Vec::new();
    loop {
        words.skip_empty();
        if words.rest().is_empty() {
            return Ok(statements);
        }
        statements.push(words.statement()?);
    }
}

/// A cursor over the text.
#[derive(Clone, Copy)]
struct Words<'a> {
    text: &'a str,
    /// The position: between two characters, at most the length.
    at: usize,
}

impl<'a> Words<'a> {
    fn rest(&self) -> &'a str {
        self.text
            .get(self.at..)
            .certain("the cursor stands between characters")
    }

    fn go_on_by(&mut self, length: usize) {
        self.at = self.at.saturating_add(length).min(self.text.len());
    }

    /// Skips blanks and comments.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            let length = match rest.trim_start() {
                comment if comment.starts_with("--") => comment.find('\n').unwrap_or(comment.len()),
                comment if comment.starts_with("/*") => {
                    comment.find("*/").map_or(comment.len(), |end| end + 2)
                }
                _ => 0,
            };
            self.go_on_by(blank + length);
            if length == 0 {
                return;
            }
        }
    }

    /// Skips blanks, comments and empty statements.
    fn skip_empty(&mut self) {
        self.skip_blank();
        while self.rest().starts_with(';') {
            self.go_on_by(1);
            self.skip_blank();
        }
    }

    fn statement(&mut self) -> Result<Statement, ParseError> {
        let start = *self;
        let (verb, object) = (self.keyword(), self.keyword());
        let two = (verb.to_ascii_uppercase(), object.to_ascii_uppercase());
        let other = match (two.0.as_str(), two.1.as_str()) {
            ("CREATE", "DATABASE") => {
                let name = self.identifier()?;
                let mut after = *self;
                if !after.keyword().eq_ignore_ascii_case("WITH") {
                    self.end()?;
                    return Ok(Statement::CreateDatabase(name));
                }
                Other::CreateDatabaseWith
            }
            ("SHOW", "DATABASES") => {
                self.end()?;
                return Ok(Statement::ShowDatabases);
            }
            ("DROP", "DATABASE") => Other::DropDatabase,
            ("CREATE", "RETENTION") => Other::CreateRetentionPolicy,
            ("ALTER", "RETENTION") => Other::AlterRetentionPolicy,
            ("DROP", "RETENTION") => Other::DropRetentionPolicy,
            ("DELETE", _) | ("DROP", "SERIES" | "MEASUREMENT") => Other::Delete,
            ("SELECT" | "SHOW" | "EXPLAIN", _) => Other::Read,
            ("CREATE" | "DROP" | "ALTER" | "GRANT" | "REVOKE" | "SET" | "KILL", _) => {
                Other::Administration
            }
            _ => return Err(start.unexpected(VERBS)),
        };
        self.skip_statement();
        Ok(Statement::Other(other))
    }

    /// Reads a word without quotes; empty if there is none here.
    fn keyword(&mut self) -> &'a str {
        self.skip_blank();
        let rest = self.rest();
        let end = rest.find(|c: char| !is_part_of_word(c));
        let word = rest
            .get(..end.unwrap_or(rest.len()))
            .certain("a character was found there");
        self.go_on_by(word.len());
        word
    }

    /// Reads an identifier: bare, or in double quotes with `\"`, `\\` and `\n`.
    fn identifier(&mut self) -> Result<String, ParseError> {
        self.skip_blank();
        let start = *self;
        let expected = || start.unexpected("identifier");
        let Some(quoted) = self.rest().strip_prefix('"') else {
            let name = self.keyword();
            let bare = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
            return bare.then(|| name.to_owned()).ok_or_else(expected);
        };
        let mut name = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' if name.is_empty() => return Err(expected()),
                '"' => {
                    self.go_on_by(at + 2);
                    return Ok(name);
                }
                '\\' => name.push(match characters.next().ok_or_else(expected)?.1 {
                    'n' => '\n',
                    other => other,
                }),
                other => name.push(other),
            }
        }
        Err(expected())
    }

    /// Checks that the statement ends here.
    fn end(&mut self) -> Result<(), ParseError> {
        self.skip_blank();
        match self.rest().chars().next() {
            None | Some(';') => Ok(()),
            Some(_) => Err(self.unexpected(";, EOF")),
        }
    }

    /// Skips to the `;` that ends this statement, not one within quotes or a comment.
    fn skip_statement(&mut self) {
        loop {
            self.skip_blank();
            let rest = self.rest();
            let Some(first) = rest.chars().next() else {
                return;
            };
            let length = match first {
                ';' => return,
                '"' | '\'' => quoted_length(rest, first),
                _ => first.len_utf8(),
            };
            self.go_on_by(length);
        }
    }

    fn unexpected(mut self, expected: &'static str) -> ParseError {
        self.skip_blank();
        let before = self
            .text
            .get(..self.at)
            .certain("the cursor stands between characters");
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let found = match self.rest().split_whitespace().next() {
            Some(word) => word
                .get(..word.floor_char_boundary(FOUND_BYTES_MAX))
                .certain("a boundary of characters was looked for"),
            None => "EOF",
        };
        ParseError::Unexpected {
            found: found.to_owned(),
            expected,
            line: before.matches('\n').count() + 1,
            column: before
                .get(line_start..)
                .certain("a line starts there")
                .chars()
                .count()
                + 1,
        }
    }
}

/// The length of a quoted text in bytes, including both quotes; all of the text if the quote has no
/// end.
fn quoted_length(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => {
                characters.next();
            }
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

fn is_part_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::{Other, Statement, VERBS, statements};

    fn one(text: &str) -> Statement {
        let mut read = statements(text).expect(text);
        assert_eq!(read.len(), 1, "{text}");
        read.remove(0)
    }

    #[test]
    fn a_database_is_created_by_its_quoted_or_bare_name() {
        for (text, name) in [
            (r#"CREATE DATABASE "telegraf""#, "telegraf"),
            ("create database telegraf;", "telegraf"),
            (r#"  CREATE\n DATABASE"a b/c" ; "#, "a b/c"),
            (r#"CREATE DATABASE "a\"b\\c""#, r#"a"b\c"#),
            ("CREATE DATABASE größe_1", "größe_1"),
            ("/* who */ CREATE -- what\\n DATABASE x -- why", "x"),
        ] {
            let text = text.replace("\\n", "\n");
            assert_eq!(
                one(&text),
                Statement::CreateDatabase(name.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn others_are_told_apart_by_what_there_is_instead() {
        assert_eq!(one("show databases"), Statement::ShowDatabases);
        for (text, other) in [
            ("CREATE", Other::Administration),
            (
                "CREATE DATABASE a WITH DURATION 1d",
                Other::CreateDatabaseWith,
            ),
            ("drop database a", Other::DropDatabase),
            (
                r#"CREATE RETENTION POLICY "a" ON "b" DURATION 1d REPLICATION 1"#,
                Other::CreateRetentionPolicy,
            ),
            (
                "ALTER RETENTION POLICY a ON b DEFAULT",
                Other::AlterRetentionPolicy,
            ),
            ("DROP RETENTION POLICY a ON b", Other::DropRetentionPolicy),
            ("DELETE FROM m WHERE time < 0", Other::Delete),
            ("DROP SERIES FROM m", Other::Delete),
            ("SELECT * FROM m", Other::Read),
            ("SHOW MEASUREMENTS", Other::Read),
            ("CREATE USER a WITH PASSWORD 'x'", Other::Administration),
        ] {
            assert_eq!(one(text), Statement::Other(other), "{text}");
        }
    }

    #[test]
    fn statements_are_parted_where_no_quote_and_no_comment_is_open() {
        assert_eq!(statements(" ; /* ; */ -- ;\n ;"), Ok(Vec::new()));
        let text = r#"SELECT 'a;\';b' FROM "m;\";n" -- ; c
            ; SHOW DATABASES; ;CREATE DATABASE x;DELETE FROM m"#;
        let read = statements(text).expect("statements");
        let expected = [
            Statement::Other(Other::Read),
            Statement::ShowDatabases,
            Statement::CreateDatabase("x".to_owned()),
            Statement::Other(Other::Delete),
        ];
        assert_eq!(read, expected);
        // A quote without an end takes the rest; the missing end is not reported yet.
        assert_eq!(
            one("SELECT 'a; SHOW DATABASES"),
            Statement::Other(Other::Read)
        );
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        for (text, found, expected, place) in [
            ("SELEKT 1", "SELEKT", VERBS, (1, 1)),
            ("SHOW DATABASES;\n  foo", "foo", VERBS, (2, 3)),
            ("CREATE DATABASE", "EOF", "identifier", (1, 16)),
            ("CREATE DATABASE 1", "1", "identifier", (1, 17)),
            (r#"CREATE DATABASE """#, r#""""#, "identifier", (1, 17)),
            (
                r#"CREATE DATABASE "open"#,
                r#""open"#,
                "identifier",
                (1, 17),
            ),
            ("SHOW DATABASES x", "x", ";, EOF", (1, 16)),
            ("ä", "ä", VERBS, (1, 1)),
        ] {
            let (line, column) = place;
            let told = format!(
                "error parsing query: found {found}, expected {expected} at line {line}, \
                 char {column}"
            );
            assert_eq!(statements(text).expect_err(text).to_string(), told);
        }
    }
}
