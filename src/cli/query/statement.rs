//! Where a statement ends that is typed in several lines: at a `;` that is neither in quotes nor in
//! a comment.
//!
//! The rules of quotes and comments are those of the server's grammar (sqlparser's generic dialect):
//! `'it''s'`, `"a column"`, `` `the same` ``, `$$text$$`, `-- to the end of the line`, and
//! `/* nested */`; in InfluxQL `'it\'s'`, `"a column"`, `/an \/ expression/`, and comments that do not
//! nest. This is no grammar: whether a statement makes sense is for the server to say.

use std::iter::Peekable;
use std::str::CharIndices;

use super::language::Language;

/// The first statement of a text, without its `;`, and what follows it; none if it has no end yet.
pub(super) fn split(text: &str, language: Language) -> Option<(&str, &str)> {
    let end = match language {
        Language::Sql => end_of_sql(text)?,
        Language::Influxql => end_of_influxql(text)?,
    };
    let (statement, rest) = text.split_at_checked(end)?;
    Some((statement, rest.strip_prefix(';').unwrap_or(rest)))
}

fn end_of_sql(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ';' => return Some(at),
            '\'' | '"' | '`' => skip_quoted(&mut characters, character),
            '-' if takes(&mut characters, '-') => skip_line(&mut characters),
            '/' if takes(&mut characters, '*') => skip_comment(&mut characters),
            '$' if takes(&mut characters, '$') => skip_dollars(&mut characters),
            _ => {}
        }
    }
    None
}

fn end_of_influxql(text: &str) -> Option<usize> {
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match character {
            ';' => return Some(at),
            '\'' | '"' => skip_escaped(&mut characters, character),
            '-' if takes(&mut characters, '-') => skip_line(&mut characters),
            '/' if takes(&mut characters, '*') => skip_flat_comment(&mut characters),
            '/' if has_expression_after(text.get(..at).unwrap_or_default()) => {
                skip_escaped(&mut characters, '/');
            }
            _ => {}
        }
    }
    None
}

/// The words after which a `/` begins a regular expression, and does not divide.
const BEFORE_EXPRESSIONS: [&str; 4] = ["FROM", "SELECT", "BY", "MEASUREMENT"];

/// Returns true if a `/` after this text begins a regular expression.
fn has_expression_after(text: &str) -> bool {
    let before = text.trim_end();
    let word = before
        .rsplit(char::is_whitespace)
        .next()
        .unwrap_or_default();
    before.ends_with(['~', ',', '('])
        || BEFORE_EXPRESSIONS
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
}

/// Returns true if a text has nothing that could be a statement: blanks and comments.
pub(super) fn is_blank(text: &str) -> bool {
    let mut characters = text.char_indices().peekable();
    while let Some((_, character)) = characters.next() {
        match character {
            '-' if takes(&mut characters, '-') => skip_line(&mut characters),
            '/' if takes(&mut characters, '*') => skip_comment(&mut characters),
            blank if blank.is_whitespace() => {}
            _ => return false,
        }
    }
    true
}

/// Takes the next character if it is this one.
fn takes(characters: &mut Peekable<CharIndices<'_>>, wanted: char) -> bool {
    characters.next_if(|(_, next)| *next == wanted).is_some()
}

/// A quote that is doubled ends the text, and begins another at once.
fn skip_quoted(characters: &mut Peekable<CharIndices<'_>>, quote: char) {
    let _ = characters.find(|(_, next)| *next == quote);
}

/// A backslash takes the character after it along.
fn skip_escaped(characters: &mut Peekable<CharIndices<'_>>, quote: char) {
    while let Some((_, next)) = characters.next() {
        match next {
            '\\' => drop(characters.next()),
            next if next == quote => return,
            _ => {}
        }
    }
}

fn skip_flat_comment(characters: &mut Peekable<CharIndices<'_>>) {
    while let Some((_, next)) = characters.next() {
        if next == '*' && takes(characters, '/') {
            return;
        }
    }
}

fn skip_line(characters: &mut Peekable<CharIndices<'_>>) {
    let _ = characters.find(|(_, next)| *next == '\n');
}

fn skip_comment(characters: &mut Peekable<CharIndices<'_>>) {
    let mut depth = 1_usize;
    while let Some((_, next)) = characters.next() {
        match next {
            '*' if takes(characters, '/') => depth -= 1,
            '/' if takes(characters, '*') => depth += 1,
            _ => {}
        }
        if depth == 0 {
            return;
        }
    }
}

fn skip_dollars(characters: &mut Peekable<CharIndices<'_>>) {
    while let Some((_, next)) = characters.next() {
        if next == '$' && takes(characters, '$') {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, is_blank};

    fn split(text: &str) -> Option<(&str, &str)> {
        super::split(text, Language::Sql)
    }

    #[test]
    fn a_statement_ends_at_a_semicolon_outside_of_quotes_and_comments() {
        for statement in [
            "SELECT 1",
            "",
            "SELECT ';'",
            "SELECT 'it''s; so' || ';'",
            "SELECT \"a;b\", `c;'d`",
            "SELECT 1 -- one; or '\n, 2",
            "SELECT /* a; /* 'b; */ c; */ 1",
            "SELECT $$a;'b$ $$, $1, $x",
            "SELECT 4 - 2 / 1 * 3",
            "SELECT 'ä;🙂'",
            "SELECT 'a\nb;\nc'",
        ] {
            let text = format!("{statement};rest; more");
            assert_eq!(split(&text), Some((statement, "rest; more")), "{text}");
            assert_eq!(split(statement), None, "{statement}");
        }
    }

    #[test]
    fn what_is_not_closed_has_no_end() {
        for text in [
            "SELECT 'a;",
            "SELECT \"a;",
            "SELECT /* ; /* */",
            "SELECT $$;",
            "--;",
        ] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn in_influxql_quotes_have_escapes_and_expressions_stand_between_slashes() {
        for statement in [
            "SELECT x FROM m WHERE s = 'it\\'s;' AND t = \"a;\\\"b\"",
            "SELECT x FROM /a;'b/, /c\\/;/ WHERE t =~ /;\"/ AND u !~/;/",
            "SELECT a / b, (c) / d FROM m GROUP BY /;/",
            "SELECT x /* a; /* b */ FROM m -- it's;\n",
            "SHOW MEASUREMENTS WITH MEASUREMENT =~ /;/",
        ] {
            let text = format!("{statement};rest; more");
            let found = super::split(&text, Language::Influxql);
            assert_eq!(found, Some((statement, "rest; more")), "{text}");
        }
        for text in ["SELECT 'a\\';", "SELECT x FROM /a;", "SELECT /* ;", "--;"] {
            assert_eq!(super::split(text, Language::Influxql), None, "{text}");
        }
    }

    #[test]
    fn blanks_and_comments_are_no_statement() {
        for text in ["", " \n\t", "-- so\n", "/* a */ -- b", "/*"] {
            assert!(is_blank(text), "{text}");
        }
        for text in ["x", "/* a */ x", "''", "-", "/"] {
            assert!(!is_blank(text), "{text}");
        }
    }
}
